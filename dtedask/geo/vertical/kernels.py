"""What is done with the columns of a block: arrays of (levels, columns), from the top down."""

from __future__ import annotations

import math
from typing import Any

from dtedask.geo.compiled import compiled

_TOP_PRESSURE_PA = 0.1  # instead of 0 at the top of the model: only the uppermost layer is thicker for it


@compiled
def interpolate_columns(values: Any, places: Any, targets: Any, is_logarithmic: Any, keeps: Any, result: Any) -> None:
    """Interpolate each column to targets.

    `places` (levels, columns) grow with the level, `targets` (targets,) grow; the result is (targets, columns). Above
    the first and below the last level stands that level's value where `keeps` says so, else NaN.
    """
    levels, columns = values.shape
    for column in range(columns):
        level = 0
        for number in range(targets.size):
            target = targets[number]
            while level < levels and places[level, column] < target:
                level += 1
            if level == 0:
                is_known = (keeps[0] and target < places[0, column]) or places[0, column] == target
                result[number, column] = values[0, column] if is_known else math.nan
            elif level == levels:
                is_known = keeps[1] and not math.isnan(places[levels - 1, column])
                result[number, column] = values[levels - 1, column] if is_known else math.nan
            else:
                before, after = places[level - 1, column], places[level, column]
                if is_logarithmic:
                    part = math.log(target / before) / math.log(after / before)
                else:
                    part = (target - before) / (after - before)
                low, high = values[level - 1, column], values[level, column]
                result[number, column] = low + part * (high - low)


@compiled
def integrate_columns(
    temperature: Any, surface_pressure: Any, surface_geopotential: Any, half: Any, is_top: Any, result: Any
) -> None:
    """Geopotential of full levels from the ground up.

    `temperature` (levels, columns) is the virtual one times the gas constant; `half` (2, levels + 1) holds A
    and B of the half levels around them, down to the ground. `is_top`: the first level is the uppermost of the model.
    """
    levels, columns = temperature.shape
    a, b = half[0], half[1]
    below = surface_geopotential.copy()
    lower = a[levels] + b[levels] * surface_pressure
    for level in range(levels - 1, -1, -1):
        is_uppermost = level == 0 and is_top
        for column in range(columns):
            upper, bottom = a[level] + b[level] * surface_pressure[column], lower[column]
            thickness = math.log(bottom / (max(upper, _TOP_PRESSURE_PA) if is_uppermost else upper))
            part = math.log(2.0) if is_uppermost else 1.0 - upper / (bottom - upper) * thickness
            energy = temperature[level, column]
            result[level, column] = below[column] + part * energy
            below[column] += thickness * energy
            lower[column] = upper
