"""A figure that fits a map: room for its title, the degrees at its edges and its colour bar, and none besides."""

from __future__ import annotations

from typing import cast

from dtedask.plot.frame import Frame
from dtedask.plot.library import Axes, Figure

__all__ = ["figure_of", "is_wide", "new_axes"]

_LONG, _LONGEST_HIGH = 9.0, 6.5  # inches
_TITLE, _DEGREES, _BAR, _EDGE = 0.72, 0.45, 0.65, 0.12


def is_wide(frame: Frame) -> bool:
    """Whether the colour bar stands below a map, and not to its right."""
    return frame.aspect >= 1.2


def figure_of(ax: Axes) -> Figure:
    """Return the whole figure that axes are on, whichever part of it."""
    return cast(Figure, ax.get_figure(root=True))


def new_axes(frame: Frame) -> Axes:
    """Make a figure of matplotlib's `pyplot` with axes for a map."""
    from matplotlib import pyplot as plt

    height = min(_LONG / frame.aspect, _LONGEST_HIGH)
    width = height * frame.aspect
    has_degrees = frame.projection.name == "plate-carree"
    left, low = (_DEGREES, 0.25) if has_degrees else (_EDGE, _EDGE)
    right, bottom = (_EDGE + 0.1, low + _BAR) if is_wide(frame) else (_EDGE + 0.9, low)
    figure_width, figure_height = max(left + width + right, 4.6), bottom + height + _TITLE
    figure = plt.figure(figsize=(figure_width, figure_height))
    place = (left / figure_width, bottom / figure_height, width / figure_width, height / figure_height)
    return figure.add_axes(place)
