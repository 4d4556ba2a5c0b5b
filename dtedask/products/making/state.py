"""Which task is next, which values are still needed, which products are there: a state machine that runs nothing."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dtedask.products.making.work import Failed
from dtedask.products.product import Part

if TYPE_CHECKING:
    from dtedask.core.errors import DtedaskError
    from dtedask.products.making.units import Unit
    from dtedask.products.node import Node
    from dtedask.products.planning.make import Make

__all__ = ["Gathered", "State"]


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """A product whose fields are all made, or cannot be.

    Parameters
    ----------
    make : Make
        Which.
    parts : tuple of Part
        Its fields in order; empty where one failed.
    error : DtedaskError, optional
        Why the first of those failed that did.
    """

    make: Make
    parts: tuple[Part, ...]
    error: DtedaskError | None = None


class State:
    """The tasks and products of a run: what is asked is what can begin, what is told is what has ended.

    A value is held from when it is made until nothing needs it: no task, and no product that is not finished.

    Parameters
    ----------
    units : sequence of Unit
        All tasks, each after those that it needs; the first that can run is the next.
    makes : sequence of Make
        What is made of them.
    limit_bytes : int, optional
        What values may take together. What is the only thing to do is done though it takes more.
    """

    def __init__(self, units: Sequence[Unit], makes: Sequence[Make], limit_bytes: int | None = None) -> None:
        self._units = {unit.key: unit for unit in units}
        self._rank = {unit.key: number for number, unit in enumerate(units)}
        self._limit = limit_bytes
        self._waits = {unit.key: len(unit.needs) for unit in units}
        self._users: dict[str, list[str]] = defaultdict(list)
        self._uses: dict[int, int] = defaultdict(int)
        self._wanted_by: dict[int, list[Make]] = defaultdict(list)
        self._missing: dict[int, int] = {}
        self._values: dict[int, Any] = {}
        self._sizes: dict[int, int] = {}
        for unit in units:
            for key in unit.needs:
                self._users[key].append(unit.key)
            for node in unit.uses:
                self._uses[id(node)] += 1
        for make in makes:
            wanted = {id(node) for node in make.nodes}
            self._missing[id(make)] = len(wanted)
            for place in wanted:
                self._uses[place] += 1
                self._wanted_by[place].append(make)
        self._ready = [self._rank[key] for key, count in self._waits.items() if not count]
        heapq.heapify(self._ready)
        self._order = list(units)
        self._running: dict[str, int] = {}
        self._left = len(units)
        self._unfinished = len(self._missing)
        self._gathered = 0
        self.most_bytes = 0
        """The most that values took together, with what those take that are being made."""

    @property
    def is_made(self) -> bool:
        """Whether nothing is left to compute."""
        return not self._left

    @property
    def is_over(self) -> bool:
        """Whether all products are finished too."""
        return not self._left and not self._unfinished

    @property
    def is_finishing(self) -> bool:
        """Whether products are there that are not finished."""
        return self._gathered > 0

    @property
    def held_bytes(self) -> int:
        """What values take now, with what those will take that are being made."""
        return self._held + sum(self._running.values())

    _held = 0

    def take(self) -> Unit | None:
        """The task to begin now; None where there is none, or memory is short until another has ended."""
        if not self._ready:
            return None
        unit = self._order[self._ready[0]]
        is_alone = not self._running and not self._gathered
        if self._limit is not None and not is_alone and self.held_bytes + unit.made_bytes > self._limit:
            return None
        heapq.heappop(self._ready)
        self._running[unit.key] = unit.made_bytes
        self.most_bytes = max(self.most_bytes, self.held_bytes)
        return unit

    def inputs_of(self, unit: Unit) -> list[tuple[Any, ...]]:
        """What the work of a task is called with."""
        return [tuple(self._values.get(id(node)) for node in self._units[key].nodes) for key in unit.needs]

    def done(self, unit: Unit, values: Sequence[Any], sizes: Sequence[int] | None = None) -> list[Gathered]:
        """Hear what a task has made, and give the products that are complete by it, in the order of their urgency.

        Parameters
        ----------
        unit : Unit
            The task.
        values : sequence
            What it made; `Failed` for what it could not.
        sizes : sequence of int, optional
            What they take; by default what the values say.
        """
        del self._running[unit.key]
        self._left -= 1
        found = sizes or [size_of(value) for value in values]
        for node, value, size in zip(unit.nodes, values, found, strict=True):
            self._hold(node, value, size)
        for node in unit.uses:
            self._let_go(id(node))
        for key in self._users.pop(unit.key, ()):
            self._waits[key] -= 1
            if not self._waits[key]:
                heapq.heappush(self._ready, self._rank[key])
        self.most_bytes = max(self.most_bytes, self.held_bytes)
        return self._complete(unit.nodes)

    def finished(self, make: Make) -> None:
        """Hear that a product was finished, or was given up: its values are let go."""
        self._gathered -= 1
        self._unfinished -= 1
        for place in {id(node) for node in make.nodes}:
            self._let_go(place)

    def _complete(self, nodes: Sequence[Node]) -> list[Gathered]:
        found = []
        for node in nodes:
            for make in self._wanted_by.pop(id(node), ()):
                self._missing[id(make)] -= 1
                if not self._missing[id(make)]:
                    found.append(make)
        self._gathered += len(found)
        return [gathered(make, self._values) for make in sorted(found, key=lambda one: one.urgency)]

    def _hold(self, node: Node, value: Any, size: int) -> None:
        if self._uses.get(id(node)):
            self._values[id(node)] = value
            self._sizes[id(node)] = size
            self._held += size

    def _let_go(self, place: int) -> None:
        self._uses[place] -= 1
        if not self._uses[place]:
            del self._uses[place]
            self._values.pop(place, None)
            self._held -= self._sizes.pop(place, 0)


def gathered(make: Make, values: Mapping[int, Any]) -> Gathered:
    """A product of the values of its nodes, by their identity."""
    found = [values[id(node)] for node in make.nodes]
    failed = next((one for one in found if isinstance(one, Failed)), None)
    if failed is not None:
        return Gathered(make, (), failed.error)
    coordinates = make.coordinates
    parts = tuple(
        Part(node.description, payload, coordinates.get(node.description.grid.uid, {}))
        for node, payload in zip(make.nodes, found, strict=True)
    )
    return Gathered(make, parts)


def size_of(value: Any) -> int:
    """What a value takes."""
    size = getattr(value, "nbytes", None)
    if size is not None:
        return int(size)
    return len(value) if isinstance(value, bytes | bytearray | memoryview) else 0
