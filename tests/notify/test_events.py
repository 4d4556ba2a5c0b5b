"""Events say what can be read now."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import NotFoundError
from dtedask.notify.event import Event, events_of, format_time, parse_time
from dtedask.notify.notification import Notification


def test_a_commit_becomes_one_event_for_each_change_in_order(make_commit):
    commit = make_commit("/data", 3, params=("130", "131", "132"))
    events = events_of(commit)
    assert [event.id for event in events] == [f"od/oper/0001@3.{index}" for index in range(3)]
    assert [(event.variable, event.request) for event in events] == [(c.variable, c.request) for c in commit.changes]
    assert {event.url for event in events} == {"/data/od/oper/0001"}


def test_the_json_of_an_event_holds_all_that_is_needed_to_read_it(make_commit):
    event = events_of(make_commit("/data", 3))[1]
    assert json.loads(event.as_json()) == {
        "id": "od/oper/0001@3.1",
        "event": "data",
        "cube": "od/oper/0001",
        "sequence": 3,
        "index": 1,
        "group": "fc/pl/O96",
        "variable": "v131",
        "request": {
            "class": "od", "date": "20240603", "time": "0000", "step": "3", "levelist": "500/850", "param": "131",
        },
        "fields": 2,
        "bytes": None,
        "checksum": "",
        "area": None,
        "snapshot": "od/oper/0001-S3",
        "root": "/data",
        "url": "/data/od/oper/0001",
        "time": "2024-06-03T00:03:00.000000Z",
    }  # fmt: skip


def test_the_line_of_an_event_names_time_id_variable_and_request(make_commit):
    assert str(events_of(make_commit("/data", 3))[0]) == (
        "2024-06-03T00:03:00.000000Z od/oper/0001@3.0 v130: 2 fields, "
        "class=od,date=20240603,time=0000,step=3,levelist=500/850,param=130"
    )


def test_an_event_comes_back_from_its_json_and_from_a_notification(make_commit):
    commit = make_commit("/data", 3)
    change = dataclasses.replace(
        commit.changes[0], size_bytes=12, checksum="0123456789abcdef", area=(60.0, -10.0, 30.0, 40.0)
    )
    (event,) = events_of(dataclasses.replace(commit, changes=(change,)))
    document = json.loads(event.as_json())
    assert Event.from_dict(document) == event
    identifier = {**document.pop("request"), "polygon": [[60.0, -10.0]]}
    assert Event.from_notification(Notification("data", 1, identifier, document, event.time)) == event


def test_an_event_of_a_file_says_that_it_cannot_be_opened(make_commit):
    event, _ = events_of(make_commit("/data", 3))
    with pytest.raises(NotFoundError, match=r"tells of '/out/0.grib2', and of no cube"):
        dataclasses.replace(event, group="/out/0.grib2").open()


@pytest.mark.parametrize(
    "payload", [None, "text", {}, {"event": "data"}, {"event": "data", "cube": "x", "sequence": "y"}]
)
def test_a_notification_about_something_else_is_no_event(payload):
    assert Event.from_notification(Notification("flight", 1, {"country": "italy"}, payload, datetime.now(UTC))) is None


@pytest.mark.slow
@given(st.datetimes(timezones=st.integers(-12, 12).map(lambda hours: timezone(timedelta(hours=hours)))))
def test_times_survive_being_written_and_order_as_texts(time):
    try:
        time.astimezone(UTC)
    except OverflowError:
        pytest.skip("outside the calendar")
    assert parse_time(format_time(time)) == time


def test_a_time_without_zone_is_utc():
    assert format_time(datetime(2024, 6, 3)) == "2024-06-03T00:00:00.000000Z"  # noqa: DTZ001
