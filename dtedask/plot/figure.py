"""A figure that fits a map: room for its title, the degrees at its edges and its colour bar, and none besides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from dtedask.plot.frame import Frame
from dtedask.plot.library import Axes, Figure

__all__ = ["Layout", "figure_of", "is_wide", "layout_of", "new_axes"]

_LONG, _LONGEST_HIGH = 9.0, 6.5  # inches
_TITLE, _DEGREES, _BAR, _EDGE = 0.72, 0.45, 0.65, 0.12


def is_wide(frame: Frame) -> bool:
    """Whether the colour bar stands below a map, and not to its right."""
    return frame.aspect >= 1.2


def figure_of(ax: Axes) -> Figure:
    """Return the whole figure that axes are on, whichever part of it."""
    return cast(Figure, ax.get_figure(root=True))


@dataclass(frozen=True, slots=True)
class Layout:
    """Where on a figure a map stands.

    Parameters
    ----------
    width, height : float
        Size of the figure in inches.
    place : tuple of float
        Left, bottom, width and height of the map in inches.
    """

    width: float
    height: float
    place: tuple[float, float, float, float]

    def within(self, width: float, height: float) -> tuple[float, float, float, float]:
        """The place of the map as parts of a figure of another size, which it stands in the upper left of."""
        left, bottom, across, up = self.place
        return left / width, (bottom + height - self.height) / height, across / width, up / height


def layout_of(frame: Frame, *, has_bar: bool = True, longest: float = _LONG) -> Layout:
    """Say how large a figure is and where on it the map stands.

    Parameters
    ----------
    frame : Frame
        What the map shows.
    has_bar : bool
        Whether it needs room for a colour bar.
    longest : float
        Width of a map in inches, where it is not high.
    """
    height = min(longest / frame.aspect, _LONGEST_HIGH * longest / _LONG)
    across = height * frame.aspect
    has_degrees = frame.projection.name == "plate-carree"
    left, low = (_DEGREES, 0.25) if has_degrees else (_EDGE, _EDGE)
    right, bottom = _EDGE + 0.1, low
    if has_bar:
        right, bottom = (right, low + _BAR) if is_wide(frame) else (right + 0.8, low)
    return Layout(max(left + across + right, 4.6), bottom + height + _TITLE, (left, bottom, across, height))


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
    found = layout_of(frame, has_bar=has_bar)
    figure = _new_figure((found.width, found.height), width)
    return figure.add_axes(found.within(found.width, found.height))


def _new_figure(inches: tuple[float, float], width: int | None) -> Figure:
    if width is not None:
        return Figure(figsize=inches, dpi=width / inches[0])
    from matplotlib import pyplot as plt

    return plt.figure(figsize=inches)
