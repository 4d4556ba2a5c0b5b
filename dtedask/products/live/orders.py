"""What is to be made as fields come: a state machine without clock, threads or storage.

A product is started when the last of its inputs is there, and again when one of them is written again. Whether that
changes anything of it is for the plan to say, by its digest. One that takes all there is waits until nothing has come
for it for the idle time. A failed product is tried again, each time after twice as long, unless the failure is lasting;
then it waits for other inputs or other requirements. A wipe takes inputs away from what waits, and does nothing to what
was made.

A cycle is open from its base time, if requirements name the time, or from its first field, until it is too old.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Literal

from dtedask.products.live.cycles import expected_cycles, next_cycle
from dtedask.products.live.entry import Entry, is_same
from dtedask.products.live.events import (
    Close,
    Committed,
    Delivered,
    Event,
    Expand,
    Failed,
    Found,
    Instruction,
    Lacking,
    Late,
    Old,
    Opened,
    Required,
    Start,
    State,
    Tick,
)
from dtedask.products.live.growing import Growing
from dtedask.products.live.inputs import Inputs
from dtedask.products.live.order import Need, Order
from dtedask.products.live.pacing import Pacing
from dtedask.products.live.timers import Timers
from dtedask.products.planning.expansion import is_for
from dtedask.products.product import Product
from dtedask.products.requirement import Cycle, Requirement

__all__ = ["Orders"]
_Kind = Literal["late", "again", "quiet", "close", "open"]
_LOOK_BACK = timedelta(days=2)


class Orders:
    """Products of open cycles, and what of them is to be done.

    Parameters
    ----------
    pacing : Pacing, optional
        How long things are waited for.
    since : datetime, optional
        Base time, UTC, up to which no cycle is expected of which there is nothing.
    """

    def __init__(self, pacing: Pacing | None = None, *, since: datetime | None = None) -> None:
        self._pacing, self._since = pacing or Pacing(), since
        self._requirements: dict[str, Requirement] = {}
        self._cycles: dict[Cycle, dict[str, None]] = {}
        self._told: set[Cycle] = set()
        self._entries: dict[str, Entry] = {}
        self._inputs = Inputs()
        self._growing = Growing()
        self._timers: Timers[tuple[_Kind, str | Cycle]] = Timers()

    @property
    def deadline(self) -> datetime | None:
        """When the next `Tick` is due; None where only an event can bring something new."""
        return self._timers.next

    @property
    def cycles(self) -> tuple[Cycle, ...]:
        """Cycles that are open, oldest first."""
        return tuple(sorted(self._cycles))

    @property
    def running(self) -> tuple[str, ...]:
        """Products that were started and have not ended."""
        return tuple(name for name, entry in self._entries.items() if entry.state == "running")

    def state(self, product: str) -> State:
        """How it stands with a product, by its id.

        Raises
        ------
        KeyError
            If it is of no open cycle.
        """
        return self._entries[product].state

    def current(self, product: str) -> Product | None:
        """A product as it is ordered now; None where nobody orders it any more."""
        entry = self._entries.get(product)
        return None if entry is None or entry.is_dropped else entry.order.product

    def needs(self, product: str) -> tuple[Need, ...]:
        """All inputs of a product."""
        return self._inputs.needs(product)

    def missing(self, product: str) -> tuple[Need, ...]:
        """Inputs that a product waits for."""
        return self._inputs.missing(product)

    def __contains__(self, product: str) -> bool:
        return product in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Order]:
        return (entry.order for entry in self._entries.values())

    def handle(self, event: Event, now: datetime) -> list[Instruction]:
        """Take notice of an event at a time (UTC), and return what is to be done, in order."""
        match event:
            case Committed():
                return self._committed(event, now)
            case Opened():
                return self._opened(event, now)
            case Delivered():
                return self._ended(event.product, now)
            case Failed():
                return self._failed(event, now)
            case Lacking():
                return self._lacking(event, now)
            case Required():
                return self._required(event.requirements, now)
            case Found():
                return self._open(event.cycles, now)
            case Tick():
                return self._ticked(now)

    # Requirements and cycles

    def _required(self, requirements: tuple[Requirement, ...], now: datetime) -> list[Instruction]:
        new = {one.name: one for one in requirements}
        changed = {name for name, one in self._requirements.items() if name not in new or not is_same(one, new[name])}
        added = [one for name, one in new.items() if name in changed or name not in self._requirements]
        self._requirements = new
        for name in changed:
            self._growing.forget(name)
        for cycle in self._cycles:
            self._drop(self._of(cycle, changed))
        opened = [self._expand(cycle, added) for cycle in self.cycles]
        return [one for one in opened if one.requirements] + self._open_expected(now)

    def _open_expected(self, now: datetime) -> list[Instruction]:
        wanted = self._requirements.values()
        after = now - (self._pacing.open_for or _LOOK_BACK)
        after = after if self._since is None else max(after, self._since)
        upcoming = next_cycle(wanted, now)
        if upcoming is not None:
            self._timers.add(upcoming, ("open", ""))
        return self._open(expected_cycles(wanted, after=after, until=now), now)

    def _open(self, cycles: Iterable[Cycle], now: datetime) -> list[Instruction]:
        opened: list[Instruction] = []
        for cycle in sorted(set(cycles) - self._cycles.keys()):
            expand = self._expand(cycle, self._requirements.values())
            end = self._end(cycle)
            if not expand.requirements or self._is_over(cycle, now):
                continue
            self._cycles[cycle] = {}
            opened.append(expand)
            if end is not None:
                self._timers.add(end, ("close", cycle))
        return opened

    def _old(self, cycles: Iterable[Cycle], now: datetime) -> list[Instruction]:
        """Cycles that requirements are for, and that are too old to be opened."""
        new = sorted(set(cycles) - self._cycles.keys() - self._told)
        old = [
            one
            for one in new
            if self._is_over(one, now) and any(is_for(wanted, one) for wanted in self._requirements.values())
        ]
        self._told.update(old)
        return [Old(one) for one in old]

    def _is_over(self, cycle: Cycle, now: datetime) -> bool:
        end = self._end(cycle)
        return end is not None and end <= now

    def _end(self, cycle: Cycle) -> datetime | None:
        return None if self._pacing.open_for is None else cycle.time + self._pacing.open_for

    def _expand(self, cycle: Cycle, requirements: Iterable[Requirement]) -> Expand:
        return Expand(cycle, tuple(one for one in requirements if is_for(one, cycle)))

    def _close(self, cycle: Cycle) -> Close:
        names = [*self._cycles.pop(cycle)]
        self._told.add(cycle)
        left = tuple(self._entries[name].order.product for name in names if not self._entries[name].is_there)
        self._growing.close(cycle)
        self._drop(names)
        return Close(cycle, left)

    # Products

    def _opened(self, event: Opened, now: datetime) -> list[Instruction]:
        if event.cycle not in self._cycles:
            return []
        current = [one for one in event.requirements if self._requirements.get(one.name) is one]
        names = {one.name for one in current}
        orders = {order.id: order for order in event.orders if order.product.requirement.name in names}
        self._drop(name for name in self._of(event.cycle, names) if name not in orders)
        touched = [name for name, order in orders.items() if self._place(event.cycle, name, order)]
        for name in touched:
            self._entries[name].is_touched = False
        for name in event.delivered & orders.keys():
            entry = self._entries[name]
            entry.is_there = True
            entry.state = "delivered" if entry.state == "waiting" else entry.state
        for order in orders.values():
            for need in order.needs:
                self._inputs.mark(need, is_present=need in event.present)
        by_name: dict[str, list[Order]] = {name: [] for name in names}
        for order in orders.values():
            by_name[order.product.requirement.name].append(order)
        for one in current:
            self._growing.opened(event.cycle, one, by_name[one.name])
        return self._start(touched, now)

    def _place(self, cycle: Cycle, name: str, order: Order) -> bool:
        """Take an order; returns whether it is new or of other inputs than before."""
        known = self._entries.get(name)
        self._cycles[cycle][name] = None
        if known is None:
            self._entries[name] = Entry(order)
            if order.product.due is not None:
                self._timers.add(order.product.due, ("late", name))
        else:
            is_equal = not known.is_dropped and set(known.order.needs) == set(order.needs)
            known.order, known.is_dropped = order, False
            if is_equal:
                return known.is_touched
        self._inputs.add(name, order.needs)
        return True

    def _drop(self, names: Iterable[str]) -> None:
        for name in list(names):
            entry = self._entries[name]
            self._inputs.remove(name)
            for products in self._cycles.values():
                products.pop(name, None)
            if entry.state == "running":
                entry.is_dropped = True
            else:
                del self._entries[name]

    def _of(self, cycle: Cycle, requirements: set[str]) -> list[str]:
        return [
            name for name in self._cycles[cycle] if self._entries[name].order.product.requirement.name in requirements
        ]

    # Fields

    def _committed(self, event: Committed, now: datetime) -> list[Instruction]:
        for keys in event.wiped:
            for need in self._inputs.needs_met_by(keys):
                self._inputs.mark(need, is_present=False)
        touched: dict[str, None] = {}
        new: dict[Cycle, list[Mapping[str, str]]] = {}
        first: dict[str, None] = {}
        for keys in event.written:
            needs = self._inputs.needs_met_by(keys)
            arrived = [need for need in needs if not self._inputs.is_present(need)]
            if (arrived or not needs) and "date" in keys and "time" in keys:
                new.setdefault(Cycle.of(keys), []).append(keys)
            for need in needs:
                self._inputs.mark(need, is_present=True)
                touched.update(dict.fromkeys(self._inputs.users_of(need)))
            first.update(dict.fromkeys(user for need in arrived for user in self._inputs.users_of(need)))
        opened = [*self._open(new, now), *self._old(new, now)]
        looked_at = self._look_again(new, first)
        again = {(one.cycle, requirement.name) for one in looked_at for requirement in one.requirements}
        ready = []
        for name in touched:
            product = self._entries[name].order.product
            if (product.cycle, product.requirement.name) in again:
                self._entries[name].is_touched = True
            else:
                ready.append(name)
        return [*opened, *looked_at, *self._start(ready, now)]

    def _look_again(self, new: Mapping[Cycle, list[Mapping[str, str]]], first: Iterable[str]) -> list[Expand]:
        """Requirements whose products may be others now that new fields are there."""
        found = {cycle: self._growing.touched(cycle, fields) for cycle, fields in new.items()}
        for name in first:
            order = self._entries[name].order
            if order.left_open == "keys":
                product = order.product
                found.setdefault(product.cycle, {})[product.requirement.name] = product.requirement
        return [Expand(cycle, tuple(known.values())) for cycle, known in found.items() if known]

    def _start(self, names: Iterable[str], now: datetime, *, is_time: bool = False) -> list[Instruction]:
        """Start those of some products that lack nothing: touched ones, or those whose time has come."""
        started = [self._entries[name] for name in names if self._is_ready(name, now, is_time=is_time)]
        for entry in started:
            entry.state, entry.quiet_at, entry.again_at = "running", None, None
            entry.attempts = entry.attempts if is_time else 0
        products = sorted((entry.order.product for entry in started), key=lambda product: product.urgency)
        return [Start(tuple(products))] if products else []

    def _is_ready(self, name: str, now: datetime, *, is_time: bool) -> bool:
        entry = self._entries[name]
        if entry.state == "running":
            entry.is_again = True
            return False
        if not self._inputs.is_complete(name):
            entry.state = "delivered" if entry.state == "delivered" else "waiting"
            return False
        if entry.order.left_open != "fields" or is_time:
            return True
        entry.state, entry.quiet_at = "settling", now + self._pacing.idle
        self._timers.add(entry.quiet_at, ("quiet", name))
        return False

    # What became of products

    def _ended(self, name: str, now: datetime, *, state: State = "delivered", error: str = "") -> list[Instruction]:
        entry = self._entries.get(name)
        if entry is None or entry.state != "running":
            return []
        if entry.is_dropped:
            del self._entries[name]
            return []
        entry.state, entry.error = state, error
        entry.is_there |= state == "delivered"
        entry.attempts = entry.attempts + 1 if state == "failed" else 0
        is_again, entry.is_again = entry.is_again, False
        return self._start([name], now) if is_again else []

    def _failed(self, event: Failed, now: datetime) -> list[Instruction]:
        again = self._ended(event.product, now, state="failed", error=event.error)
        entry = self._entries.get(event.product)
        if entry is not None and entry.state == "failed" and not event.is_lasting:
            pause = min(self._pacing.retry * 2 ** min(entry.attempts - 1, 32), self._pacing.retry_most)
            entry.again_at = now + pause
            self._timers.add(entry.again_at, ("again", event.product))
        return again

    def _lacking(self, event: Lacking, now: datetime) -> list[Instruction]:
        if event.product in self._entries:
            for need in event.missing:
                self._inputs.mark(need, is_present=False)
        return self._ended(event.product, now, state="waiting")

    # Time

    def _ticked(self, now: datetime) -> list[Instruction]:
        done: list[Instruction] = []
        ready: dict[str, None] = {}
        for kind, what in self._timers.due(now):
            if isinstance(what, Cycle):
                done += [self._close(what)] if what in self._cycles else []
            elif kind == "open":
                done += self._open_expected(now)
            elif kind == "late":
                done += self._late(what, now)
            elif self._is_time(kind, what, now):
                ready[what] = None
        return done + self._start((name for name in ready if name in self._entries), now, is_time=True)

    def _is_time(self, kind: _Kind, name: str, now: datetime) -> bool:
        """Whether a product that waits for its time has waited; what came since then may have put it off."""
        entry = self._entries.get(name)
        if entry is None or entry.state != ("settling" if kind == "quiet" else "failed"):
            return False
        moment = entry.quiet_at if kind == "quiet" else entry.again_at
        return moment is not None and moment <= now

    def _late(self, name: str, now: datetime) -> list[Instruction]:
        entry = self._entries.get(name)
        if entry is None or entry.is_dropped or entry.is_told or entry.is_there:
            return []
        product = entry.order.product
        if product.due is None or product.due > now:
            return []
        entry.is_told = True
        return [Late(product, product.due, entry.state, self._inputs.missing(name), entry.error)]
