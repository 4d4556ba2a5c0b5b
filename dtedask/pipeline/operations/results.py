"""Results of operations from the parts that they keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from dtedask.core.errors import FieldError
from dtedask.pipeline.operations.options import OperationOptions
from dtedask.pipeline.operations.parts import Counts, Moments, exceedance_name
from dtedask.pipeline.operations.sketch import Sketch
from dtedask.pipeline.operations.state import OperationState
from dtedask.pipeline.statistics.facts import WindowFacts

__all__ = ["of_last_field", "result"]

_Opening: TypeAlias = "np.ndarray | float"
_Make: TypeAlias = Callable[[np.ndarray, _Opening, WindowFacts], np.ndarray]


def result(
    options: OperationOptions, state: OperationState, count: Counts, facts: WindowFacts, opening: np.ndarray | None
) -> np.ndarray:
    """Make the result of an operation, as a new array of float64, before missing points are put in.

    Raises
    ------
    FieldError
        If a rate is asked for of a window in which no time has passed.
    """
    if options.operation in _OF_LAST_FIELD:
        made = _OF_LAST_FIELD[options.operation](state.arrays["last"], 0.0 if opening is None else opening, facts)
    else:
        made = _OF_ALL_FIELDS[options.operation](options, state, count)
    if made.dtype != np.float64 or made.shape != state.shape or any(made is kept for kept in state.arrays.values()):
        return np.array(np.broadcast_to(made, state.shape), np.float64)
    return made


def of_last_field(operation: str) -> bool:
    """Whether the result depends on the last field only, and on the values at the start of the window."""
    return operation in _OF_LAST_FIELD


def _rate(amount: np.ndarray, facts: WindowFacts) -> np.ndarray:
    if facts.elapsed_s <= 0:
        raise FieldError(
            f"No time has passed from the start of the window to its last field ({facts.elapsed_s} s).",
            hint="A flux average needs fields after the start of their window: use windows with forward offset.",
        )
    return amount / facts.elapsed_s


_OF_LAST_FIELD: dict[str, _Make] = {
    "instant": lambda last, _opening, _facts: last,
    "difference": lambda last, opening, _facts: last - opening,
    "inverse-difference": lambda last, opening, _facts: opening - last,
    "de-accumulate": lambda last, opening, _facts: last - opening,
    "flux-average": lambda last, _opening, facts: _rate(last, facts),
    "fixed-window-flux-average": lambda last, opening, facts: _rate(last - opening, facts),
}


def _variance(options: OperationOptions, state: OperationState, count: Counts) -> np.ndarray:
    squares = Moments.squares(state.arrays, np.maximum(count, 1))
    return np.asarray(squares / np.maximum(np.asarray(count) - options.ddof, 0))


def _exceedance(options: OperationOptions, state: OperationState, count: Counts) -> np.ndarray:
    beyond = state.arrays[exceedance_name(options.compare, float(options.threshold or 0.0))]
    return beyond if options.measure == "count" else beyond / count


def _quantile(options: OperationOptions, state: OperationState, _count: Counts) -> np.ndarray:
    return Sketch(options.size).quantile(state.arrays, state.fields, float(options.quantile or 0.0))


_OF_ALL_FIELDS: dict[str, Callable[[OperationOptions, OperationState, Counts], np.ndarray]] = {
    "average": lambda _options, state, count: state.arrays["sum"] / count,
    "accumulate": lambda _options, state, _count: state.arrays["sum"],
    # Which of 0.0 and -0.0 is lower is left open by the processor: both become 0.0.
    "minimum": lambda _options, state, _count: state.arrays["minimum"] + 0.0,
    "maximum": lambda _options, state, _count: state.arrays["maximum"] + 0.0,
    "variance": _variance,
    "stddev": lambda options, state, count: np.sqrt(_variance(options, state, count)),
    "count": lambda _options, _state, count: np.asarray(count),
    "exceedance": _exceedance,
    "quantile": _quantile,
}
