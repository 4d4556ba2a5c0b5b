"""All nodes behind some products: how urgent each is, and how far it is from what is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dtedask.products.node import Node

if TYPE_CHECKING:
    from dtedask.products.planning.make import Make

__all__ = ["Reached", "reached"]


@dataclass(slots=True)
class Reached:
    """Nodes in the order in which they are first needed, inputs first.

    Parameters
    ----------
    urgency : dict of int to int
        By the identity of a node: 0 for what the most urgent products need, and so on.
    depth : dict of int to int
        How many operations lie between it and what is read, at most.
    """

    nodes: list[Node] = field(default_factory=list)
    urgency: dict[int, int] = field(default_factory=dict)
    depth: dict[int, int] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def add(self, wanted: Sequence[Node], urgency: int) -> None:
        """Take nodes and all that is behind them; those that are known are at least as urgent."""
        waiting = [(node, False) for node in reversed(wanted)]
        while waiting:
            node, is_ready = waiting.pop()
            if id(node) in self.depth:
                continue
            if is_ready:
                self.depth[id(node)] = 1 + max((self.depth[id(one)] for one in node.inputs), default=-1)
                self.urgency[id(node)] = urgency
                self.nodes.append(node)
            else:
                waiting.append((node, True))
                waiting += [(one, False) for one in reversed(node.inputs) if id(one) not in self.depth]


def reached(makes: Sequence[Make]) -> Reached:
    """Find all nodes behind some products. Names make no product more urgent, deadlines and priorities do."""
    found, urgency, before = Reached(), -1, None
    for make in sorted(makes, key=lambda one: one.urgency):
        due_and_priority = make.urgency[:2]
        urgency += due_and_priority != before
        before = due_and_priority
        found.add(make.nodes, urgency)
    return found
