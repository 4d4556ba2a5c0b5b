"""Winds: made of vorticity and divergence, turned with the grid; both components are made at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from dtedask.geo import Grid
from dtedask.products.operations.bound import BoundOperation, as_parameter
from dtedask.products.operations.spectral import SumOperation

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription

__all__ = ["Component", "OverCosine", "Turned", "WindCoefficients", "Winds", "WindsOperation"]

_VERSION = 1
_KEPT = 8
_AT_POLE = 1e-9  # degrees
_Values = NDArray[np.floating]


class WindsOperation(BoundOperation):
    """Takes two fields and makes two: an array of shape (2, *target.shape), from which `Component` takes one."""

    bytes_per_point: ClassVar[float] = 8.0

    def __call__(self, *values: _Values) -> _Values:
        """See `Operation`."""
        return self.batch([values])[0]

    def batch(self, fields: Sequence[tuple[_Values, ...]]) -> list[_Values]:
        """See `Operation`."""
        dtype = np.result_type(np.float32, *(one.dtype for values in fields for one in values))
        first, second = (np.stack([values[number] for values in fields]) for number in (0, 1))
        found = (part.astype(dtype, copy=False) for part in self._both(first, second))
        return list(np.stack([part.reshape(len(fields), *self.target.shape) for part in found], axis=1))

    @abstractmethod
    def _both(self, first: _Values, second: _Values) -> tuple[_Values, _Values]:
        """Make both fields of arrays of shape (fields, *source.shape)."""


@dataclass(frozen=True, eq=False)
class Winds(SumOperation, WindsOperation):
    """Sums up the winds of vorticity and divergence at the points of a grid, u and v in m s**-1."""

    name: ClassVar[str] = "winds"
    version: ClassVar[int] = 1

    def _both(self, first: _Values, second: _Values) -> tuple[_Values, _Values]:
        from dtedask.geo.spectral.coefficients import cut
        from dtedask.geo.spectral.synthesis import wind_at

        return wind_at(cut(first, self.truncation), cut(second, self.truncation), self.points, 1)

    def flops(self, *fields: FieldDescription) -> float:
        """See `Operation`."""
        return 2.0 * super().flops(*fields)


@dataclass(frozen=True, eq=False)
class WindCoefficients(WindsOperation):
    """Makes harmonics of u and v, times the cosine of latitude as models keep them, of vorticity and divergence.

    Parameters
    ----------
    grid : Grid
        Spherical harmonics.
    """

    name: ClassVar[str] = "winds"
    grid: Grid

    @cached_property
    def identity(self) -> str:
        """See `Operation`."""
        return f"wind coefficients {_VERSION} {self.grid.spec}"

    @property
    def source(self) -> Grid:
        """See `BoundOperation`."""
        return self.grid

    def _both(self, first: _Values, second: _Values) -> tuple[_Values, _Values]:
        from dtedask.geo.spectral.coefficients import cut, wind_times_cosine

        east, north = wind_times_cosine(first, second)
        known = int(self.grid.description["truncation"])
        return cut(east, known), cut(north, known)


@dataclass(frozen=True, eq=False)
class Turned(WindsOperation):
    """Turns winds that count from true east and north to the directions in which columns and rows of a grid run.

    Parameters
    ----------
    grid : Grid
        A turned grid.
    """

    name: ClassVar[str] = "turn"
    grid: Grid

    @cached_property
    def identity(self) -> str:
        """See `Operation`."""
        return f"turn {_VERSION} {self.grid.uid}"

    @property
    def source(self) -> Grid:
        """See `BoundOperation`."""
        return self.grid

    def describe(self, *fields: FieldDescription) -> FieldDescription:
        """See `Operation`."""
        found = super().describe(*fields)
        return replace(found, attributes={**found.attributes, "GRIB_uvRelativeToGrid": 1})

    def _both(self, first: _Values, second: _Values) -> tuple[_Values, _Values]:
        cosine, sine = _turn(self.grid)
        return first * cosine + second * sine, second * cosine - first * sine


@dataclass(frozen=True, eq=False)
class Component(BoundOperation):
    """Takes one of two fields that were made at once.

    Parameters
    ----------
    grid : Grid
        The grid of both.
    number : int
        0 or 1.
    param : str
        Which parameter it is.
    """

    name: ClassVar[str] = "component"
    grid: Grid
    number: int
    param: str

    @cached_property
    def identity(self) -> str:
        """See `Operation`."""
        return f"component {_VERSION} {self.grid.uid} {self.number} {self.param}"

    @property
    def source(self) -> Grid:
        """See `BoundOperation`."""
        return self.grid

    def describe(self, *fields: FieldDescription) -> FieldDescription:
        """See `Operation`."""
        return as_parameter(super().describe(*fields), self.param)

    def __call__(self, *values: _Values) -> _Values:
        """See `Operation`."""
        found: _Values = values[0][self.number]
        return found

    def flops(self, *fields: FieldDescription) -> float:  # noqa: ARG002 - nothing is computed
        """See `Operation`."""
        return 0.0


@dataclass(frozen=True, eq=False)
class OverCosine(BoundOperation):
    """Makes winds of what harmonics of models hold: winds times the cosine of latitude. At the poles they are 0.

    Parameters
    ----------
    grid : Grid
        Where they were summed up.
    """

    name: ClassVar[str] = "scale"
    grid: Grid

    @cached_property
    def identity(self) -> str:
        """See `Operation`."""
        return f"over cosine {_VERSION} {self.grid.uid}"

    @property
    def source(self) -> Grid:
        """See `BoundOperation`."""
        return self.grid

    def __call__(self, *values: _Values) -> _Values:
        """See `Operation`."""
        return (values[0] * _over_cosine(self.grid)).astype(values[0].dtype, copy=False)


@lru_cache(_KEPT)
def _over_cosine(grid: Grid) -> NDArray[np.float64]:
    latitude = np.abs(grid.points().latitude)
    cosine = np.cos(np.deg2rad(latitude))
    found = np.divide(1.0, cosine, out=np.zeros_like(cosine), where=latitude < 90.0 - _AT_POLE)
    return found.reshape(grid.shape)


@lru_cache(_KEPT)
def _turn(grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cosine and sine of the angle from true east to the direction of rows, counter-clockwise."""
    from dtedask.geo.application.frames import frames

    (east, north), (along, _) = frames(grid, "north"), frames(grid, "grid")
    return (east * along).sum(axis=0), (north * along).sum(axis=0)
