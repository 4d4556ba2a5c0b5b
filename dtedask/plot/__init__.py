"""Maps: fields on any grid, with coast lines, styles by parameter, and titles from metadata. Needs matplotlib."""

from dtedask.plot.drawing import map  # noqa: A004 - plot.map is what it is called by
from dtedask.plot.fields import is_wind
from dtedask.plot.panels import Panel, panels
from dtedask.plot.projection import PROJECTIONS, ProjectionName
from dtedask.plot.saving import save
from dtedask.plot.style import Style, StyleDocument, load_styles
from dtedask.plot.style.choose import style_for

__all__ = [
    "PROJECTIONS",
    "Panel",
    "ProjectionName",
    "Style",
    "StyleDocument",
    "is_wind",
    "load_styles",
    "map",
    "panels",
    "save",
    "style_for",
]
