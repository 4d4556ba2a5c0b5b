"""Whatever fails, stops or is killed: each listener hears of everything it asks for, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dask.config
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.notify.delivery import Carrier, DeliveryState, LogSource
from dtedask.notify.delivery.courier import Arrived, Courier, Failed, Finish, Keep, Pass, Run, Succeeded, Wait, Woken
from dtedask.notify.delivery.item import Item
from dtedask.notify.delivery.policy import Policy
from dtedask.notify.notification import Draft, Notification

BEGIN = datetime(2024, 6, 3, tzinfo=UTC)
NUMBERS = st.floats(0, 1, exclude_max=True)


class MemoryLog:
    """The few methods of a log of notifications that delivery needs."""

    def __init__(self):
        self.written = []
        self.head = 0

    def append(self, drafts):
        for draft in drafts:
            self.head += 1
            self.written.append(Notification(draft.event_type, self.head, draft.identifier, draft.payload, BEGIN))

    def page(self, event_type, after, *, limit=3, until=None):
        there = [one for one in self.written if one.event_type == event_type and one.sequence > after]
        return [one for one in there if until is None or one.sequence <= until][:limit]

    def heads(self):
        return {"flight": self.head}

    def version(self):
        return self.head

    def delete(self, event_type, sequence):
        self.written = [one for one in self.written if one.id != f"{event_type}@{sequence}"]


class Clock:
    def __init__(self):
        self.time = BEGIN

    def __call__(self):
        return self.time


@dataclass
class Trigger:
    run: Callable[[Notification], None]
    retries: int | None = None
    required: bool = True
    fail_fast: bool = False
    type: str = "function"


@dataclass
class Hears:
    triggers: list[Trigger]
    wants: Callable[[Notification], bool] = lambda _: True
    name: str = "l"
    document: str = ""


class Killed(BaseException):
    """The process ends here."""


@given(st.integers(1, 70), st.floats(0.01, 100), st.floats(1, 1000), NUMBERS, st.floats(0, 100))
def test_a_delay_is_between_half_and_all_of_a_doubled_one_and_never_shorter_than_asked(n, delay, limit, chance, least):
    found = Policy(delay_s=delay, limit_s=limit).delay(n, chance, at_least_s=least).total_seconds()
    full = min(limit, delay * 2 ** (n - 1))
    assert max(least, full / 2) - 1e-5 <= found <= max(least, full) + 1e-5


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=3),
    st.lists(st.booleans(), max_size=30),
    st.lists(st.booleans(), max_size=3),
)
def test_each_trigger_runs_until_it_succeeds_or_was_tried_often_enough(retries, outcomes, required):
    policies = [Policy(n, required=not required or required[0]) for n in retries]
    courier, time, ran, outcome = Courier(policies), BEGIN, Counter(), iter(outcomes)
    news = Notification("flight", 1, {}, None, BEGIN)
    todo = courier.handle(Arrived(Item("flight", 1, news), True, time))
    kept = None
    while not isinstance(todo[-1], Finish):
        if isinstance(todo[0], Keep):
            kept = todo[0].hand
            if next(outcome, False):  # a restart knows just as much
                courier = Courier(policies, {}, kept)
                todo = courier.handle(Woken(time))
                continue
        if isinstance(todo[-1], Wait):
            assert todo[-1].until > time
            assert courier.handle(Woken(time)) == [todo[-1]]
            time = todo[-1].until
            todo = courier.handle(Woken(time))
            continue
        (run,) = [one for one in todo if isinstance(one, Run)]
        ran[run.trigger] += 1
        if next(outcome, False):
            todo = courier.handle(Succeeded(run.trigger, time))
        else:
            todo = courier.handle(Failed(run.trigger, "no", time, 0.5))
    assert courier.hand is None
    assert courier.cursors == {"flight": 1}
    for number, one in enumerate(todo[-1].hand.tries):
        assert one.attempts <= ran[number]
        assert one.state == "done" or (one.state, one.attempts) == (
            "dead" if policies[number].required else "skipped",
            retries[number] + 1,
        )


def test_what_is_not_wanted_or_was_heard_of_runs_nothing():
    courier = Courier([Policy()], {"flight": 3})
    news = Notification("flight", 3, {}, None, BEGIN)
    assert courier.handle(Arrived(Item("flight", 3, news), True, BEGIN)) == []
    assert courier.handle(Arrived(Item("flight", 5, news), False, BEGIN)) == [Pass("flight", 5)]
    assert courier.handle(Arrived(Item("flight", 4, news), True, BEGIN)) == []


class World:
    """A listener of even flights whose process is killed now and then, and what it did."""

    def __init__(self, folder, data, retries):
        self.folder, self.data, self.log, self.clock = folder, data, MemoryLog(), Clock()
        self.ran, self.succeeded, self.needless, self.kills, self.kills_before = [], [], [], 0, {}
        self.outcomes = ["succeed", "succeed", "fail", *data.draw(st.sampled_from([(), ("die", "do and die")]))]
        triggers = [Trigger(self.trigger(number), retries=count) for number, count in enumerate(retries)]
        self.listener = Hears(triggers, wants=lambda news: news.identifier["number"] % 2 == 0)
        self.start()
        self.state.register("l", "flight", {})

    def trigger(self, number):
        def run(news):
            one = (number, news.sequence)
            self.ran.append(one)
            if self.kills == self.kills_before.get(one):
                self.needless.append(one)
            match self.data.draw(st.sampled_from(self.outcomes)):
                case "succeed":
                    self.succeeded.append(one)
                    self.kills_before[one] = self.kills
                case "fail":
                    raise ValueError("no runway")
                case "die":
                    raise Killed
                case "do and die":
                    self.succeeded.append(one)
                    raise Killed

        return run

    def start(self):
        self.state = DeliveryState(self.folder / "deliveries.sqlite")
        self.carrier = Carrier(
            self.listener, LogSource(self.log, "flight"), self.state, clock=self.clock, chance=lambda: 0.5
        )

    def deliver(self):
        try:
            return self.carrier.deliver()
        except Killed:
            self.kills += 1
            self.state.close()
            self.start()
            return None


@pytest.mark.slow
@given(st.data(), st.lists(st.integers(0, 2), min_size=1, max_size=2))
def test_everything_is_delivered_in_order_or_among_the_dead_letters(tmp_path_factory, data, retries):
    world = World(tmp_path_factory.mktemp("state"), data, retries)
    for _ in range(data.draw(st.integers(1, 6))):
        for number in range(data.draw(st.integers(0, 4))):
            world.log.append([Draft("flight", {"number": number})])
        done = world.deliver()
        if done and done.due:
            world.clock.time = done.due
    for _ in range(200):
        done = world.deliver()
        if done and not done.due:
            break
        if done:
            world.clock.time = max(world.clock.time, done.due)
    wanted = [one.sequence for one in world.log.written if one.identifier["number"] % 2 == 0]
    for trigger in range(len(retries)):
        dead = {letter.place for letter in world.state.letters() if letter.trigger == trigger}
        done = [sequence for number, sequence in world.succeeded if number == trigger]
        assert sorted({*done, *dead}) == wanted
        assert done == sorted(done)
        ran = [sequence for number, sequence in world.ran if number == trigger]
        assert ran == sorted(ran)
    assert world.needless == []
    repeats = sum(count - 1 for count in Counter(world.succeeded).values())
    assert repeats <= world.kills * len(retries)
    assert {letter.attempts for letter in world.state.letters()} <= {n + 1 for n in retries}
    assert world.state.cursors("l", "flight") == {"flight": world.log.head} or not world.log.head
    world.state.close()


def test_numbers_that_are_gone_at_the_end_are_not_waited_for(tmp_path):
    log, heard = MemoryLog(), []
    log.append([Draft("flight", {}) for _ in range(3)])
    log.delete("flight", 3)
    listener = Hears([Trigger(heard.append)])
    with DeliveryState(tmp_path / "d.sqlite") as state:
        state.register("l", "flight", {})
        assert Carrier(listener, LogSource(log, "flight"), state).deliver().events == 2
        assert state.cursors("l", "flight") == {"flight": 3}
        log.append([Draft("flight", {})])
        assert Carrier(listener, LogSource(log, "flight"), state).deliver().events == 1
    assert [one.sequence for one in heard] == [1, 2, 4]


def test_a_trigger_that_is_not_required_leaves_no_letter_and_one_that_fails_for_good_fails_fast(tmp_path):
    log = MemoryLog()
    log.append([Draft("flight", {})])

    def fail(news):
        error = ValueError("no such runway")
        error.is_lasting = True
        raise error

    listener = Hears([Trigger(fail, retries=0, required=False), Trigger(fail, fail_fast=True), Trigger(fail)])
    with DeliveryState(tmp_path / "d.sqlite") as state, dask.config.set({"dtedask.notify.retries": 2}):
        state.register("l", "flight", {})
        clock = Clock()
        carrier = Carrier(listener, LogSource(log, "flight"), state, clock=clock)
        first = carrier.deliver()
        assert (first.triggers, len(first.postponed), first.failures[0].args[0]) == (
            3,
            1,
            "Trigger 'function' of listener 'l' failed for flight@1: ValueError: no such runway",
        )
        while (done := carrier.deliver()).due:
            clock.time = max(clock.time + timedelta(microseconds=1), done.due)
        assert [(letter.trigger, letter.attempts) for letter in state.letters()] == [(1, 1), (2, 3)]
