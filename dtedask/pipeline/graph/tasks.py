"""What runs on workers for a graph of a plan."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dtedask.pipeline.compute import Fold

__all__ = ["Later", "apply", "fold_all"]


@dataclass(frozen=True, slots=True)
class Later:
    """A value that only one task needs: it is made there when its turn comes, and let go before the next.

    Parameters
    ----------
    function : callable
        What makes it.
    arguments : tuple
        Its arguments, some of which may be values of the same kind.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]

    def __call__(self) -> Any:
        """Make it."""
        return self.function(*(value_of(one) for one in self.arguments))


def value_of(one: Any) -> Any:
    """The value that an argument stands for."""
    return one() if isinstance(one, Later) else one


def apply(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function that came as a value of the graph."""
    return function(*arguments)


def fold_all(fold: Fold, base: Any, *values: Any) -> Any:
    """Take values into a state one by one. The state before is copied: a task that runs again finds it as it was."""
    first = value_of(values[0])
    state = fold.begin(first) if base is None else fold.update(copy.deepcopy(base), first)
    for one in values[1:]:
        state = fold.update(state, value_of(one))
    return state
