"""What is on a map besides the field: coast lines, meridians and parallels, the rim, degrees at the edges."""

from __future__ import annotations

from typing import Any

import numpy as np

from dtedask.plot.coastlines import coastlines, line_on_map
from dtedask.plot.frame import Frame
from dtedask.plot.library import Axes, patches, path

__all__ = ["draw_coastlines", "draw_graticule", "prepare", "within_outline"]

_FINE_BELOW = 75.0  # degrees of latitude, from which on 1:110 million is fine enough
_AROUND_POLE = 15.0  # degrees between meridians that meet on the map, at least
_STEPS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0)


def prepare(ax: Axes, frame: Frame) -> None:
    """Give axes the edges of a frame, a rim, and degrees at the edges where these are straight."""
    ax.set(xlim=(frame.left, frame.right), ylim=(frame.bottom, frame.top), aspect="equal")
    ax.set_autoscale_on(False)
    if frame.projection.name == "plate-carree":
        _label_degrees(ax, frame)
    else:
        ax.xaxis.set_visible(False)
        ax.yaxis.set_visible(False)
    outline = frame.projection.outline()
    if outline is not None:
        ax.spines[:].set_visible(False)
        ax.plot(*outline, color="#404040", linewidth=0.8, zorder=5, gid="rim")


def _label_degrees(ax: Axes, frame: Frame) -> None:
    step = _step(frame)
    east = np.arange(np.ceil(frame.left / step), np.floor(frame.right / step) + 1) * step
    north = np.arange(np.ceil(frame.bottom / step), np.floor(frame.top / step) + 1) * step
    ax.set_xticks(east, labels=[_degrees((one + 180) % 360 - 180, "EW") for one in east])
    ax.set_yticks(north, labels=[_degrees(one, "NS") for one in north])
    ax.tick_params(labelsize="x-small", length=2)


def _degrees(value: float, letters: str) -> str:
    value = round(float(value), 6)
    letter = "" if value in (0, -180) else letters[0] if value > 0 else letters[1]
    return f"{abs(value):g}°{letter}"


def _step(frame: Frame) -> float:
    shown = max(frame.degrees, frame.degrees * frame.aspect)
    return next((one for one in _STEPS if shown / one <= 12), _STEPS[-1])


def draw_coastlines(ax: Axes, frame: Frame) -> None:
    """Draw the coast lines: fine ones where the map shows less than a continent, grey ones below isolines alone."""
    colour = "#1a1a1a" if ax.images else "#8a8a8a"
    scale = "50m" if frame.degrees < _FINE_BELOW else "110m"
    x, y = line_on_map(frame.projection, *coastlines(scale))
    _draw(ax, frame, x, y, color=colour, linewidth=0.7, zorder=2.9, gid="coastlines")


def draw_graticule(ax: Axes, frame: Frame) -> None:
    """Draw meridians and parallels."""
    step = _step(frame)
    pole = 90.0 - step if step >= 5 else 90.0
    across = max(step, _AROUND_POLE) if frame.projection.name.endswith("-polar") else step
    up = np.append(np.arange(-pole, pole + 0.5, 1.0), np.nan)
    around = np.append(np.arange(0.0, 360.5, 1.0), np.nan)
    meridians, parallels = np.arange(-180.0, 180.0, across), np.arange(-90.0 + step, 90.0, step)
    latitude = np.concatenate([np.tile(up, len(meridians)), np.repeat(parallels, len(around))])
    longitude = np.concatenate([np.repeat(meridians, len(up)), np.tile(around, len(parallels))])
    x, y = line_on_map(frame.projection, latitude, longitude)
    _draw(ax, frame, x, y, color="#606060", linewidth=0.4, alpha=0.5, zorder=2.8, gid="graticule")


def _draw(ax: Axes, frame: Frame, x: np.ndarray, y: np.ndarray, **options: Any) -> None:
    """Draw lines on a map; those that the frame does not show are left out."""
    width, height = frame.right - frame.left, frame.top - frame.bottom
    with np.errstate(invalid="ignore"):
        is_near = (np.abs(x - frame.left - width / 2) < width) & (np.abs(y - frame.bottom - height / 2) < height)
    # What lies just outside keeps its neighbours inside whole.
    is_kept = is_near | np.roll(is_near, 1) | np.roll(is_near, -1)
    ax.plot(np.where(is_kept, x, np.nan), np.where(is_kept, y, np.nan), scalex=False, scaley=False, **options)


def within_outline(ax: Axes, frame: Frame) -> patches.PathPatch | None:
    """Return what cuts pictures at the rim of the map; None where the frame does."""
    outline = frame.projection.outline()
    if outline is None:
        return None
    return patches.PathPatch(path.Path(np.column_stack(outline)), transform=ax.transData, visible=False)
