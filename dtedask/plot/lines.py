"""Isolines of a field on a map."""

from __future__ import annotations

from typing import Any

import numpy as np

from dtedask.plot.library import Axes
from dtedask.plot.shading import Picture
from dtedask.plot.style import Style
from dtedask.plot.style.default import isolines

__all__ = ["draw_lines"]


def draw_lines(ax: Axes, picture: Picture, style: Style) -> Any:
    """Draw isolines with their values; negative ones dashed where zero is among the levels. None without any line."""
    levels = style.fixed_levels() or isolines(picture.values, style.intervals)
    low, high = _range(picture)
    inside = [level for level in levels if low <= level <= high]
    if not inside:
        return None
    x, y = picture.frame.centres()
    step = min(np.diff(levels)) if len(levels) > 1 else 1.0
    is_thick = [bool(style.thick_every) and round(level / step) % style.thick_every == 0 for level in inside]
    drawn = ax.contour(
        x,
        y,
        np.ma.masked_invalid(picture.values),
        levels=inside,
        colors=[style.line_colour],
        linewidths=[1.6 if thick else 0.8 for thick in is_thick],
        linestyles=["dashed" if level < 0 <= max(inside) else "solid" for level in inside],
        zorder=3,
    )
    ax.clabel(drawn, fontsize="x-small", fmt=lambda level: f"{level:g}", inline_spacing=2)
    return drawn


def _range(picture: Picture) -> tuple[float, float]:
    finite = picture.values[np.isfinite(picture.values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, -1.0)
