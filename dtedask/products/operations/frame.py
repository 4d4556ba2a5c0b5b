"""Frames: only the outermost rows and columns of a field are kept, as boundaries of another model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from dtedask.geo import Grid
from dtedask.geo.framing import frame_points, lengths_of_rows
from dtedask.products.operations.bound import BoundOperation, may_miss

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription

__all__ = ["Frame"]

_VERSION = 1


@dataclass(frozen=True, eq=False)
class Frame(BoundOperation):
    """Makes all points missing but those of the outermost rows, and the outermost of each row.

    Parameters
    ----------
    grid : Grid
        The grid of the field: its points stand in rows.
    width : int
        How many rows at each edge, and how many points at both ends of each row, are kept.
    """

    name: ClassVar[str] = "frame"
    grid: Grid
    width: int

    @cached_property
    def identity(self) -> str:
        """See `Operation`."""
        return f"frame {_VERSION} {self.grid.uid} {self.width}"

    @property
    def source(self) -> Grid:
        """See `BoundOperation`."""
        return self.grid

    def __post_init__(self) -> None:
        lengths_of_rows(self.grid)  # an error for grids without rows

    def describe(self, *fields: FieldDescription) -> FieldDescription:
        """See `Operation`."""
        return may_miss(super().describe(*fields))

    def __call__(self, *values: NDArray[np.floating]) -> NDArray[np.floating]:
        """See `Operation`."""
        return np.where(frame_points(self.grid, self.width), values[0], np.asarray(np.nan, values[0].dtype))
