"""The transform to points as a step of interpolation: small, so that it travels with tasks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.grid import Grid
from dtedask.geo.spectral.coefficients import cut, truncation_of
from dtedask.geo.spectral.groups import in_groups
from dtedask.geo.spectral.resolution import Order, matching_truncation
from dtedask.geo.spectral.synthesis import scalar_at


@dataclass(frozen=True)
class SpectralOperation:
    """Values at the points of a grid from coefficients in GRIB's order.

    Parameters
    ----------
    source : Grid
        Spherical harmonics.
    target : Grid
        Where values are wanted.
    truncation : int
        Wave numbers above it are left out.
    """

    source: Grid
    target: Grid
    truncation: int

    @classmethod
    def wanted(cls, source: Grid, target: Grid, truncation: int | Order | None = None) -> SpectralOperation:
        """Name the truncation by a number, by what the target can carry, or take all there is."""
        known = truncation_of(source.size)
        if truncation is None:
            return cls(source, target, known)
        highest = matching_truncation(target, truncation) if isinstance(truncation, str) else int(truncation)
        return cls(source, target, min(known, highest))

    @property
    def window(self) -> tuple[tuple[int, int], ...]:
        """All coefficients are read."""
        return ((0, self.source.size),)

    def __call__(self, *values: NDArray[Any]) -> NDArray[np.floating]:
        """Transform coefficients of shape (..., numbers) to (..., target.shape)."""
        (given,) = values
        before = given.shape[:-1]
        flat = given.reshape(math.prod(before), given.shape[-1])
        dtype = np.result_type(np.float32, given.dtype)
        (found,) = in_groups(self._values, [flat], [self.target.size], dtype)
        return found.reshape(*before, *self.target.shape)

    def _values(self, coefficients: NDArray[Any]) -> NDArray[np.floating]:
        return scalar_at(cut(coefficients, self.truncation), self.target, threads=1)
