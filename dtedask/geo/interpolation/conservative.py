"""Conservative interpolation: what a source cell holds goes where the cell lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from dtedask.geo.interpolation.method import Method, MethodOptions
from dtedask.geo.interpolation.overlap_weights import normalised, overlap_matrix

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dtedask.geo.cells.meeting import Meeting
    from dtedask.geo.grid import Grid


class ConservativeOptions(MethodOptions):
    """Options of the conservative methods."""

    normalisation: Literal["fraction-area", "destination-area"] = "fraction-area"
    """Whether values of cells that the source covers in part are means over that part, or over the whole cell with
    nothing elsewhere; only the latter keeps the integral there. ESMF's words."""
    least_covered: float = Field(default=0.0, ge=0.0, le=1.0)
    """The part of a cell that the source must cover, else it gets no value; 0 for any part."""


class Conservative(Method):
    """The mean over each target cell of values that are constant in each source cell (first order, Jones 1999).

    The integral over the globe, and over any domain that both grids cover, is kept. Cells are those of
    `dtedask.geo.cells`: boxes of rows, HEALPix's own, quadrangles of maps, Voronoi cells of other points. Jones (1999),
    doi:10.1175/1520-0493(1999)127<2204:FASOCR>2.0.CO;2.
    """

    Options: ClassVar[type[MethodOptions]] = ConservativeOptions
    options: ConservativeOptions

    def prepare(self, source: Grid, target: Grid) -> Any:
        """Make the cells of both grids ready to be intersected."""
        from dtedask.geo.cells.meeting import meeting
        from dtedask.geo.cells.of_grid import cells_of

        return meeting(cells_of(source), cells_of(target))

    def block(self, prepared: Meeting, source: Grid, target: Grid, first: int, last: int) -> csr_array:  # noqa: ARG002
        """Weigh the source cells that overlap each target cell by the area of the overlap."""
        overlaps = prepared.overlaps(first, last)
        return normalised(
            overlap_matrix(overlaps, source.size),
            prepared.target_areas[first:last],
            by_cell=self.options.normalisation == "destination-area",
            least_covered=self.options.least_covered,
        )
