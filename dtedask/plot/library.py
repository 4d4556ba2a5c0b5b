"""Load matplotlib, which is optional."""

from __future__ import annotations

from dtedask.core.errors import MissingExtraError

try:
    import matplotlib as mpl
    from matplotlib import colors, patches, path, ticker
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure
except ImportError as error:
    raise MissingExtraError(
        f"Maps are drawn by matplotlib, which cannot be imported: {error}.",
        hint='Install it by: pip install "dtedask[plot]"',
    ) from error

__all__ = [
    "Axes",
    "Figure",
    "FigureCanvasAgg",
    "ScalarMappable",
    "colors",
    "mpl",
    "patches",
    "path",
    "ticker",
]
