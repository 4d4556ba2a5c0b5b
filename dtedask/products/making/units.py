"""Tasks of the graph: the nodes of all products, in the order in which they are made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.products.making.bundles import Batching, Bundle, batches_of, bundles_of, bytes_of
from dtedask.products.making.order import ordered
from dtedask.products.making.urgency import reached
from dtedask.products.making.work import Retry, Step, Work

if TYPE_CHECKING:
    from dtedask.products.node import Node
    from dtedask.products.planning.make import Make

__all__ = ["Unit", "called", "units_of"]

_TELLING = ("type", "date", "time", "step", "number", "levtype", "levelist")


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
        What it gives.
    uses : tuple of Node
        What it takes, each once.
    makes : tuple of Node
        All that it makes on the way.
    """

    key: str
    work: Work
    needs: tuple[str, ...]
    nodes: tuple[Node, ...]
    uses: tuple[Node, ...]
    makes: tuple[Node, ...]

    @property
    def made_bytes(self) -> int:
        """About what its values take."""
        return sum(bytes_of(node) for node in self.nodes)

    @property
    def is_read(self) -> bool:
        """Whether it is made of nothing else."""
        return not self.needs

    def __repr__(self) -> str:
        return f"<Unit {self.key}: {len(self.nodes)} values>"


def units_of(makes: Sequence[Make], *, batching: Batching | None = None, retry: Retry | None = None) -> list[Unit]:
    """All tasks behind some products, each once, in the order in which they are best done.

    What is needed by the most urgent products comes first. Among equally urgent ones it goes from field to field: all
    that is made of a field is made before the next is read, so that few fields are in memory.

    Parameters
    ----------
    makes : sequence of Make
        What is to be made.
    batching : Batching, optional
        How much goes into one task.
    retry : Retry, optional
        How often reading is tried again.
    """
    nodes, batching = reached(makes), batching or Batching()
    bundles = bundles_of(batches_of(nodes, batching), nodes, batching)
    building = _Building(bundles, makes, retry or Retry())
    needs = [building.needs(number) for number in range(len(bundles))]
    urgency = [nodes.urgency[id(bundle[0][0])] for bundle in bundles]
    return [building.unit(number, needs[number]) for number in ordered(needs, urgency)]


class _Building:
    """Makes tasks of bundles.

    Parameters
    ----------
    bundles : sequence of list
        What each task makes.
    makes : sequence of Make
        What is wanted.
    retry : Retry
        For tasks that read.
    """

    def __init__(self, bundles: Sequence[Bundle], makes: Sequence[Make], retry: Retry) -> None:
        self._bundles, self._retry = bundles, retry
        own = {id(node): number for number, bundle in enumerate(bundles) for batch in bundle for node in batch}
        wanted = {id(node) for make in makes for node in make.nodes}
        for number, bundle in enumerate(bundles):
            for batch in bundle:
                wanted |= {id(one) for node in batch for one in node.inputs if own[id(one)] != number}
        self._gives = [[node for batch in bundle for node in batch if id(node) in wanted] for bundle in bundles]
        self._own = own
        self._places = {id(node): place for given in self._gives for place, node in enumerate(given)}
        self._keys = [key_of(given) for given in self._gives]

    def needs(self, number: int) -> list[int]:
        """Numbers of the tasks that one takes values from."""
        return list(dict.fromkeys(self._own[id(node)] for node in self._uses(number)))

    def unit(self, number: int, needs: Sequence[int]) -> Unit:
        """One task."""
        bundle, gives = self._bundles[number], self._gives[number]
        made = {id(node): place for place, node in enumerate(node for batch in bundle for node in batch)}
        order = {other: place for place, other in enumerate(needs)}

        def slot(node: Node) -> tuple[int, int]:
            if id(node) in made:
                return (-1, made[id(node)])
            return order[self._own[id(node)]], self._places[id(node)]

        steps = [
            Step(batch[0].operation, tuple(tuple(map(slot, node.inputs)) for node in batch), tuple(map(called, batch)))
            for batch in bundle
        ]
        work = Work(tuple(steps), tuple(made[id(node)] for node in gives), self._retry)
        everything = tuple(node for batch in bundle for node in batch)
        keys = tuple(self._keys[other] for other in needs)
        return Unit(self._keys[number], work, keys, tuple(gives), tuple(self._uses(number)), everything)

    def _uses(self, number: int) -> list[Node]:
        inputs = (one for batch in self._bundles[number] for node in batch for one in node.inputs)
        return list({id(one): one for one in inputs if self._own[id(one)] != number}.values())


def key_of(nodes: Iterable[Node]) -> str:
    """Name of the task that gives some values."""
    keys = [node.key for node in nodes]
    if len(keys) == 1:
        return keys[0]
    name = keys[-1].rpartition("-")[0]
    return f"{name}-{hashlib.sha256(' '.join(keys).encode()).hexdigest()[:32]}-{len(keys)}"


def called(node: Node) -> str:
    """What to call a field in an error: its parameter, and the keys that tell it from others of a forecast."""
    keys = node.description.keys
    said = ",".join(f"{key}={keys[key]}" for key in _TELLING if key in keys)
    return f"{node.description.short_name or keys.get('param', 'a field')} ({said})"
