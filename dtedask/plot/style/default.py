"""Levels and colours for a field that no style says anything of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dtedask.plot.library import ticker
from dtedask.plot.style.document import Style

__all__ = ["default_style", "isolines", "levels_in"]

_OUTLIERS = 1.0  # per cent on each side that do not count for the range
_COLOURS = 16
_LINES = 30


def default_style(values: NDArray[np.float64]) -> Style:
    """Return a style by the range of the values, one percent at each end left out.

    Colours go both ways from zero where values lie on both sides of it, at least a quarter as far on the one as on the
    other; else they go from the lowest value to the highest.
    """
    low, high = range_of(values)
    is_diverging = low < 0 < high and min(-low, high) >= 0.25 * max(-low, high)
    return Style(colours="RdBu_r" if is_diverging else "viridis", is_diverging=is_diverging)


def range_of(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the range of all values but the outermost percents; 0 and 1 where there are none."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(one) for one in np.percentile(finite, [_OUTLIERS, 100.0 - _OUTLIERS]))
    # Most values may be equal, as where it rains nearly nowhere.
    return (float(finite.min()), float(finite.max())) if low == high else (low, high)


def levels_in(values: NDArray[np.float64], *, is_diverging: bool = False) -> list[float]:
    """Return round levels over the range of values, at least two."""
    low, high = range_of(values)
    if is_diverging:
        high = max(abs(low), abs(high))
        low = -high
    if low == high:
        half = 0.5 * abs(low) or 0.5
        low, high = low - half, high + half
    found = ticker.MaxNLocator(nbins=_COLOURS, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [round(float(one), 12) for one in found]


def isolines(values: NDArray[np.float64], intervals: tuple[float, ...]) -> list[float]:
    """Return levels of isolines over all values: multiples of the first interval that gives not too many."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return []
    low, high = float(finite.min()), float(finite.max())
    if not intervals:
        return [float(one) for one in ticker.MaxNLocator(nbins=12).tick_values(low, high)]
    fitting = [one for one in intervals if (high - low) / one <= _LINES]
    step = fitting[0] if fitting else max(intervals[-1], (high - low) / _LINES)
    return [float(one) * step for one in np.arange(np.ceil(low / step), np.floor(high / step) + 1)]
