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


def new_axes(frame: Frame, width: int | None = None, *, has_bar: bool = True) -> Axes:
    """Make a figure with axes for a map.

    Parameters
    ----------
    frame : Frame
        What the map shows.
    width : int, optional
        Width of the figure in pixels; it belongs to nobody. Without, it is one of matplotlib's `pyplot`, which shows it
        in notebooks.
    has_bar : bool
        Whether it needs room for a colour bar.
    """
    height = min(_LONG / frame.aspect, _LONGEST_HIGH)
    across = height * frame.aspect
    has_degrees = frame.projection.name == "plate-carree"
    left, low = (_DEGREES, 0.25) if has_degrees else (_EDGE, _EDGE)
    right, bottom = _EDGE + 0.1, low
    if has_bar:
        right, bottom = (right, low + _BAR) if is_wide(frame) else (right + 0.8, low)
    figure_width, figure_height = max(left + across + right, 4.6), bottom + height + _TITLE
    figure = _new_figure((figure_width, figure_height), width)
    place = (left / figure_width, bottom / figure_height, across / figure_width, height / figure_height)
    return figure.add_axes(place)


def _new_figure(inches: tuple[float, float], width: int | None) -> Figure:
    if width is not None:
        return Figure(figsize=inches, dpi=width / inches[0])
    from matplotlib import pyplot as plt

    return plt.figure(figsize=inches)
