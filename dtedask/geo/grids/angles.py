"""Angles that describe grids, free of the rounding of their coding, and the columns that follow from them."""

from __future__ import annotations

from typing import Any

CIRCLE = 360.0


def snap(angle: float, resolution: float) -> float:
    """Undo the rounding of an angle to multiples of `resolution`: thirds, ninths, twelfths and minutes become exact."""
    if abs(round(angle, 2) - angle) < 1e-9:
        return round(angle, 2) + 0.0
    meant = _fraction(angle, resolution)
    return round(angle, 6) + 0.0 if meant is None else tidy(meant)


def exact(distance: float) -> float:
    """Return the third, ninth, twelfth or minute of degrees that a distance of six decimals stands for, or itself."""
    meant = _fraction(distance, 1e-6)
    return distance if meant is None else meant


def _fraction(angle: float, resolution: float) -> float | None:
    for parts in (3, 9, 12, 60):
        meant = round(angle * parts) / parts
        if abs(meant - angle) <= 0.51 * resolution:
            return meant
    return None


def tidy(value: float) -> float:
    """Round to 9 decimals, without a negative zero."""
    return round(float(value), 9) + 0.0


def columns_between(
    west: float, east: float, count: int, *, increment: float = 0.0, resolution: float = 1e-6
) -> tuple[dict[str, Any], int]:
    """Describe the columns of a regular grid.

    Parameters
    ----------
    west, east : float
        Longitudes of the first and last column, any number of turns apart.
    count : int
        Number of columns.
    increment : float
        Degrees between columns as the source of the grid says; needed for one column, and where `west` is `east`.
    resolution : float
        To which angles are rounded.

    Returns
    -------
    described : dict
        `west`, `east`, `dx` and `periodic`.
    roll : int
        The column that becomes the first: those that go around the globe begin at Greenwich, or first east of it.
    """
    span = (east - west) % CIRCLE or (CIRCLE if count > 1 else 0.0)
    step = span / (count - 1) if count > 1 else increment
    is_whole = abs(step * count - CIRCLE) <= 3 * resolution
    if span == CIRCLE and abs(increment * count - CIRCLE) <= 3 * resolution * count:
        is_whole = True  # MIR writes 180 to 180 for grids that begin at the date line
    if count > 1 and is_whole:
        return _round_the_globe(west % CIRCLE, count)
    west %= CIRCLE
    if west + span >= CIRCLE and span < 359.999:
        west -= CIRCLE
    dx = tidy(step) if 0 <= step <= CIRCLE else 0.0
    return {"west": tidy(west), "east": tidy(west + span), "dx": dx, "periodic": False}, 0


def _round_the_globe(west: float, count: int) -> tuple[dict[str, Any], int]:
    step = CIRCLE / count
    passed = round(west / step)
    start = west - passed * step
    if abs(start) < min(1e-3, step / 10):
        start = 0.0
    elif start < 0:
        passed, start = passed - 1, start + step
    start = tidy(start)
    described = {"west": start, "east": tidy(start + CIRCLE - step), "dx": tidy(step), "periodic": True}
    return described, (count - passed) % count
