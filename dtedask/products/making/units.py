"""Tasks of the graph: nodes of all products, those of one operation together, in the order in which they are made."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.products.making.order import ordered
from dtedask.products.making.urgency import Reached, reached
from dtedask.products.making.work import Retry, Step, Work
from dtedask.products.operation import Operation

if TYPE_CHECKING:
    from dtedask.products.node import Node
    from dtedask.products.planning.make import Make

__all__ = ["Batching", "Unit", "bytes_of", "called", "units_of"]

_TELLING = ("type", "date", "time", "step", "number", "levtype", "levelist")


@dataclass(frozen=True, slots=True)
class Batching:
    """How many fields go into one task.

    Parameters
    ----------
    most : int
        So many at most.
    most_bytes : int
        What they and their results take at most, unless one alone takes more.
    """

    most: int = 32
    most_bytes: int = 64 * 1024**2


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """One task.

    Parameters
    ----------
    key : str
        Its name: readable, and the same in every process for the same values.
    work : Work
        What it does.
    needs : tuple of str
        Tasks whose values it takes, in the order in which its work counts them.
    nodes : tuple of Node
        What it makes.
    uses : tuple of Node
        What it takes, each once.
    """

    key: str
    work: Work
    needs: tuple[str, ...]
    nodes: tuple[Node, ...]
    uses: tuple[Node, ...]

    @property
    def made_bytes(self) -> int:
        """About what its values take."""
        return sum(bytes_of(node) for node in self.nodes)

    @property
    def is_read(self) -> bool:
        """Whether it is made of nothing else."""
        return not self.needs

    def __repr__(self) -> str:
        return f"<Unit {self.key}: {len(self.nodes)} fields>"


def bytes_of(node: Node) -> int:
    """About what a value takes."""
    return int(node.size * node.operation.bytes_per_point) + 1


def units_of(makes: Sequence[Make], *, batching: Batching | None = None, retry: Retry | None = None) -> list[Unit]:
    """All tasks behind some products, each once, in the order in which they are best done.

    What is needed by the most urgent products comes first. Among equally urgent ones it goes from field to field: all
    that is made of a field is made before the next is read, so that few fields are in memory.

    Parameters
    ----------
    makes : sequence of Make
        What is to be made.
    batching : Batching, optional
        How many fields go into one task.
    retry : Retry, optional
        How often reading is tried again.
    """
    nodes = reached(makes)
    groups = list(_groups(nodes, batching or Batching()))
    places = {id(node): (number, place) for number, group in enumerate(groups) for place, node in enumerate(group)}
    units = [_unit(group, groups, places, retry or Retry()) for group in groups]
    needs = [[places[id(node)][0] for node in unit.uses] for unit in units]
    return [units[number] for number in ordered(needs, [nodes.urgency[id(group[0])] for group in groups])]


def _groups(nodes: Reached, batching: Batching) -> Iterator[list[Node]]:
    """Nodes that are made in one task: of one operation, equally urgent and equally far from what is read.

    None of them is made of another, and no two groups wait for each other, since they are equally far.
    """
    found: dict[object, list[Node]] = defaultdict(list)
    for node in nodes:
        place = id(node)
        if node.inputs and works_on_many(node.operation):
            found[node.operation, nodes.depth[place], nodes.urgency[place]].append(node)
        else:
            found[place].append(node)
    for group in found.values():
        yield from _cut(group, batching)


def works_on_many(operation: Operation) -> bool:
    """Whether an operation does better with many fields at once."""
    return type(operation).batch is not Operation.batch


def _cut(group: list[Node], batching: Batching) -> Iterator[list[Node]]:
    taken: list[Node] = []
    size = 0
    for node in group:
        own = bytes_of(node) + sum(map(bytes_of, node.inputs))
        if taken and (len(taken) == batching.most or size + own > batching.most_bytes):
            yield taken
            taken, size = [], 0
        taken.append(node)
        size += own
    yield taken


def _unit(group: list[Node], groups: list[list[Node]], places: dict[int, tuple[int, int]], retry: Retry) -> Unit:
    uses = list({id(one): one for node in group for one in node.inputs}.values())
    needs = {places[id(one)][0]: None for one in uses}
    order = {number: place for place, number in enumerate(needs)}
    fields = tuple(tuple((order[places[id(one)][0]], places[id(one)][1]) for one in node.inputs) for node in group)
    step = Step(group[0].operation, fields, tuple(map(called, group)))
    work = Work((step,), tuple(range(len(group))), retry)
    return Unit(_key(group), work, tuple(_key(groups[number]) for number in needs), tuple(group), tuple(uses))


def _key(group: Iterable[Node]) -> str:
    keys = [node.key for node in group]
    if len(keys) == 1:
        return keys[0]
    name = keys[0].rpartition("-")[0]
    return f"{name}-{hashlib.sha256(' '.join(keys).encode()).hexdigest()[:32]}-{len(keys)}"


def called(node: Node) -> str:
    """What to call a field in an error: its parameter, and the keys that tell it from others of a forecast."""
    keys = node.description.keys
    said = ",".join(f"{key}={keys[key]}" for key in _TELLING if key in keys)
    return f"{node.description.short_name or keys.get('param', 'a field')} ({said})"
