"""What is done for some products, and what it would be if each was made by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dtedask.products.making.made import Counts

if TYPE_CHECKING:
    from dtedask.products.making.units import Unit
    from dtedask.products.node import Node
    from dtedask.products.planning.make import Make

__all__ = ["counts_of"]


def counts_of(units: Sequence[Unit], makes: Sequence[Make], most_bytes: int = 0) -> Counts:
    """Count what some tasks do.

    Parameters
    ----------
    units : sequence of Unit
        All tasks, each after those that it needs.
    makes : sequence of Make
        What is made by them.
    most_bytes : int
        The most that values took together.
    """
    alone = _alone(units)
    nodes = sum(len(unit.makes) for unit in units)
    read = sum(len(unit.nodes) for unit in units if unit.is_read)
    wanted = [(alone[id(node)], len(one.products)) for one in makes for node in one.nodes]
    read_alone = sum(reads * times for (reads, _), times in wanted)
    computed_alone = sum(computed * times for (_, computed), times in wanted)
    return Counts(read, nodes - read, read_alone, computed_alone, len(units), most_bytes)


def _alone(units: Sequence[Unit]) -> dict[int, tuple[int, int]]:
    """By the identity of a node: how often its making reads and computes if nothing is shared."""
    found: dict[int, tuple[int, int]] = {}

    def of(node: Node) -> tuple[int, int]:
        if not node.inputs:
            return (1, 0)
        inputs = [found[id(one)] for one in node.inputs]
        return (sum(reads for reads, _ in inputs), 1 + sum(computed for _, computed in inputs))

    for unit in units:
        for node in unit.makes:
            found[id(node)] = of(node)
    return found
