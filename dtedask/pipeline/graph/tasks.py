"""What runs on workers for a graph of a plan."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from dtedask.pipeline.compute import Fold

__all__ = ["apply", "fold_all"]


def apply(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function that came as a value of the graph."""
    return function(*arguments)


def fold_all(fold: Fold, base: Any, *values: Any) -> Any:
    """Take values into a state one by one. The state before is copied: a task that runs again finds it as it was."""
    state = fold.begin(values[0]) if base is None else fold.update(copy.deepcopy(base), values[0])
    for one in values[1:]:
        state = fold.update(state, one)
    return state
