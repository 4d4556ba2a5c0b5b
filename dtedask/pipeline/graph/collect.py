"""From nodes that are wanted to all tasks behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from dtedask.pipeline.graph.node import Folded, Node, is_held

__all__ = ["Tasks", "tasks_of"]


class Tasks:
    """All tasks behind some nodes.

    A field that only one fold needs is read in the task of the fold, one after another: a day of fields takes the
    memory of one.

    Parameters
    ----------
    wanted : iterable of Node
        What is to be computed.
    """

    def __init__(self, wanted: Iterable[Node]) -> None:
        self.wanted = list({node.key: node for node in wanted}.values())
        self._nodes = {node.key: node for node in _all(self.wanted)}
        self._used = Counter(one.key for node in self._nodes.values() for one in _inputs(node))
        self._used.update(node.key for node in self.wanted)

    def graph(self) -> dict[Any, Any]:
        """The tasks by their names."""
        return {node.key: _task(node, self._is_own) for node in self._reached()}

    def most_values(self) -> int:
        """How many values the largest task has in memory at once: what it takes, what it makes, and one to work on."""
        return max((self._values(node) for node in self._reached()), default=0)

    def _reached(self) -> Iterator[Node]:
        """Nodes that become tasks: not those that are made in the task of another."""
        waiting, seen = list(self.wanted), {node.key for node in self.wanted}
        while waiting:
            node = waiting.pop()
            yield node
            for one in self._outer_inputs(node):
                if one.key not in seen:
                    seen.add(one.key)
                    waiting.append(one)

    def _outer_inputs(self, node: Node) -> list[Node]:
        inputs = _inputs(node)
        if not isinstance(node, Folded) or is_held(node):
            return inputs
        own = {id(one) for one, made in zip(inputs, node.own_inputs(self._is_own), strict=False) if made is not None}
        return [one for one in inputs if id(one) not in own]

    def _values(self, node: Node) -> int:
        return len(self._outer_inputs(node)) + 2

    def _is_own(self, node: Node) -> bool:
        return self._used[node.key] == 1


def tasks_of(wanted: Iterable[Node]) -> dict[Any, Any]:
    """All tasks behind some nodes, by their names."""
    return Tasks(wanted).graph()


def _inputs(node: Node) -> list[Node]:
    return [] if is_held(node) else list(node.inputs)


def _task(node: Node, is_own: Any) -> Any:
    return node.held_task() if is_held(node) else node.task(is_own)


def _all(wanted: Iterable[Node]) -> Iterator[Node]:
    waiting, seen = list(wanted), set()
    while waiting:
        node = waiting.pop()
        if node.key not in seen:
            seen.add(node.key)
            yield node
            waiting += _inputs(node)
