"""Areas: the points of a field that lie in one, as they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from dtedask.geo import Cropped, Grid, cropped
from dtedask.products.operations.bound import BoundOperation

if TYPE_CHECKING:
    from dtedask.geo.area import Area
    from dtedask.grib import FieldDescription

__all__ = ["Crop"]

_KEPT = 16  # they hold an index for every point
_VERSION = 1


@dataclass(frozen=True, eq=False)
class Crop(BoundOperation):
    """Cuts the points in an area out of a field, edges included.

    Parameters
    ----------
    grid : Grid
        The grid of the field.
    area : tuple of float
        North, west, south, east in degrees.
    """

    name: ClassVar[str] = "crop"
    grid: Grid
    area: Area

    @cached_property
    def identity(self) -> str:
        """See `Operation`."""
        return f"crop {_VERSION} {self.grid.uid} {self.area}"

    @property
    def source(self) -> Grid:
        """See `BoundOperation`."""
        return self.grid

    @cached_property
    def target(self) -> Grid:
        """See `BoundOperation`."""
        return _part(self.grid, self.area).grid

    def __call__(self, *values: NDArray[np.floating]) -> NDArray[np.floating]:
        """See `Operation`."""
        part = _part(self.grid, self.area)
        return values[0].reshape(-1)[part.places].reshape(part.grid.shape)

    def flops(self, *fields: FieldDescription) -> float:  # noqa: ARG002 - nothing is computed
        """See `Operation`."""
        return 0.0


@lru_cache(_KEPT)
def _part(grid: Grid, area: Area) -> Cropped:
    return cropped(grid, area)
