"""Which nodes are made in one task: those of one operation at once, and small things made of one value together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.products.operation import Operation

if TYPE_CHECKING:
    from dtedask.products.making.urgency import Reached
    from dtedask.products.node import Node

__all__ = ["Batching", "Bundle", "batches_of", "bundles_of", "bytes_of"]

Batch = list["Node"]
"""Nodes of one operation, which are made at once."""
Bundle = list[Batch]
"""What one task makes, in order."""


@dataclass(frozen=True, slots=True)
class Batching:
    """How much goes into one task.

    Parameters
    ----------
    most : int
        So many fields at most are made at once by operations that work on many.
    most_bytes : int
        What they and their results take at most, unless one alone takes more.
    most_steps : int
        So many operations, about, are done one after another where all of them are on the same value.
    """

    most: int = 32
    most_bytes: int = 64 * 1024**2
    most_steps: int = 16


def bytes_of(node: Node) -> int:
    """About what a value takes."""
    return int(node.size * node.operation.bytes_per_point) + 1


def batches_of(nodes: Reached, batching: Batching) -> list[Batch]:
    """Put nodes together that are of one operation, equally urgent, and equally far from what is read.

    None of them is made of another, and no two batches wait for each other, since they are equally far.
    """
    found: dict[object, Batch] = defaultdict(list)
    for node in nodes:
        place = id(node)
        if node.inputs and works_on_many(node.operation):
            found[node.operation, nodes.depth[place], nodes.urgency[place]].append(node)
        else:
            found[place].append(node)
    return [part for batch in found.values() for part in _cut(batch, batching)]


def works_on_many(operation: Operation) -> bool:
    """Whether an operation does better with many fields at once."""
    return type(operation).batch is not Operation.batch


def _cut(batch: Batch, batching: Batching) -> Iterator[Batch]:
    taken: Batch = []
    size = 0
    for node in batch:
        own = bytes_of(node) + sum(map(bytes_of, node.inputs))
        if taken and (len(taken) == batching.most or size + own > batching.most_bytes):
            yield taken
            taken, size = [], 0
        taken.append(node)
        size += own
    yield taken


def bundles_of(batches: Sequence[Batch], nodes: Reached, batching: Batching) -> list[Bundle]:
    """Put what is made of one value, and of nothing else, into few tasks: such as cut, packed and packed otherwise.

    What is less urgent than the value is not with it, but with what is made of it itself.
    """
    trees = _Trees(batches, nodes, batching.most_steps)
    found: list[Bundle] = []
    filling: dict[tuple[int, int], tuple[Bundle, int]] = {}
    for tree in trees:
        place, own = trees.root_of(tree), sum(bytes_of(node) for batch in tree for node in batch)
        bundle, size = filling.get(place, ([], 0)) if place is not None else ([], 0)
        if bundle and (len(bundle) + len(tree) > batching.most_steps or size + own > batching.most_bytes):
            bundle, size = [], 0
        if not bundle:
            found.append(bundle)
        if place is not None:
            filling[place] = bundle, size + own
        bundle += tree
    return found


class _Trees:
    """Batches, each together with what is made of nothing but it; the first of each is what the others are made of.

    Parameters
    ----------
    batches : sequence of list of Node
        What is to be made.
    nodes : Reached
        How urgent they are, and how far from what is read.
    most : int
        What more batches than that are made of has a tree of its own.
    """

    def __init__(self, batches: Sequence[Batch], nodes: Reached, most: int) -> None:
        self._urgency = nodes.urgency
        self._batch_of = {id(node): id(batch) for batch in batches for node in batch}
        self._trees: dict[int, Bundle] = {}
        inputs_first = sorted(batches, key=lambda one: nodes.depth[id(one[0])])
        sizes = self._sizes(inputs_first)
        heads: dict[int, int] = {}
        for batch in inputs_first:
            place = id(batch)
            head = heads.get(self._before(batch), place)
            if is_one(batch) and sizes[place] <= most:
                heads[place] = head
            self._trees.setdefault(head, []).append(batch)
        self._order = [id(batch) for batch in batches if id(batch) in self._trees]

    def __iter__(self) -> Iterator[Bundle]:
        return (self._trees[head] for head in self._order)

    def root_of(self, tree: Bundle) -> tuple[int, int] | None:
        """What tells trees apart that may be one bundle: the batch that they hang on, and how urgent they are."""
        head = tree[0]
        if not is_small(head):
            return None
        return self._batch_of[id(head[0].inputs[0])], self._urgency[id(head[0])]

    def _sizes(self, inputs_first: Sequence[Batch]) -> dict[int, int]:
        """How many batches are made of each and of nothing else, itself included."""
        sizes = {id(batch): 1 for batch in inputs_first}
        for batch in reversed(inputs_first):
            before = self._before(batch)
            if before:
                sizes[before] += sizes[id(batch)]
        return sizes

    def _before(self, batch: Batch) -> int:
        """The only batch that one is made of, if it is as urgent; else 0."""
        if not is_small(batch):
            return 0
        (node,), (before,) = batch, batch[0].inputs
        return self._batch_of[id(before)] if self._urgency[id(node)] == self._urgency[id(before)] else 0


def is_one(batch: Batch) -> bool:
    """Whether it is one field made of others, by an operation that takes them one by one."""
    return len(batch) == 1 and bool(batch[0].inputs) and not works_on_many(batch[0].operation)


def is_small(batch: Batch) -> bool:
    """Whether it is, of one other."""
    return is_one(batch) and len(batch[0].inputs) == 1
