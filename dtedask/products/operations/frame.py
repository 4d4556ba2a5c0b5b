"""Frames: only the outermost rows and columns of a field are kept, as boundaries of another model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo import Grid
from dtedask.geo.grids.points import base_kind
from dtedask.products.operations.bound import BoundOperation, may_miss

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription

__all__ = ["Frame"]

_VERSION = 1
_KEPT = 16


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
        return np.where(_kept(self.grid, self.width), values[0], np.asarray(np.nan, values[0].dtype))


def lengths_of_rows(grid: Grid) -> NDArray[np.int64]:
    """How many points each row has, from north to south.

    Raises
    ------
    GridError
        If its points do not stand in rows.
    """
    if len(grid.shape) == 2:
        return np.full(grid.shape[0], grid.shape[1], np.int64)
    rows = _own_system(grid).structure()
    if rows is not None:
        return rows.count[rows.count > 0].astype(np.int64)
    raise GridError(
        f"The points of the grid {grid.label} stand in no rows: it has no frame.",
        hint="Frames are for regular, Gaussian and rotated grids and for maps.",
    )


def _own_system(grid: Grid) -> Grid:
    """The grid before it was turned: there its rows are circles of latitude."""
    kind, place = base_kind(grid.kind), grid.description
    if kind == grid.kind:
        return grid
    del place["kind"]
    plain = {key: value for key, value in place.items() if not key.startswith(("south_pole", "stretching", "angle"))}
    return Grid.of(kind, plain, grid.dims, grid.shape)


@lru_cache(_KEPT)
def _kept(grid: Grid, width: int) -> NDArray[np.bool_]:
    lengths = lengths_of_rows(grid)
    row = np.repeat(np.arange(lengths.size), lengths)
    column = np.arange(grid.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    is_outer = (row < width) | (row >= lengths.size - width)
    found: NDArray[np.bool_] = is_outer | (column < width) | (column >= lengths[row] - width)
    return found.reshape(grid.shape)
