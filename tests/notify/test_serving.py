"""Listeners of any event type, from one moment to another."""

from __future__ import annotations

import queue
import threading
from datetime import UTC, datetime, timedelta

import dask.config
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import DocumentError, InvalidValueError
from dtedask.notify import listen, load_listeners, open_log
from dtedask.notify.delivery import CommitSource
from dtedask.notify.delivery.bounded import BoundedSource
from dtedask.notify.delivery.moments import parse_moment
from dtedask.notify.event_types import load_event_types
from dtedask.notify.log import close_logs
from dtedask.notify.streams import open_streams

TYPES = """
flight:
  identifier:
    country: {type: string, required: true}
    number: {type: integer}
  payload: {required: false}
train:
  identifier: {line: {type: string}}
"""
NOWHERE = {"cubes": lambda _: [], "history": lambda *_: []}


@pytest.fixture(autouse=True)
def _short_waits():
    with dask.config.set({"dtedask.notify.poll-interval": "2 ms"}):
        yield


def documents(function, **listener):
    triggers = [{"type": "function", "function": function}]
    return {"listeners": [{"name": "l", "triggers": triggers, **listener}]}


def send(root, *flights):
    types = load_event_types(TYPES)
    with open_streams(str(root), types) as streams:
        return streams.append([types["flight"].draft({"country": c, "number": n}) for c, n in flights])


@pytest.mark.parametrize(
    "asked",
    [
        {"identifiers": {"country": "italy", "number": {"gte": 2}}},
        {"identifiers": {"country": ["italy", "peru"], "number": {"between": [2, 5]}}},
        {"request": {"country": "italy", "number": [2, 3]}},
        {"request": "country=italy,number=2/3"},
    ],
)
def test_a_listener_hears_of_what_is_sent_and_meets_its_conditions(root, asked):
    send(root, ("italy", 1), ("italy", 2), ("chile", 3), ("italy", 3))
    heard = []
    document = documents(heard.append, event="flight", **asked)
    listen(document, root, mode="catchup", once=True, types=TYPES, **NOWHERE)
    assert [one.id for one in heard] == ["flight@2", "flight@4"]
    send(root, ("italy", 2))
    listen(document, root, once=True, types=TYPES, **NOWHERE)
    assert [one.id for one in heard] == ["flight@2", "flight@4", "flight@5"]


def test_commits_and_what_is_sent_are_heard_of_while_they_come(root, make_commit):
    heard, stop = queue.Queue(), threading.Event()
    document = {
        "listeners": [
            {
                "name": name,
                "event": event,
                "triggers": [{"type": "function", "function": lambda one: heard.put(one.id)}],
            }
            for name, event in (("flights", "flight"), ("commits", "data"))
        ]
    }
    options = {"mode": "catchup", "stop": stop, "types": TYPES, **NOWHERE}
    thread = threading.Thread(target=listen, args=(document, root), kwargs=options)
    thread.start()
    open_log(root).append([make_commit(root, 1, params=("130",))])
    assert heard.get(timeout=30) == "od/oper/0001@1.0"
    send(root, ("italy", 1))
    assert heard.get(timeout=30) == "flight@1"
    stop.set()
    thread.join(30)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("listener", "line", "expected"),
    [
        ("event: flght", 4, "listeners[0].event: There is no event type 'flght'. Did you mean 'flight'?"),
        ("event: flight\n  identifiers:\n    country: italy\n    numbr: 3", 7, "listeners[0].identifiers: "),
        ("event: flight\n  identifiers: {number: {gte: x}}", 5, "listeners[0].identifiers: "),
        ("event: flight\n  from_id: monday", 5, "listeners[0].from_id: 'monday' is no number, id, commit or time."),
        ("event: flight\n  from_id: 2024-06-03", 5, "listeners[0].from_id: 2024-06-03 is no number."),
        ("event: flight\n  from_date: '3'", 5, "listeners[0].from_date: 3 is no time."),
    ],
)
def test_what_only_the_event_type_knows_to_be_wrong_names_file_and_line(root, tmp_path, listener, line, expected):
    file = tmp_path / "l.yaml"
    file.write_text(f"listeners:\n- name: l\n  triggers: [{{type: echo}}]\n  {listener}\n")
    with pytest.raises(DocumentError) as caught:
        listen(file, root, once=True, types=TYPES, **NOWHERE)
    assert str(caught.value).startswith(f"{file}:{line}: {expected}")


def test_a_listener_that_never_ran_begins_where_it_says_and_goes_on_there(root):
    send(root, *[("italy", number) for number in range(1, 5)])
    heard = []
    document = documents(heard.append, event="flight", from_id=3)
    listen(document, root, once=True, types=TYPES, **NOWHERE)
    assert [one.sequence for one in heard] == [3, 4]
    listen(document, root, once=True, types=TYPES, **NOWHERE)
    assert len(heard) == 2
    listen(document, root, begin="flight@2", end=3, types=TYPES, **NOWHERE)
    assert [one.sequence for one in heard] == [3, 4, 2, 3]
    listen(document, root, once=True, types=TYPES, **NOWHERE)
    assert [one.sequence for one in heard] == [3, 4, 2, 3, 4]


