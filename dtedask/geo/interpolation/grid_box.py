"""Methods that take the source boxes which overlap a target box, as MIR's grid-box methods do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dtedask.geo.cells.rows import GridBoxes, need_boxes
from dtedask.geo.interpolation.method import Method, MethodOptions, Reduction
from dtedask.geo.interpolation.overlap_weights import normalised, overlap_matrix

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dtedask.geo.grid import Grid

Statistic = Literal["maximum", "minimum", "count", "mean", "variance", "skewness", "kurtosis", "standard-deviation"]
_TOUCH = 1e-6


class _Prepared(NamedTuple):
    source: GridBoxes
    target: GridBoxes
    areas: NDArray[np.float64]


class GridBoxOptions(MethodOptions):
    """Options of the methods that average over boxes."""

    least_covered: float = Field(default=1.0, ge=0.0, le=1.0)
    """The part of a box that the source must cover, else it gets no value; 1 as MIR has it, 0 for any part."""


class GridBoxAverage(Method):
    """The mean over a box of latitude and longitude: source boxes weigh as much as they cover of it.

    Boxes are those of MIR (`dtedask.geo.cells.boxes`): for HEALPix those of its rings, where `conservative` has the
    cells that HEALPix defines.
    """

    Options: ClassVar[type[MethodOptions]] = GridBoxOptions
    options: GridBoxOptions
    _touch: ClassVar[float] = 1e-11

    def prepare(self, source: Grid, target: Grid) -> Any:
        """Make the boxes of both grids."""
        target_boxes = need_boxes(target)
        return _Prepared(need_boxes(source), target_boxes, target_boxes.areas())

    def block(self, prepared: Any, source: Grid, target: Grid, first: int, last: int) -> csr_array:  # noqa: ARG002
        """Weigh the source boxes that overlap each target box by the area of the overlap."""
        from dtedask.geo.cells.box_overlaps import box_overlaps

        boxes = prepared.target.select(first, last)
        overlaps = box_overlaps(prepared.source.boxes, prepared.target.boxes, boxes, tolerance=self._touch)
        matrix = overlap_matrix(overlaps, source.size, prepared.source.points)
        return normalised(matrix, prepared.areas[first:last], by_cell=False, least_covered=self.options.least_covered)


class _GridBoxOverlap(GridBoxAverage):
    """Statistics take part or not, so boxes that overlap by no more than their coordinates are rounded do not."""

    _touch: ClassVar[float] = _TOUCH


class GridBoxMaximum(_GridBoxOverlap):
    """The greatest value of the source boxes that overlap a target box."""

    @property
    def reduction(self) -> Reduction:
        """Maximum."""
        return "maximum"


class GridBoxMinimum(_GridBoxOverlap):
    """The smallest value of the source boxes that overlap a target box."""

    @property
    def reduction(self) -> Reduction:
        """Minimum."""
        return "minimum"


class GridBoxStatisticsOptions(GridBoxOptions):
    """Options of `grid-box-statistics`."""

    statistic: Statistic = "maximum"
    """What is told of the values of the source boxes that overlap a target box; all count alike."""


class GridBoxStatistics(_GridBoxOverlap):
    """A statistic of the values of the source boxes that overlap a target box, each counted once whatever its part.

    Variance and standard deviation are those of a sample (they divide by n - 1), kurtosis is that in excess of 3.
    """

    Options: ClassVar[type[MethodOptions]] = GridBoxStatisticsOptions
    options: GridBoxStatisticsOptions

    @property
    def reduction(self) -> Reduction:
        """The statistic."""
        return self.options.statistic
