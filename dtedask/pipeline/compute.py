"""How the functions of actions are called: at once on a live stream, or put into a graph over an archive.

An action never looks at values itself. It hands functions to a `Compute`, which is why the same action gives the same
numbers on both ways: the functions and their order are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from dtedask.pipeline.message import Message

__all__ = ["Compute", "Deferring", "Eager", "Fold", "FoldOfMany"]


Gate = Callable[["Message"], None]


class Fold(Protocol):
    """A function that takes values into a state, one by one, in the order in which they are given."""

    def begin(self, values: Any) -> Any:
        """Return the state of one value; the value stays as it is."""
        ...

    def update(self, state: Any, values: Any) -> Any:
        """Take one more value into a state, which may be changed in place; returns the state."""
        ...


class FoldOfMany(Fold, Protocol):
    """A fold that can take several values at once, with the same bits in less time; threads use it."""

    def update_all(self, state: Any, values: Sequence[Any]) -> Any:
        """Take more values into a state, in order."""
        ...


class Compute(Protocol):
    """Where functions of actions run. Values are arrays, or what stands for them in a graph."""

    def call(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a pure function gives for values and constants; `name` is what a dashboard shows."""
        ...

    def fold(self, name: str, fold: Fold, state: Any | None, values: Any) -> Any:
        """Take values into a state, None for a new one; what was the state before is not to be used any more."""
        ...


@runtime_checkable
class Deferring(Protocol):
    """A `Compute` whose values come later: messages wait before an action that takes arrays."""

    def gate(self, send: Callable[[Message], None], failed: Callable[[Message, Exception], None]) -> Gate:
        """Return what takes messages and sends them on, in order, once their values are there."""
        ...


class Eager:
    """Calls every function at once, in this thread."""

    def call(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ARG002 - of a graph
        """See `Compute`."""
        return function(*arguments)

    def fold(self, name: str, fold: Fold, state: Any | None, values: Any) -> Any:  # noqa: ARG002 - of a graph
        """See `Compute`."""
        return fold.begin(values) if state is None else fold.update(state, values)
