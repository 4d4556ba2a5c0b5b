"""Linear interpolation in triangles between the points of the source: finite elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveFloat

from dtedask.geo.interpolation.frame import frame_of
from dtedask.geo.interpolation.method import MethodOptions
from dtedask.geo.interpolation.point_method import Entries, OnRows, PointOptions, RowsMethod, blank
from dtedask.geo.interpolation.stencil import Bilinear
from dtedask.geo.interpolation.targets import Targets

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dtedask.geo.grid import Grid
    from dtedask.geo.interpolation.frame import Frame
    from dtedask.geo.interpolation.triangles import Triangles

_Array = NDArray[np.float64]
_RADIUS_M = 6_371_229.0


class LinearOptions(PointOptions):
    """Options of `linear`."""

    longest_edge_m: PositiveFloat | None = None
    """Triangles with a longer edge give no value: those over land of an ocean's points, or over the gaps of a region's.
    Of sources without rows only."""


class Linear(RowsMethod):
    """Barycentric weights in the triangle on which a point is projected from the centre of the Earth."""

    Options: ClassVar[type[MethodOptions]] = LinearOptions

    def prepare(self, source: Grid, target: Grid) -> Any:
        """Take the rows of the source, or triangulate its points."""
        frame = frame_of(source)
        if frame is not None:
            return OnRows(frame, Targets.of(target))
        from dtedask.geo.interpolation.triangles import Triangles

        longest = self.options.longest_edge_m
        return Triangles.of(source.points(), None if longest is None else longest / _RADIUS_M), Targets.of(target)

    def block(self, prepared: Any, source: Grid, target: Grid, first: int, last: int) -> csr_array:
        """Make the weights of some points of the target."""
        if isinstance(prepared, OnRows):
            return super().block(prepared, source, target, first, last)
        from dtedask.geo.interpolation.assembly import assembled

        triangles: Triangles = prepared[0]
        targets: Targets = prepared[1]
        latitude, longitude = targets.part(first, last)
        columns, weights = triangles.weights(latitude, longitude)
        if self.options.outside == "nearest":
            empty = np.flatnonzero(columns[:, 0] < 0)
            nearest, _ = triangles.cloud.nearest(latitude[empty], longitude[empty], 1, np.inf)
            columns[empty, 0], weights[empty, 0] = nearest[:, 0], 1.0
        return assembled(None, columns, weights, size=source.size)

    def entries(self, frame: Frame, latitude: _Array, longitude: _Array) -> Entries:
        """Make the weights of the three corners; around a pole that has no points, of the ring there too.

        Lines of points, rows too short to go around, and poles alone have no triangles: there it is `bilinear`.
        """
        from dtedask.geo.interpolation.linear_kernel import linear_weights

        fewest = np.where(frame.rows["is_periodic"], 3, 2)
        if len(frame.rows) == 1 or np.any(frame.rows["count"] < fewest) or not np.any(frame.rows["cosine"]):
            return Bilinear(self.options).entries(frame, latitude, longitude)
        columns, weights = blank(len(latitude), 4)
        linear_weights(frame.rows, (frame.has_north, frame.has_south), latitude, longitude, columns, weights)
        return columns, weights
