"""The nearest points of the source: one, or several that weigh by their distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from dtedask.geo.interpolation import distance_weights
from dtedask.geo.interpolation.frame import Frame, frame_of
from dtedask.geo.interpolation.method import Method, MethodOptions
from dtedask.geo.interpolation.point_method import PointOptions
from dtedask.geo.interpolation.targets import Targets

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dtedask.geo.grid import Grid
    from dtedask.geo.interpolation.cloud import Cloud

_Array = NDArray[np.float64]
RADIUS_M = 6_371_229.0
_WIDTH = 16


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """Where the nearest points are looked for.

    Parameters
    ----------
    frame : Frame or None
        The rows of a source that has some.
    cloud : Cloud or None
        The points of a source without rows on the sphere.
    targets : Targets
        Points of the target.
    """

    frame: Frame | None
    cloud: Cloud | None
    targets: Targets

    @property
    def rows(self) -> Frame | None:
        """Rows on the sphere, not on a map."""
        return None if self.cloud is not None else self.frame

    def find(self, latitude: _Array, longitude: _Array, count: int, most: float) -> tuple[NDArray[np.int64], _Array]:
        """Return the nearest points and squares of their distances in metres, both of shape (points, count)."""
        if self.cloud is not None:
            columns, squares = self.cloud.nearest(latitude, longitude, count, most / RADIUS_M**2)
        else:
            from dtedask.geo.interpolation.nearest_kernel import nearest_points

            assert self.frame is not None
            columns, squares = np.empty((len(latitude), count), np.int64), np.empty((len(latitude), count))
            place = self.frame.enter(latitude, longitude)
            nearest_points(self.frame.rows, *place, most / RADIUS_M**2, columns, squares)
        return columns, squares * RADIUS_M**2

    def is_inside(self, latitude: _Array, longitude: _Array) -> NDArray[np.bool_]:
        """Which points are not outside of the rows of a regional grid; all are inside of one without rows."""
        inside = np.ones(len(latitude), np.bool_)
        if self.frame is not None:
            from dtedask.geo.interpolation.row_kernels import are_inside

            frame = self.frame
            are_inside(frame.rows, (frame.has_north, frame.has_south), *frame.enter(latitude, longitude), inside)
        return inside


class Nearest(Method):
    """The value of the nearest point; of several at the same distance, of the first along the rows."""

    Options: ClassVar[type[MethodOptions]] = PointOptions
    options: Any

    def prepare(self, source: Grid, target: Grid) -> Around:
        """Take the rows of the source, or make a tree of its points."""
        frame = frame_of(source)
        if frame is not None and frame.rows["circle"][0] > 0:
            return Around(frame, None, Targets.of(target))
        from dtedask.geo.interpolation.cloud import Cloud

        return Around(frame, Cloud.of(source), Targets.of(target))

    def block(self, prepared: Around, source: Grid, target: Grid, first: int, last: int) -> csr_array:  # noqa: ARG002
        """Make the weights of some points of the target."""
        from dtedask.geo.interpolation.assembly import assembled

        latitude, longitude = prepared.targets.part(first, last)
        columns, squares = self._found(prepared, latitude, longitude)
        weights = np.where(columns >= 0, self._weights(squares), 0.0)
        if self.options.outside == "missing":
            columns[~prepared.is_inside(latitude, longitude)] = -1
        return assembled(prepared.rows, columns, weights, size=source.size)

    def _found(self, prepared: Around, latitude: _Array, longitude: _Array) -> tuple[NDArray[np.int64], _Array]:
        return prepared.find(latitude, longitude, 1, np.inf)

    def _weights(self, squares: _Array) -> _Array:
        return np.ones(squares.shape)


class NearestOptions(PointOptions):
    """Options of `k-nearest`."""

    pick: Literal["count", "distance", "distance-and-count", "distance-or-count"] = "count"
    """Which points: the nearest `count`; all within `distance_m`; those that are both; or all within the distance, but
    the nearest `count` where there are fewer."""

    count: PositiveInt = 4
    """How many points."""

    distance_m: PositiveFloat | None = None
    """How far points may be, in metres; the distance of the climate filter, too."""

    weighting: distance_weights.Weighting = "inverse-distance"
    """What points weigh: one over their distance, over its square, over a `power` of it (`shepard`), a Gaussian
    function of it (`gaussian`), 1 within half of `distance_m` with an edge (`climate-filter`), or the same (`none`)."""

    power: float = Field(2.0, ge=0)
    """Power of the distance, of `shepard`."""

    deviation_m: PositiveFloat | None = None
    """Standard deviation in metres, of `gaussian`."""

    edge_m: PositiveFloat = 1000.0
    """Half the width of the edge in metres, of `climate-filter`."""

    @model_validator(mode="after")
    def _say_what_is_missing(self) -> NearestOptions:
        if self.distance_m is None and (self.pick != "count" or self.weighting == "climate-filter"):
            needs = self.pick if self.pick != "count" else self.weighting
            raise ValueError(f"{needs!r} needs a distance: give distance_m, in metres")
        if self.weighting == "gaussian" and self.deviation_m is None:
            raise ValueError("'gaussian' needs a standard deviation: give deviation_m, in metres")
        return self


class KNearest(Nearest):
    """Several near points, weighed by their distance: straight lines through a sphere of radius 6,371,229 m."""

    Options: ClassVar[type[MethodOptions]] = NearestOptions

    def _found(self, prepared: Around, latitude: _Array, longitude: _Array) -> tuple[NDArray[np.int64], _Array]:
        options: NearestOptions = self.options
        if options.pick == "count":
            return prepared.find(latitude, longitude, options.count, np.inf)
        assert options.distance_m is not None
        most = options.distance_m**2
        if options.pick == "distance-and-count":
            return prepared.find(latitude, longitude, options.count, most)
        columns, squares = _all_within(prepared, latitude, longitude, most)
        if options.pick == "distance-or-count":
            few = np.flatnonzero(np.count_nonzero(columns >= 0, axis=1) < options.count)
            columns, squares = _widened(columns, squares, options.count)
            columns[few], squares[few] = -1, np.inf
            nearest = prepared.find(latitude[few], longitude[few], options.count, np.inf)
            columns[few, : options.count], squares[few, : options.count] = nearest
        return columns, squares

    def _weights(self, squares: _Array) -> _Array:
        options: NearestOptions = self.options
        if options.weighting == "gaussian":
            return distance_weights.gaussian(squares, options.deviation_m or 1.0)
        if options.weighting == "climate-filter":
            return distance_weights.climate_filter(squares, options.distance_m or 1.0, options.edge_m)
        powers = {"inverse-distance": 1.0, "inverse-distance-squared": 2.0, "shepard": options.power, "none": 0.0}
        if options.weighting == "none":
            return np.ones(squares.shape)
        return distance_weights.inverse_power(squares, powers[options.weighting])


def _all_within(prepared: Around, latitude: _Array, longitude: _Array, most: float) -> tuple[NDArray[np.int64], _Array]:
    """Find all points within a distance, in arrays that are as wide as they must be."""
    width = _WIDTH
    while True:
        columns, squares = prepared.find(latitude, longitude, width, most)
        if not np.any(columns[:, -1] >= 0):
            return columns, squares
        width *= 2


def _widened(columns: NDArray[np.int64], squares: _Array, width: int) -> tuple[NDArray[np.int64], _Array]:
    more = ((0, 0), (0, max(0, width - columns.shape[1])))
    return np.pad(columns, more, constant_values=-1), np.pad(squares, more, constant_values=np.inf)
