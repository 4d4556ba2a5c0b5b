"""What a set of operations keeps of the fields that it has taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

__all__ = ["OperationState"]


@dataclass(slots=True, eq=False)
class OperationState:
    """Numbers of a set of operations after some fields.

    Parameters
    ----------
    fields : int
        How many fields it has taken.
    shape : tuple of int
        Shape of a field.
    arrays : dict of str to numpy.ndarray
        By name of the part; float64, counts int64; the last dimensions are those of the field.
    """

    fields: int
    shape: tuple[int, ...]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def save(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return what JSON can hold, and the arrays, which are those of the state itself."""
        return {"fields": self.fields, "shape": list(self.shape)}, dict(self.arrays)

    @classmethod
    def load(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the state that was saved, to the last bit; the arrays are copied."""
        copies = {name: np.array(array, order="C") for name, array in arrays.items()}
        return cls(int(document["fields"]), tuple(document["shape"]), copies)

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return sum(array.nbytes for array in self.arrays.values())
