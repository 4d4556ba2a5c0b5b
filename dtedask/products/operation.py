"""What is done with the values of fields on the way to a product: pure, known before anything is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription

__all__ = ["Operation"]


class Operation(ABC):
    """One step from fields to a field (or to an encoded field), the same for every product that needs it.

    Operations are frozen dataclasses: small, hashable and picklable. Whatever depends on the grid of the fields is
    bound when they are made, so that errors come before the first value is read, and a worker gets no more than names:
    weights travel as their handle. Two operations that are equal give equal bits for equal values.
    """

    name: ClassVar[str]
    """What a dashboard and `explain` call it, such as ``regrid``; a class's own and short."""
    bytes_per_point: ClassVar[float] = 4.0
    """How large the result is, for estimates: values are float32, encoded ones are smaller."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """All that the result depends on beside the values, as a text: options, digests of weights, versions."""

    @abstractmethod
    def describe(self, *fields: FieldDescription) -> FieldDescription:
        """Say what comes out: keys, units, grid. Nothing is read.

        Raises
        ------
        DtedaskError
            If it cannot be done with such fields: one clear error that names them.
        """

    @abstractmethod
    def __call__(self, *values: NDArray[np.floating]) -> Any:
        """Make the result, missing points NaN; the arguments stay as they are.

        Returns
        -------
        numpy.ndarray, or bytes where it encodes
            In the shape of the grid that `describe` says.
        """

    def batch(self, fields: Sequence[tuple[NDArray[np.floating], ...]]) -> list[Any]:
        """Make the results for several fields at once, with the same bits; what works faster on many overrides it."""
        return [self(*values) for values in fields]

    def preparation(self) -> tuple[str, Callable[[], object]] | None:
        """What must be done once on a file system before operations of this kind, such as making weights.

        Returns
        -------
        tuple of (str, callable), optional
            What it is called, the same for operations that need the same, and what does it; it does nothing where it
            was done before. None where there is nothing to do.
        """
        return None

    def flops(self, *fields: FieldDescription) -> float:
        """How many floating-point operations it takes, for estimates."""
        return float(sum(field.grid.size for field in fields))
