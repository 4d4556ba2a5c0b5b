"""Methods that take the source boxes which overlap a target box, as MIR's grid-box methods do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dtedask.geo.cells.rows import GridBoxes, need_boxes
from dtedask.geo.interpolation.binning import Binning, points_by_cell
from dtedask.geo.interpolation.method import Method, MethodOptions, Reduction
from dtedask.geo.interpolation.overlap_weights import heaviest, normalised, overlap_matrix

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dtedask.geo.grid import Grid

Statistic = Literal["maximum", "minimum", "count", "mean", "variance", "skewness", "kurtosis", "standard-deviation"]


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

    def prepare(self, source: Grid, target: Grid) -> Any:
        """Make the boxes of both grids."""
        target_boxes = need_boxes(target)
        return _Prepared(need_boxes(source), target_boxes, target_boxes.areas())

    def block(self, prepared: Any, source: Grid, target: Grid, first: int, last: int) -> csr_array:  # noqa: ARG002
        """Weigh the source boxes that overlap each target box by the area of the overlap."""
        from dtedask.geo.cells.box_overlaps import box_overlaps

        boxes = prepared.target.select(first, last)
        overlaps = box_overlaps(prepared.source.boxes, prepared.target.boxes, boxes)
        matrix = overlap_matrix(overlaps, source.size, prepared.source.points)
        return normalised(matrix, prepared.areas[first:last], by_cell=False, least_covered=self.options.least_covered)


class GridBoxMaximum(GridBoxAverage):
    """The value of the source box that covers most of a target box: for fields of classes, which have no mean.

    Of boxes that cover as much the first is taken. MIR, which calls it grid-box-maximum-matrix-free, takes any.
    """

    def block(self, prepared: Any, source: Grid, target: Grid, first: int, last: int) -> csr_array:
        """Take the heaviest source box of each target box."""
        return heaviest(super().block(prepared, source, target, first, last))


class GridBoxStatisticsOptions(MethodOptions):
    """Options of `grid-box-statistics`."""

    statistic: Statistic = "maximum"
    """What is told of the values at the source points in a target box; all count alike."""


class GridBoxStatistics(Binning):
    """A statistic of the values at the source points that lie in a target box, those on its border included, as in MIR.

    Variance and standard deviation are those of a sample (they divide by n - 1), kurtosis is that in excess of 3. A box
    without points gets no value.
    """

    Options: ClassVar[type[MethodOptions]] = GridBoxStatisticsOptions
    options: GridBoxStatisticsOptions

    @property
    def reduction(self) -> Reduction:
        """The statistic."""
        return self.options.statistic

    def prepare(self, source: Grid, target: Grid) -> Any:
        """Find the boxes of each source point."""
        from dtedask.geo.cells.places import boxes_that_hold

        found = need_boxes(target)
        points, boxes = boxes_that_hold(found.boxes, source.points())
        return points_by_cell(points, boxes if found.points is None else found.points[boxes], target.size)
