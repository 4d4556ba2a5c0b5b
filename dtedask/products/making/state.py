"""Which task is next, which values are still needed, which products are there: a state machine that runs nothing."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
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
    """A product whose fields are all made, or that cannot be made.

    Parameters
    ----------
    make : Make
        Which.
    parts : tuple of Part
        Its fields in order; empty where one failed.
    error : DtedaskError, optional
        Why one of those failed that did.
    """

    make: Make
    parts: tuple[Part, ...]
    error: DtedaskError | None = None


class State:
    """The tasks and products of a run: what is asked is what can begin, what is told is what has ended.

    A value is held from when it is made until nothing needs it: no task, and no product that is not finished. A
    product fails with its first field that fails; what only it needs is not made.

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
        self._order, self._limit = list(units), limit_bytes
        self._units = {unit.key: unit for unit in units}
        self._rank = {unit.key: number for number, unit in enumerate(units)}
        self._waits = {unit.key: len(unit.needs) for unit in units}
        self._users: dict[str, list[str]] = defaultdict(list)
        for unit in units:
            for key in unit.needs:
                self._users[key].append(unit.key)
        self._ready = [self._rank[key] for key, count in self._waits.items() if not count]
        self._running: dict[str, int] = {}
        self._left = len(units)
        self._values = _Values(units, makes)
        self._products = _Products(makes)
        self.most_bytes = 0
        """The most that values took together, with what those take that are being made."""

    @property
    def is_made(self) -> bool:
        """Whether nothing is left to compute."""
        return not self._left

    @property
    def is_over(self) -> bool:
        """Whether all products are finished too."""
        return not self._left and not self._products.unfinished

    @property
    def is_finishing(self) -> bool:
        """Whether products are there that are not finished."""
        return self._products.finishing > 0

    @property
    def held_bytes(self) -> int:
        """What values take now, with what those will take that are being made."""
        return self._values.held_bytes + sum(self._running.values())

    def take(self) -> Unit | None:
        """The task to begin now; None where there is none, or memory is short until another has ended."""
        while self._ready:
            unit = self._order[self._ready[0]]
            if not self._values.is_any_needed(unit.nodes):
                heapq.heappop(self._ready)
                self._end(unit)
            elif self._is_room_for(unit):
                heapq.heappop(self._ready)
                self._running[unit.key] = unit.made_bytes
                self._count()
                return unit
            else:
                return None
        return None

    def inputs_of(self, unit: Unit) -> list[tuple[Any, ...]]:
        """What the work of a task is called with."""
        return [self._values.of(self._units[key].nodes) for key in unit.needs]

    def done(self, unit: Unit, values: Sequence[Any], sizes: Sequence[int] | None = None) -> list[Gathered]:
        """Hear what a task has made, and give the products that it completes or ends, in the order of their urgency.

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
        for node, value, size in zip(unit.nodes, values, sizes or map(size_of, values), strict=True):
            self._values.hold(node, value, size)
        self._end(unit)
        self._count()
        ended = self._products.made(unit.nodes, values)
        found = [gathered(make, self._values.known, error) for make, error in ended]
        for one in found:
            if one.error is not None:  # what only it needs is not made
                self._values.let_go(set(map(id, one.make.nodes)))
        return found

    def finished(self, make: Make) -> None:
        """Hear that a product was finished, or was given up: its values are let go."""
        if self._products.finished(make):
            self._values.let_go(set(map(id, make.nodes)))

    def _is_room_for(self, unit: Unit) -> bool:
        is_alone = not self._running and not self.is_finishing
        return self._limit is None or is_alone or self.held_bytes + unit.made_bytes <= self._limit

    def _end(self, unit: Unit) -> None:
        self._left -= 1
        self._values.let_go(map(id, unit.uses))
        for key in self._users.pop(unit.key, ()):
            self._waits[key] -= 1
            if not self._waits[key]:
                heapq.heappush(self._ready, self._rank[key])

    def _count(self) -> None:
        self.most_bytes = max(self.most_bytes, self.held_bytes)


class _Values:
    """Values that are made, as long as somebody needs them; by the identities of their nodes."""

    def __init__(self, units: Sequence[Unit], makes: Sequence[Make]) -> None:
        self.known: dict[int, Any] = {}
        self.held_bytes = 0
        self._sizes: dict[int, int] = {}
        self._uses: dict[int, int] = defaultdict(int)
        for unit in units:
            for node in unit.uses:
                self._uses[id(node)] += 1
        for make in makes:
            for place in set(map(id, make.nodes)):
                self._uses[place] += 1

    def is_any_needed(self, nodes: Iterable[Node]) -> bool:
        return any(id(node) in self._uses for node in nodes)

    def of(self, nodes: Iterable[Node]) -> tuple[Any, ...]:
        return tuple(self.known.get(id(node)) for node in nodes)

    def hold(self, node: Node, value: Any, size: int) -> None:
        if id(node) in self._uses:
            self.known[id(node)] = value
            self._sizes[id(node)] = size
            self.held_bytes += size

    def let_go(self, places: Iterable[int]) -> None:
        for place in places:
            self._uses[place] -= 1
            if not self._uses[place]:
                del self._uses[place]
                self.known.pop(place, None)
                self.held_bytes -= self._sizes.pop(place, 0)


class _Products:
    """Which products wait for which values."""

    def __init__(self, makes: Sequence[Make]) -> None:
        self.finishing = 0
        self.unfinished = len(makes)
        self._failed: set[int] = set()
        self._missing = {id(make): len(set(map(id, make.nodes))) for make in makes}
        self._wanted_by: dict[int, list[Make]] = defaultdict(list)
        for make in makes:
            for place in set(map(id, make.nodes)):
                self._wanted_by[place].append(make)

    def made(self, nodes: Sequence[Node], values: Sequence[Any]) -> list[tuple[Make, DtedaskError | None]]:
        """Products that are complete, and those that have failed now."""
        found: list[tuple[Make, DtedaskError | None]] = []
        for node, value in zip(nodes, values, strict=True):
            for make in self._wanted_by.pop(id(node), ()):
                if id(make) in self._missing:
                    found += self._ended(make, value)
        self.finishing += len(found)
        return sorted(found, key=lambda one: one[0].urgency)

    def finished(self, make: Make) -> bool:
        self.finishing -= 1
        self.unfinished -= 1
        return id(make) not in self._failed

    def _ended(self, make: Make, value: Any) -> list[tuple[Make, DtedaskError | None]]:
        self._missing[id(make)] -= 1
        error = value.error if isinstance(value, Failed) else None
        if error is None and self._missing[id(make)]:
            return []
        del self._missing[id(make)]
        if error is not None:
            self._failed.add(id(make))
        return [(make, error)]


def gathered(make: Make, values: Mapping[int, Any], error: DtedaskError | None) -> Gathered:
    """A product of the values of its nodes, by their identities."""
    if error is not None:
        return Gathered(make, (), error)
    parts = (
        Part(node.description, values[id(node)], make.coordinates.get(node.description.grid.uid, {}))
        for node in make.nodes
    )
    return Gathered(make, tuple(parts))


def size_of(value: Any) -> int:
    """What a value takes."""
    size = getattr(value, "nbytes", None)
    if size is not None:
        return int(size)
    return len(value) if isinstance(value, bytes | bytearray | memoryview) else 0
