"""Interpolation along rows and then across them: bilinear, bicubic and quasi-cubic."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.interpolation.method import MethodOptions
from dtedask.geo.interpolation.point_method import Entries, OnRows, PointOptions, RowsMethod, blank

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dtedask.geo.grid import Grid
    from dtedask.geo.interpolation.frame import Frame

_Array = NDArray[np.float64]
_AROUND = 4


class Bilinear(RowsMethod):
    """Linear in longitude along the two rows beside a point, then linear in latitude."""

    orders: ClassVar[tuple[int, int, int]] = (2, 2, 2)
    """Rows, points of each row beside the point, and points of each other row."""

    def entries(self, frame: Frame, latitude: _Array, longitude: _Array) -> Entries:
        """Make the weights; those of the (up to) four points around a point come first."""
        from dtedask.geo.interpolation.stencil_kernel import stencil_weights

        rows, beside, other = self.orders
        columns, weights = blank(len(latitude), _AROUND + max(0, 2 * (beside - 2) + (rows - 2) * other))
        poles = frame.has_north, frame.has_south
        stencil_weights(frame.rows, poles, (latitude, longitude), self.orders, columns, weights)
        return columns, weights


class CubicOptions(PointOptions):
    """Options of cubic methods."""

    limiter: bool = False
    """Whether values are kept between the least and the largest of the four points around."""


class Bicubic(Bilinear):
    """Cubic in longitude along four rows, then cubic in latitude."""

    Options: ClassVar[type[MethodOptions]] = CubicOptions
    orders: ClassVar[tuple[int, int, int]] = (4, 4, 4)

    @property
    def is_limited(self) -> bool:
        """Whether the option asks for it."""
        return bool(self.options.limiter)

    def limits(self, prepared: OnRows, source: Grid, target: Grid, first: int, last: int) -> csr_array | None:  # noqa: ARG002
        """Give the points around each point, with equal weights, if there is a limiter."""
        from dtedask.geo.interpolation.assembly import assembled

        if not self.options.limiter:
            return None
        points = prepared.frame.enter(*prepared.targets.part(first, last))
        columns = self.entries(prepared.frame, *points)[0][:, :_AROUND]
        weights = np.where(columns >= 0, 1.0, 0.0)
        return assembled(prepared.frame, np.ascontiguousarray(columns), weights, size=source.size)


class QuasiCubic(Bicubic):
    """Cubic in longitude along the two rows beside a point and linear along the two outer ones; cubic in latitude.

    The interpolation of ECMWF's semi-Lagrangian scheme (Ritchie et al. 1995), which takes 12 points in place of 16.
    """

    orders: ClassVar[tuple[int, int, int]] = (4, 4, 2)
