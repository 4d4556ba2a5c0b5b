"""Maps: fields on any grid, with coast lines, styles by parameter, and titles from metadata. Needs matplotlib."""

from dtedask.plot.map import map  # noqa: A004 - plot.map is what it is called by
from dtedask.plot.projection import PROJECTIONS, ProjectionName
from dtedask.plot.style import Style, StyleDocument, load_styles

__all__ = ["PROJECTIONS", "ProjectionName", "Style", "StyleDocument", "load_styles", "map"]
