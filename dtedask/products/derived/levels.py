"""Pressure on the model levels of the IFS."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import ProductError
from dtedask.geo.vertical import HybridLevels

__all__ = ["pressure_on_l91", "pressure_on_l137"]

Values = NDArray[np.float64]


def pressure_on_l137(surface: Values, level: Values) -> Values:
    """Pressure in Pa on a full level of the 137 of the IFS, of the pressure at the ground in Pa."""
    return _pressure("L137", surface, level)


def pressure_on_l91(surface: Values, level: Values) -> Values:
    """Pressure in Pa on a full level of the 91 of the IFS, of the pressure at the ground in Pa."""
    return _pressure("L91", surface, level)


def _pressure(name: str, surface: Values, level: Values) -> Values:
    """Between the half levels above and below (IFS Documentation CY47R3, Part III, section 2.2.1)."""
    levels = HybridLevels.named(name)
    number = int(level) if np.ndim(level) == 0 and np.isfinite(level) else 0
    if number != level or not 1 <= number <= levels.count:
        raise ProductError(
            f"There is no level {level} of {name}.", hint=f"Levels are the numbers 1 to {levels.count}: {{levelist}}."
        )
    a, b = (0.5 * (half[number - 1] + half[number]) for half in (levels.a, levels.b))
    return a + b * surface
