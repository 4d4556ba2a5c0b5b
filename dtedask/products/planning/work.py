"""How much is done of each kind of operation, and how much it would be if nothing was shared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dtedask.products.node import inputs_of
from dtedask.products.planning.explanation import Work

if TYPE_CHECKING:
    from dtedask.products.node import Node
    from dtedask.products.planning.plan import ProductPlan

__all__ = ["works_of"]


def works_of(nodes: Sequence[Node], plan: ProductPlan) -> tuple[Work, ...]:
    """Work by kind of operation, in the order in which kinds are first needed.

    Parameters
    ----------
    nodes : sequence of Node
        All that is made, each once.
    plan : ProductPlan
        The plan, for what would be made of each product by itself.
    """
    shared = _Sum()
    for node in nodes:
        shared.add(node, 1)
    alone = _Sum()
    for node, times in _times_alone(plan):
        alone.add(node, times)
    names = dict.fromkeys((*shared.counts, *alone.counts))
    return tuple(
        Work(
            name,
            shared.counts[name],
            alone.counts[name],
            shared.points[name],
            alone.points[name],
            shared.flops[name],
            alone.flops[name],
        )
        for name in names
    )


class _Sum:
    """What operations of each name take."""

    def __init__(self) -> None:
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.points: defaultdict[str, int] = defaultdict(int)
        self.flops: defaultdict[str, float] = defaultdict(float)

    def add(self, node: Node, times: int) -> None:
        name = node.operation.name
        self.counts[name] += times
        self.points[name] += times * node.size
        self.flops[name] += times * node.operation.flops(*(one.description for one in node.inputs))


def _times_alone(plan: ProductPlan) -> Iterable[tuple[Node, int]]:
    """How often each node would be made if every field of every product was made by itself, areas by themselves."""
    times: defaultdict[int, int] = defaultdict(int)
    wanted = []
    for make in plan.makes:
        for node in plan.alone.get(make.digest, make.nodes):
            times[id(node)] += len(make.products)
            wanted.append(node)
    found = inputs_of(wanted)
    for node in reversed(found):  # what is made of a node comes before it
        for one in node.inputs:
            times[id(one)] += times[id(node)]
    return [(node, times[id(node)]) for node in found]
