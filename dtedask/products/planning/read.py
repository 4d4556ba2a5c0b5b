"""The operation that reads a field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from dtedask.products.operation import Operation

if TYPE_CHECKING:
    from dtedask.grib import Coordinate, FieldDescription

__all__ = ["Read"]


@dataclass(frozen=True, slots=True)
class Read(Operation):
    """Reads one field: of a cube, a GRIB file or memory; it travels as a few names.

    Parameters
    ----------
    content : str
        Stands for the values: equal for the same content wherever it is seen, another one once it is replaced.
    description : FieldDescription
        What it is.
    values : callable
        Gives its values in the order of its grid.
    coordinates : callable
        Gives the coordinates of its grid.
    origin : str
        Where it is, for errors.
    source : str
        What it is read of, for the lineage: cube and snapshot of the commit that wrote it last, or name of the file.
    stored_bytes : int
        What it takes there; 0 where nobody knows.
    """

    name: ClassVar[str] = "read"

    content: str
    description: FieldDescription = field(compare=False, repr=False)
    values: Callable[[], NDArray[np.floating]] = field(compare=False, repr=False)
    coordinates: Callable[[], Mapping[str, Coordinate]] = field(compare=False, repr=False)
    origin: str = field(default="", compare=False)
    source: str = field(default="", compare=False)
    stored_bytes: int = field(default=0, compare=False)

    @property
    def identity(self) -> str:
        """Its content."""
        return self.content

    def describe(self, *fields: FieldDescription) -> FieldDescription:  # noqa: ARG002 - nothing goes in
        """What it is."""
        return self.description

    def __call__(self, *values: NDArray[np.floating]) -> NDArray[np.float32]:  # noqa: ARG002 - nothing goes in
        """Its values as float32, missing points NaN."""
        return np.asarray(self.values(), dtype=np.float32)

    def flops(self, *fields: FieldDescription) -> float:  # noqa: ARG002 - nothing goes in
        """None: it is read."""
        return 0.0
