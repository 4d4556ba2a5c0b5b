"""Bitmaps: a file says which points of a field are left out, as in dissemination."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from dtedask.geo import Grid
from dtedask.geo.bitmaps import read_bitmap
from dtedask.geo.weighting.masks import Mask
from dtedask.products.operations.bound import BoundOperation, may_miss

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription

__all__ = ["Bitmap"]

_VERSION = 1


@dataclass(frozen=True, eq=False)
class Bitmap(BoundOperation):
    """Makes points missing that a bitmap leaves out.

    Parameters
    ----------
    grid : Grid
        The grid of the field.
    kept : Mask
        Which of its points are kept.
    """

    name: ClassVar[str] = "bitmap"
    grid: Grid
    kept: Mask

    @classmethod
    def of(cls, grid: Grid, path: str) -> Bitmap:
        """Read a bitmap for a grid.

        Raises
        ------
        GridError
            If the file cannot be read, or has another number of points.
        """
        return cls(grid, Mask.of(grid, read_bitmap(path, grid), "bitmap"))

    @cached_property
    def identity(self) -> str:
        """See `Operation`."""
        return f"bitmap {_VERSION} {self.grid.uid} {self.kept.digest}"

    @property
    def source(self) -> Grid:
        """See `BoundOperation`."""
        return self.grid

    def describe(self, *fields: FieldDescription) -> FieldDescription:
        """See `Operation`."""
        return may_miss(super().describe(*fields))

    def __call__(self, *values: NDArray[np.floating]) -> NDArray[np.floating]:
        """See `Operation`."""
        kept = self.kept.bits.reshape(self.grid.shape)
        return np.where(kept, values[0], np.asarray(np.nan, values[0].dtype))
