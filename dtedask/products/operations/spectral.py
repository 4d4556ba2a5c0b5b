"""Spherical harmonics on the way to products: cut, and summed up at points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from dtedask.geo import Grid
from dtedask.products.operations.bound import BoundOperation

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription

__all__ = ["Sum", "SumOperation", "Truncate"]

_VERSION = 1


@dataclass(frozen=True, eq=False)
class Truncate(BoundOperation):
    """Leaves out the wave numbers above a truncation, or adds zeros up to it.

    Parameters
    ----------
    grid : Grid
        Spherical harmonics.
    truncation : int
        That of the result.
    """

    name: ClassVar[str] = "truncate"
    grid: Grid
    truncation: int

    @cached_property
    def identity(self) -> str:
        """See `Operation`."""
        return f"truncate {_VERSION} {self.grid.spec} {self.truncation}"

    @property
    def source(self) -> Grid:
        """See `BoundOperation`."""
        return self.grid

    @cached_property
    def target(self) -> Grid:
        """See `BoundOperation`."""
        from dtedask.geo.spectral import spectral_grid

        return spectral_grid(self.truncation)

    def __call__(self, *values: NDArray[np.floating]) -> NDArray[np.floating]:
        """See `Operation`."""
        from dtedask.geo.spectral.coefficients import cut

        found = cut(values[0], self.truncation)
        return found.copy() if found is values[0] else found

    def flops(self, *fields: FieldDescription) -> float:  # noqa: ARG002 - nothing is computed
        """See `Operation`."""
        return 0.0


@dataclass(frozen=True, eq=False)
class SumOperation(BoundOperation):
    """Sums up harmonics at the points of a grid.

    Parameters
    ----------
    grid : Grid
        Spherical harmonics.
    points : Grid
        Where values are wanted.
    truncation : int
        Wave numbers above it are left out.
    """

    version: ClassVar[int]
    """What makes other values has another."""
    grid: Grid
    points: Grid
    truncation: int

    @cached_property
    def identity(self) -> str:
        """See `Operation`."""
        return f"{self.name} {self.version} {self.grid.spec} {self.points.uid} {self.truncation}"

    @property
    def source(self) -> Grid:
        """See `BoundOperation`."""
        return self.grid

    @property
    def target(self) -> Grid:
        """See `BoundOperation`."""
        return self.points

    def flops(self, *fields: FieldDescription) -> float:  # noqa: ARG002 - the grids say all
        """See `Operation`."""
        return flops_of_sum(self.points, self.truncation)


@dataclass(frozen=True, eq=False)
class Sum(SumOperation):
    """Sums up harmonics of one field."""

    name: ClassVar[str] = "sum"
    version: ClassVar[int] = 1

    def __call__(self, *values: NDArray[np.floating]) -> NDArray[np.floating]:
        """See `Operation`."""
        found: NDArray[np.floating] = self._summed(values[0][None])[0]
        return found

    def batch(self, fields: Sequence[tuple[NDArray[np.floating], ...]]) -> list[NDArray[np.floating]]:
        """See `Operation`."""
        return list(self._summed(np.stack([values[0] for values in fields])))

    def _summed(self, fields: NDArray[np.floating]) -> NDArray[np.floating]:
        from dtedask.geo.spectral.operation import SpectralOperation

        found: NDArray[np.floating] = SpectralOperation(self.grid, self.points, self.truncation)(fields)
        return found


def flops_of_sum(points: Grid, truncation: int) -> float:
    """Legendre functions of each row, then its Fourier transform."""
    rows = points.shape[0] if len(points.shape) == 2 else points.size**0.5
    return 4.0 * rows * truncation**2 + 20.0 * points.size
