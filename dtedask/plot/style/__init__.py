"""How a parameter is drawn: units, levels, colours; from documents, or from the field where none says it."""

from dtedask.plot.style.choose import style_of
from dtedask.plot.style.default import default_style
from dtedask.plot.style.document import Style, StyleDocument, load_styles
from dtedask.plot.style.units import Conversion, conversion, unit_text

__all__ = [
    "Conversion",
    "Style",
    "StyleDocument",
    "conversion",
    "default_style",
    "load_styles",
    "style_of",
    "unit_text",
]
