"""A `Compute` that puts the functions of actions into a Dask graph."""

from __future__ import annotations

import pickle
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from dask.base import tokenize

from dtedask.pipeline.compute import Fold
from dtedask.pipeline.graph.node import Constant, Folded, Node, Result, is_held, nodes_in

__all__ = ["Graph"]

_Node = TypeVar("_Node", bound=Node)

_MOST_VALUES = 64
_LARGE_BYTES = 65_536
_MOST_KNOWN = 4_096


class Graph:
    """Makes nodes of what actions do, and calls nothing.

    Names are those of the actions with a token of function and inputs: the same plan over the same fields has the same
    names in every process. Values that are folded into one state one after another are one task.
    """

    def __init__(self) -> None:
        self._constants: dict[int, tuple[Any, str, Any]] = {}
        self._living: weakref.WeakSet[Node] = weakref.WeakSet()
        self.arrays: list[Any] = []
        """Dask arrays whose blocks some nodes need."""

    def call(self, name: str, function: Callable[..., Any], *arguments: Any) -> Node:
        """See `Compute`."""
        token, function = self._constant(function)
        given = tuple(self._argument(one) for one in arguments)
        return self.add(
            Result(f"{name}-{tokenize(token, *(one for one, _ in given))}", function, [a for _, a in given])
        )

    def fold(self, name: str, fold: Fold, state: Any | None, values: Any) -> Node:
        """See `Compute`."""
        token, _ = self._constant(fold)
        value = self.node(values)
        found = state.with_value(name, token, value, _MOST_VALUES) if isinstance(state, Folded) else None
        base = None if state is None else self.node(state)
        return self.add(found or Folded(name, fold, token, base, (value,)))

    def node(self, value: Any) -> Node:
        """A value as a node: itself, or a constant."""
        if isinstance(value, Node):
            return value
        return Constant(f"constant-{tokenize(value)}", value)

    def source(self, name: str, function: Callable[..., Any], *arguments: Any, token: str = "") -> Node:
        """A node that is made of nothing else, such as a field that is read; `token` stands for all of it."""
        return self.add(Result(f"{name}-{token or tokenize(function, *arguments)}", function, arguments))

    def depends_on(self, array: Any) -> None:
        """Take the graph of a Dask array in which some nodes find their fields."""
        self.arrays.append(array)

    def unsettled(self) -> list[Node]:
        """Nodes that are somewhere in use and not computed yet, such as those of states; others are forgotten."""
        return [node for node in self._living if not is_held(node)]

    def add(self, node: _Node) -> _Node:
        """Take a node that was made elsewhere."""
        self._living.add(node)
        return node

    def _argument(self, value: Any) -> tuple[Any, Any]:
        """What stands for an argument in a name, and what a task is given."""
        if isinstance(value, Node):
            return value.key, value
        if isinstance(value, list | tuple) and any(True for _ in nodes_in(value)):
            given = [self._argument(one) for one in value]
            return [one for one, _ in given], [one for _, one in given]
        return self._constant(value)

    def _constant(self, value: Any) -> tuple[str, Any]:
        """What stands for a constant or a function in a name, and what a task is given: large ones as a node."""
        known = self._constants.get(id(value))
        if known is None or known[0] is not value:
            token = tokenize(value)
            given = Constant(f"constant-{token}", value) if _is_large(value) else value
            if len(self._constants) >= _MOST_KNOWN:
                self._constants.clear()
            known = self._constants[id(value)] = value, token, given
        return known[1], known[2]


def _is_large(value: Any) -> bool:
    nbytes = getattr(value, "nbytes", None)
    if nbytes is not None:
        return bool(nbytes > _LARGE_BYTES)
    return not isinstance(value, str | int | float | bool | None) and len(pickle.dumps(value)) > _LARGE_BYTES
