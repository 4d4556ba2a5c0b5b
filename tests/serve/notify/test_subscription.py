"""What a stream does next: every event that was asked for once and in order, whatever comes between."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.notify.notification import Notification
from dtedask.serve.notify.ring import Ring, render
from dtedask.serve.notify.subscription import (
    End,
    Failed,
    Opened,
    Page,
    Read,
    Stopping,
    Subscription,
    Wait,
    Woken,
    Write,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def item(number, *, parity=None):
    parity = number % 2 if parity is None else parity
    return render([Notification("free", number, {"parity": parity}, None, NOW)], "http://here")[0]


def events(data):
    for block in data.decode().split("\n\n")[:-1]:
        name, text = block.split("\n")
        yield name.removeprefix("event: "), json.loads(text.removeprefix("data: "))


def written(instructions):
    return [event for one in instructions if isinstance(one, Write) for event in events(one.data)]


def subscription(mode="live", after=0, **options):
    return Subscription("free", "r1", after, lambda _item: True, mode, **options)


@dataclass
class World:
    """A log, the ring before it, and one stream; the reading is the one of the hub, step by step."""

    subscription: Subscription
    size: int
    head: int = 0
    log: dict = field(default_factory=dict)
    told: list = field(default_factory=list)
    names: list = field(default_factory=list)
    next: object = None
    is_ended: bool = False
    now: float = 0.0

    def __post_init__(self):
        self.ring = Ring(self.head, self.size)
        self.handle(Opened(self.now))

    def handle(self, event):
        if self.is_ended:
            return
        for one in self.subscription.handle(event):
            if isinstance(one, Write):
                for name, data in events(one.data):
                    self.names.append(name)
                    if "specversion" in data:
                        self.told.append(int(data["id"].partition("@")[2]))
            self.is_ended |= isinstance(one, End)
            self.next = one

    def append(self, parity):
        self.head += 1
        self.log[self.head] = item(self.head, parity=parity)

    def refresh(self):
        """The hub has looked into the log."""
        fresh = [self.log[number] for number in sorted(self.log) if number > self.ring.top]
        if fresh:
            self.ring.extend(fresh, fresh[-1].sequence)

    def delete(self, number):
        self.ring.remove(number)
        return self.log.pop(number, None) is not None

    def step(self, page):
        """Do what the stream waits for."""
        if isinstance(self.next, Read):
            self.handle(Page(self.now, *self.read(self.next, page)))
        elif isinstance(self.next, Wait):
            self.handle(Woken(self.now))

    def read(self, wanted, page):
        if self.ring.has(wanted.after):
            return self.ring.read(wanted.after, page, wanted.until)
        top = self.ring.top
        last = self.head if wanted.until is None else wanted.until
        numbers = [one for one in sorted(self.log) if wanted.after < one <= last][:page]
        items = [self.log[one] for one in numbers]
        if len(items) >= page:
            return items, numbers[-1], False
        upto = max(wanted.after, top, *numbers) if numbers else max(wanted.after, top)
        return items, upto if wanted.until is None else min(upto, wanted.until), True


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 1)),
        st.tuples(st.just("delete"), st.integers(1, 30)),
        st.tuples(st.just("refresh"), st.none()),
        st.tuples(st.just("step"), st.integers(1, 4)),
        st.tuples(st.just("tick"), st.integers(0, 40)),
    ),
    max_size=60,
)


@given(
    operations=OPERATIONS,
    before=st.lists(st.integers(0, 1), max_size=12),
    mode=st.sampled_from(["live", "watch", "replay"]),
    start=st.integers(0, 14),
    size=st.integers(1, 4),
    parity=st.sampled_from([None, 0, 1]),
)
def test_each_wanted_event_comes_once_and_in_order_however_things_interleave(
    operations, before, mode, start, size, parity
):
    log = {number: item(number, parity=value) for number, value in enumerate(before, 1)}
    head = len(before)
    after = head if mode == "live" else start
    until = head if mode == "replay" else None
    world = World(
        Subscription(
            "free",
            "r1",
            after,
            lambda one: parity is None or one.notification.identifier["parity"] == parity,
            mode,
            until=until,
        ),
        size,
        head=head,
        log=log,
    )
    gone = set()
    for name, value in operations:
        if name == "append":
            world.append(value)
        elif name == "delete":
            wanted = world.log.get(value)
            if world.delete(value) and value not in world.told:
                gone.add(wanted.sequence)
        elif name == "refresh":
            world.refresh()
        elif name == "step":
            world.step(value)
        else:
            world.now += value
    for _ in range(200):  # let it come to rest
        world.refresh()
        world.step(3)
    there = [one for one in sorted(world.log) if one > after and (until is None or one <= until)]
    wanted = [one for one in there if parity is None or world.log[one].notification.identifier["parity"] == parity]
    assert world.told == sorted(set(world.told))
    assert [one for one in world.told if one in world.log] == wanted
    assert not gone & set(world.told)
    assert world.is_ended == (mode == "replay")


def test_a_live_stream_says_first_that_it_is_established():
    stream = subscription(ends_at=3600.0)
    instructions = stream.handle(Opened(0.0))
    assert [name for name, _ in written(instructions)] == ["live-notification"]
    assert written(instructions)[0][1]["type"] == "connection_established"
    assert written(instructions)[0][1]["connection_will_close_in_seconds"] == 3600
    assert instructions[-1] == Read(0, None)


def test_a_replay_says_when_it_begins_when_it_is_complete_and_that_it_ends():
    stream = subscription("replay", after=4, until=6)
    begun = stream.handle(Opened(0.0))
    assert written(begun)[0][0] == "replay-control"
    assert written(begun)[0][1]["type"] == "replay_started"
    assert written(begun)[0][1]["from_sequence"] == 5
    assert begun[-1] == Read(4, 6)
    ended = stream.handle(Page(1.0, [item(5), item(6)], 6, is_end=True))
    assert [name for name, _ in written(ended)] == ["replay", "replay", "replay-control", "connection-closing"]
    assert written(ended)[2][1]["type"] == "replay_completed"
    assert written(ended)[3][1]["reason"] == "end_of_stream"
    assert ended[-1] == End()


def test_history_becomes_live_at_the_place_where_it_ends():
    stream = subscription("watch", after=0)
    stream.handle(Opened(0.0))
    first = stream.handle(Page(1.0, [item(1)], 1, is_end=False))
    assert first[-1] == Read(1, None)
    complete = stream.handle(Page(1.0, [item(2)], 2, is_end=True))
    assert [name for name, _ in written(complete)] == ["replay", "replay-control"]
    assert isinstance(complete[-1], Wait)
    stream.handle(Woken(2.0))
    live = stream.handle(Page(2.0, [item(3)], 3, is_end=True))
    assert [(name, data["id"]) for name, data in written(live)] == [("live-notification", "free@3")]


def test_a_quiet_stream_beats_and_a_busy_one_does_not():
    stream = subscription(heartbeat_s=30.0)
    stream.handle(Opened(0.0))
    assert stream.handle(Page(0.0, [], 0, is_end=True)) == [Wait(30.0)]
    beat = stream.handle(Woken(30.0))
    assert [name for name, _ in written(beat)] == ["heartbeat"]
    stream.handle(Page(30.0, [], 0, is_end=True))
    stream.handle(Woken(50.0))
    assert stream.handle(Page(50.0, [item(1)], 1, is_end=True))[-1] == Wait(80.0)


def test_a_replay_in_which_nothing_is_wanted_beats_too():
    stream = Subscription("free", "r1", 0, lambda _item: False, "replay", until=10**6, heartbeat_s=1.0)
    stream.handle(Opened(0.0))
    beat = stream.handle(Page(1.5, [item(1)], 1, is_end=False))
    assert [name for name, _ in written(beat)] == ["heartbeat"]
    assert beat[-1] == Read(1, 10**6)


@pytest.mark.parametrize("mode", ["live", "watch"])
def test_a_watch_ends_when_it_was_open_for_as_long_as_it_may_be(mode):
    stream = subscription(mode, ends_at=10.0)
    stream.handle(Opened(0.0))
    stream.handle(Page(1.0, [], 0, is_end=True))
    ended = stream.handle(Woken(10.0))
    assert [(name, data["reason"]) for name, data in written(ended)] == [("connection-closing", "max_duration_reached")]
    assert ended[-1] == End()


def test_a_stream_is_told_that_the_server_ends_in_whatever_state_it_is():
    for mode in ("live", "watch", "replay"):
        stream = subscription(mode)
        stream.handle(Opened(0.0))
        ended = stream.handle(Stopping(1.0))
        assert written(ended)[-1][1]["reason"] == "server_shutdown"
        assert ended[-1] == End()
        assert stream.handle(Woken(2.0)) == [End()]


def test_more_history_than_is_replayed_at_once_is_said_and_not_left_out_in_silence():
    stream = subscription("watch", after=0, limit=2)
    stream.handle(Opened(0.0))
    ended = stream.handle(Page(1.0, [item(1), item(2), item(3)], 3, is_end=True))
    names = [(name, data.get("type", data.get("reason"))) for name, data in written(ended)]
    assert names[2:] == [
        ("replay-control", "notification_replay_limit_reached"),
        ("connection-closing", "end_of_stream"),
    ]
    assert written(ended)[2][1]["max_allowed"] == 2
    assert ended[-1] == End()


def test_exactly_as_much_history_as_is_allowed_is_no_reason_to_complain():
    stream = subscription("replay", after=0, until=2, limit=2)
    stream.handle(Opened(0.0))
    ended = stream.handle(Page(1.0, [item(1), item(2)], 2, is_end=True))
    assert [name for name, _ in written(ended)][-2:] == ["replay-control", "connection-closing"]
    assert written(ended)[-2][1]["type"] == "replay_completed"


def test_a_log_that_cannot_be_read_ends_the_stream_with_an_error():
    stream = subscription()
    stream.handle(Opened(0.0))
    ended = stream.handle(Failed(1.0, "The disk is gone."))
    assert written(ended)[0][0] == "error"
    assert written(ended)[0][1]["message"] == "The disk is gone."
    assert written(ended)[0][1]["request_id"] == "r1"
    assert ended[-1] == End()
