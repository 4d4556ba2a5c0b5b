"""Areas, in the order of MARS: north, west, south, east."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dtedask.core.errors import GridError

__all__ = ["Area", "read_area"]

Area = tuple[float, float, float, float]
_CIRCLE = 360.0
_FORM = "An area is north/west/south/east in degrees, such as 75/-30/30/50."


def read_area(area: str | Sequence[float]) -> Area:
    """Read an area.

    Parameters
    ----------
    area : str or sequence of float
        North, west, south and east in degrees: four numbers, or text such as ``75/-30/30/50``.

    Returns
    -------
    tuple of float
        North, west, south, east; `east` is not below `west` and at most a turn east of it.

    Raises
    ------
    GridError
        If it is none, or lies upside down or off the Earth.
    """
    try:
        north, west, south, east = (float(edge) for edge in (area.split("/") if isinstance(area, str) else area))
    except (TypeError, ValueError):
        raise GridError(f"{area!r} is no area.", hint=_FORM) from None
    if not -90.0 <= south <= north <= 90.0 or not (math.isfinite(west) and math.isfinite(east)):
        said = f"{north:g}/{west:g}/{south:g}/{east:g}"
        raise GridError(f"The area {said} is impossible: it lies upside down, or off the Earth.", hint=_FORM)
    span = east - west
    if not 0.0 <= span <= _CIRCLE:
        span = span % _CIRCLE
    return north, west, south, west + span
