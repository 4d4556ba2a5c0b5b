"""Kinds of states: how a block of values becomes one, how several become one, and what a state says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.reductions import accumulator as sums
from dtedask.geo.reductions import places as extremes

States = NDArray[np.int64]
Values = NDArray[np.float64]
KindName = Literal["sum", "weighted", "moments", "extremes", "checksum"]
_ONE_SUM, _TWO_SUMS = sums.HEADER + sums.DIGITS, sums.HEADER + 2 * sums.DIGITS


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of state, all of the same size.

    Parameters
    ----------
    size : int
        Numbers (int64) of a state.
    absorb : callable
        From values (rows, n) in float64, weights like them or None, and the places of the n columns, to states
        (rows, size).
    merge : callable
        From states (rows, states, size) to (rows, size); any order and grouping gives the same bits.
    has_places : bool
        Whether places matter; the array of them is empty where not.
    """

    size: int
    absorb: Callable[[Values, Values | None, NDArray[np.int64]], States]
    merge: Callable[[States], States]
    has_places: bool = False


def _bits(values: Values) -> NDArray[np.uint64]:
    return values.view(np.uint64)


def _sum(values: Values, _weights: Values | None, _places: NDArray[np.int64]) -> States:
    states = np.zeros((len(values), _ONE_SUM), np.int64)
    sums.absorb_sums(_bits(values), states)
    return states


def _moments(values: Values, _weights: Values | None, _places: NDArray[np.int64]) -> States:
    states = np.zeros((len(values), _TWO_SUMS), np.int64)
    sums.absorb_moments(_bits(values), states)
    return states


def _weighted(values: Values, weights: Values | None, _places: NDArray[np.int64]) -> States:
    assert weights is not None
    states = np.zeros((len(values), _TWO_SUMS), np.int64)
    sums.absorb_weighted(_bits(values), _bits(weights), states)
    return states


def _extremes(values: Values, _weights: Values | None, places: NDArray[np.int64]) -> States:
    states = np.zeros((len(values), extremes.EXTREMES), np.int64)
    extremes.absorb_extremes(values, _bits(values), places, states)
    return states


def _checksum(values: Values, _weights: Values | None, places: NDArray[np.int64]) -> States:
    states = np.zeros((len(values), extremes.CHECKSUM), np.uint64)
    extremes.absorb_checksums(_bits(values), places, states)
    return states.view(np.int64)


def _merge_sums(states: States) -> States:
    merged = np.zeros((len(states), states.shape[-1]), np.int64)
    sums.merge_sums(states, merged)
    return merged


def _merge_extremes(states: States) -> States:
    merged = np.zeros((len(states), states.shape[-1]), np.int64)
    extremes.merge_extremes(states, states.view(np.float64), merged)
    return merged


def _merge_checksums(states: States) -> States:
    merged = np.zeros((len(states), states.shape[-1]), np.uint64)
    extremes.merge_checksums(states.view(np.uint64), merged)
    return merged.view(np.int64)


KINDS: dict[KindName, Kind] = {
    "sum": Kind(_ONE_SUM, _sum, _merge_sums),
    "weighted": Kind(_TWO_SUMS, _weighted, _merge_sums),
    "moments": Kind(_TWO_SUMS, _moments, _merge_sums),
    "extremes": Kind(extremes.EXTREMES, _extremes, _merge_extremes, has_places=True),
    "checksum": Kind(extremes.CHECKSUM, _checksum, _merge_checksums, has_places=True),
}


def total(state: States, *, skipna: bool) -> float:
    """Sum of what one state has seen, of kind sum, weighted or moments."""
    special = _special(state, skipna=skipna)
    return special if special is not None else sums.divided(_first(state), 1 << sums.BIAS)


def mean(state: States, *, skipna: bool) -> float:
    """Mean of one state of kind sum or moments; NaN of nothing."""
    special = _special(state, skipna=skipna)
    if special is not None or not state[0]:
        return np.nan if special is None else special
    return sums.divided(_first(state), int(state[0]) << sums.BIAS)


def weighted_mean(state: States, *, skipna: bool) -> float:
    """Weighted mean of one state of kind weighted; NaN where the weights add up to 0."""
    special = _special(state, skipna=skipna)
    weight = _second(state)
    if special is not None or not weight:
        return np.nan if special is None else special
    return sums.divided(_first(state), weight)


def variance(state: States, *, skipna: bool, ddof: int) -> float:
    """Variance of one state of kind moments, rounded once; NaN of too few values."""
    count = int(state[0])
    if _special(state, skipna=skipna) is not None or count <= ddof:
        return np.nan
    spread = ((count * _second(state)) << sums.BIAS) - _first(state) ** 2
    return sums.divided(spread, (count * (count - ddof)) << (2 * sums.BIAS))


def _first(state: States) -> int:
    return sums.whole_number(state[sums.HEADER : _ONE_SUM])


def _second(state: States) -> int:
    return sums.whole_number(state[_ONE_SUM:])


def _special(state: States, *, skipna: bool) -> float | None:
    """NaN or infinity where that is what a sum is, by the rules of IEEE 754; else None."""
    _, missing, up, down = (int(number) for number in state[: sums.HEADER])
    if (missing and not skipna) or (up and down):
        return np.nan
    if up or down:
        return np.inf if up else -np.inf
    return None


def checksum(state: States) -> str:
    """32 hexadecimal digits of a state of kind checksum."""
    low, high = (int(number) for number in state.view(np.uint64))
    return f"{high:016x}{low:016x}"


def of_each(states: States, *, do: Callable[..., Any], **options: Any) -> NDArray[Any]:
    """Do something with each state of an array (..., size)."""
    flat = states.reshape(-1, states.shape[-1])
    return np.array([do(state, **options) for state in flat]).reshape(states.shape[:-1])


def column_of(states: States, *, number: int, is_float: bool, fill: float) -> NDArray[Any]:
    """One number of each state of kind extremes; `fill` where nothing was counted."""
    column = states[..., number].copy()  # 0-d stays 0-d, as ascontiguousarray would not do
    known = column.view(np.float64) if is_float else column
    return np.asarray(np.where(states[..., 0] > 0, known, fill))