def test_listening_up_to_what_is_still_to_come_ends_when_it_was_delivered(root, make_commit):
    heard = []
    commits = [make_commit(root, number, params=("130",)) for number in (1, 2, 3)]
    open_log(root).append(commits[:1])

    def hear(event):
        heard.append(event.sequence)
        open_log(root).append(commits[event.sequence : event.sequence + 1])

    listen(documents(hear), root, mode="catchup", end="od/oper/0001@2", **NOWHERE)
    assert heard == [1, 2]


CUBES = ("a/b/c", "d/e/f")
BEGIN = datetime(2024, 6, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def many(tmp_path_factory, make_commit):
    """A log of commits to two cubes, and their events in the order in which they were logged."""
    root = tmp_path_factory.mktemp("many")
    log = open_log(root)
    counts = dict.fromkeys(CUBES, 0)
    for number in (0, 1, 0, 0, 1, 0, 1, 1):
        cube = CUBES[number]
        counts[cube] += 1
        log.append([make_commit(root, counts[cube], cube=cube)])
    yield root, list(log.events())
    close_logs()


def moments(events):
    ids = [event.id for event in events] + [f"{event.cube}@{event.sequence}" for event in events]
    numbers = [*range(len(events) + 2), *(f"data@{n}" for n in range(1, len(events) + 1))]
    times = [BEGIN + timedelta(minutes=n / 2) for n in range(12)]
    return st.sampled_from([*ids, *numbers, *times])


def is_before(event, moment, events):
    """Oracle: whether an event comes before a moment."""
    if isinstance(moment, datetime):
        return event.time < moment
    if isinstance(moment, str) and not moment.startswith("data@"):
        same = [n for n, one in enumerate(events) if moment in (one.id, f"{one.cube}@{one.sequence}")]
        return events.index(event) < same[0]
    return events.index(event) + 1 < int(str(moment).removeprefix("data@"))


def is_through(event, moment, events):
    """Oracle: whether an event comes before a moment or at it."""
    if isinstance(moment, datetime):
        return event.time <= moment
    if isinstance(moment, str) and not moment.startswith("data@"):
        same = [n for n, one in enumerate(events) if moment in (one.id, f"{one.cube}@{one.sequence}")]
        return events.index(event) <= same[-1]
    return events.index(event) + 1 <= int(str(moment).removeprefix("data@"))


@given(st.data())
def test_what_lies_between_two_moments_is_delivered_and_nothing_else(many, data):
    root, events = many
    begin, end = data.draw(moments(events)), data.draw(moments(events))
    with open_streams(str(root), load_event_types(TYPES)) as streams:
        source = CommitSource(open_log(root), numbers=lambda: streams)
        bounded = BoundedSource(source, parse_moment(end))
        after = source.before(parse_moment(begin))
        found = [item.news for item in bounded.items(after)]
        wanted = [e for e in events if not is_before(e, begin, events) and is_through(e, end, events)]
        assert found == wanted
        assert bounded.is_over(bounded.heads()) is (end != len(events) + 1)


@pytest.mark.parametrize("moment", ["flight@3", "x/y/z@1", "a.b.c@3"])
def test_a_moment_of_something_else_is_refused(many, moment):
    root, _ = many
    with pytest.raises(InvalidValueError, match="is no place in event type 'data'"):
        listen(documents(print), root, begin=moment, once=True, **NOWHERE)


@pytest.mark.parametrize("text", ["", "monday", "a@b", "3.5", "2024-13-01"])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(InvalidValueError, match="is no number, id, commit or time"):
        parse_moment(text)


def test_a_listener_of_pyaviso_2_is_read_as_it_is():
    (listener,) = load_listeners(
        """
listeners:
  - name: selected-weather
    event: weather
    from_date: "2026-09-13T00:00:00Z"
    identifiers:
      date: "20260913"
      severity:
        gte: 5
      region:
        in: [north, south]
    triggers:
      - type: echo
      - type: log
        path: /var/log/weather.log
        required: false
      - type: command
        command: "./on-event.sh {{ notification.event_type }} {{ notification.sequence }}"
        env:
          DATA_DIR: /var/lib/data
        working_dir: /var/lib
        timeout: 30s
        retries: 2
      - type: webhook
        url: "https://hooks.example/notify"
        headers: {Authorization: "Bearer {{ env.WEBHOOK_TOKEN }}"}
        fail_fast: false
"""
    ).listeners
    assert listener.identifiers == {"date": "20260913", "severity": {"gte": 5}, "region": {"in": ["north", "south"]}}
    assert [trigger.type for trigger in listener.triggers] == ["echo", "log", "command", "webhook"]
    assert "selected-weather" in listener._repr_html_()
