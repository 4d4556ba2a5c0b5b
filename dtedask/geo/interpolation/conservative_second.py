"""Conservative interpolation of what varies linearly in each source cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dtedask.geo.interpolation.conservative import Conservative
from dtedask.geo.interpolation.overlap_weights import normalised, overlap_matrix

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dtedask.geo.cells.gradients import Gradients
    from dtedask.geo.cells.meeting import Meeting
    from dtedask.geo.cells.overlaps import Overlaps
    from dtedask.geo.grid import Grid


class _Prepared(NamedTuple):
    meeting: Meeting
    gradients: Gradients


class ConservativeSecondOrder(Conservative):
    """The mean over each target cell of values that vary linearly in each source cell (second order).

    Gradients are fitted to the values of the cells around a source cell, about its barycentre, so that the integral is
    kept as it is to first order (Kritsikis et al. 2017, doi:10.5194/gmd-10-425-2017; Jones 1999). Smooth fields are
    met far better than to first order; weights may be negative, so that a target may overshoot its sources.
    """

    def prepare(self, source: Grid, target: Grid) -> Any:
        """Make the cells of both grids ready to be intersected, and what finds neighbours in the source."""
        from dtedask.geo.cells.gradients import Gradients

        met: Meeting = super().prepare(source, target)
        return _Prepared(met, Gradients.of(met.source))

    def block(self, prepared: Any, source: Grid, target: Grid, first: int, last: int) -> csr_array:  # noqa: ARG002
        """Weigh the source cells that overlap each target cell, and the cells around them."""
        overlaps = _with_gradients(prepared.meeting.overlaps(first, last, moments=True), prepared.gradients)
        matrix = normalised(
            overlap_matrix(overlaps, source.size),
            prepared.meeting.target_areas[first:last],
            by_cell=self.options.normalisation == "destination-area",
            least_covered=self.options.least_covered,
        )
        matrix.eliminate_zeros()
        return matrix


def _with_gradients(overlaps: Overlaps, gradients: Gradients) -> Overlaps:
    """Put what gradients add to the overlaps among them."""
    from dtedask.geo.cells.gradient_kernels import second_order

    cells, places = np.unique(overlaps.indices, return_inverse=True)
    neighbours, coefficients = gradients.coefficients(cells)
    columns, values = second_order(*overlaps[1:], places, neighbours, coefficients, gradients.barycentres)
    return overlaps._replace(indptr=overlaps.indptr * (neighbours.shape[1] + 1), indices=columns, areas=values)
