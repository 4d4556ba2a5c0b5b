"""Completeness of real cubes: told once, whoever looks and whenever he is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import xarray as xr

import dtedask
from dtedask.core.errors import DocumentError, NoticeError
from dtedask.notify.completeness import Expectations, load_expectations
from dtedask.notify.completeness.drafts import COMPLETENESS_TYPES, identity_of
from dtedask.notify.log import close_logs
from dtedask.notify.streams import SqliteEventLog

KEYS = {"class": "rd", "stream": "oper", "expver": "test", "type": "fc", "levtype": "pl", "levelist": "500"}
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
DOCUMENT = {
    "expect": [
        {
            "name": "run",
            "request": {"class": "rd", "stream": "oper", "time": "0", "step": "0/6", "param": ["t", "u"]},
            "deadline": "6h",
        }
    ]
}


def archive(store, *steps, date="20240101", params=("t", "u"), **keys):
    for step in steps:
        for param in params:
            array = xr.DataArray(
                np.full((3, 4), float(step), "float32"),
                dims=("latitude", "longitude"),
                coords={"latitude": [10.0, 0.0, -10.0], "longitude": [0.0, 10.0, 20.0, 30.0]},
            )
            named = {**KEYS, "date": date, "time": "0000", "step": str(step), "param": param}
            store.archive(array, {**named, **keys})
    return store.flush()


@pytest.fixture
def store(tmp_path):
    yield dtedask.open(tmp_path / "root")
    close_logs()


@pytest.fixture
def streams(tmp_path):
    with SqliteEventLog(tmp_path / "events.sqlite") as log:
        yield log


def told(streams):
    """What was told, type by type: event type, date, step and count."""
    return [
        (name, one.identifier["date"], one.identifier.get("step"), one.payload["count"])
        for name in COMPLETENESS_TYPES
        for one in streams.page(name, 0)
    ]


def test_a_step_and_the_run_are_told_when_their_last_field_is_committed(store, streams):
    expectations = Expectations.open(streams, store.root, DOCUMENT)
    archive(store, 0)
    archive(store, 6, params=("t",))
    expectations.on_news()
    assert told(streams) == [("step-complete", "20240101", "0", 1)]
    archive(store, 6, params=("u",))
    expectations.on_news()
    assert told(streams) == [
        ("step-complete", "20240101", "0", 1),
        ("step-complete", "20240101", "6", 1),
        ("run-complete", "20240101", None, 1),
    ]
    (whole,) = streams.page("run-complete", 0)
    assert whole.identifier == {
        "expectation": "run", "class": "rd", "stream": "oper", "date": "20240101", "time": "0000",
    }  # fmt: skip
    (request,) = whole.payload["requests"]
    data = dtedask.open(whole.payload["root"], at=whole.payload["snapshot"]).retrieve(request)
    assert data.sizes["step"] == 2
    assert set(data.data_vars) == {"t", "u"}


def test_what_is_complete_when_an_expectation_is_new_is_known_and_not_told(store, streams):
    archive(store, 0)
    archive(store, 6, params=("t",))
    expectations = Expectations.open(streams, store.root, DOCUMENT)
    assert told(streams) == []
    archive(store, 0)  # again
    archive(store, 6, params=("u",))
    expectations.on_news()
    assert told(streams) == [("step-complete", "20240101", "6", 1), ("run-complete", "20240101", None, 1)]


@pytest.mark.slow
def test_what_was_committed_while_nobody_looked_is_told_at_the_next_start(store, streams):
    Expectations.open(streams, store.root, DOCUMENT).close()
    archive(store, 0, 6)
    Expectations.open(streams, store.root, DOCUMENT).close()
    Expectations.open(streams, store.root, DOCUMENT).close()
    assert [one[0] for one in told(streams)] == ["step-complete", "step-complete", "run-complete"]


@pytest.mark.slow
def test_wiped_fields_make_a_step_incomplete_and_it_is_told_again_when_they_came_again(store, streams):
    expectations = Expectations.open(streams, store.root, DOCUMENT)
    archive(store, 0, 6)
    expectations.on_news()
    store.wipe("class=rd,expver=test,stream=oper,param=t,step=6", doit=True)
    expectations.on_news()
    assert len(told(streams)) == 3
    archive(store, 6)
    expectations.on_news()
    assert told(streams)[-3:] == [
        ("step-complete", "20240101", "6", 2),
        ("run-complete", "20240101", None, 1),
        ("run-complete", "20240101", None, 2),
    ]


def test_a_run_is_late_once_and_its_news_says_what_is_missing(store, streams):
    expectations = Expectations.open(streams, store.root, DOCUMENT, now=BEGIN)
    archive(store, 0)
    archive(store, 6, params=("t",))
    expectations.on_news(now=BEGIN + timedelta(hours=5))
    assert expectations.tick(BEGIN + timedelta(hours=5)) == BEGIN + timedelta(hours=6)
    assert expectations.tick(BEGIN + timedelta(hours=6)) == BEGIN + timedelta(hours=30)
    expectations.tick(BEGIN + timedelta(hours=7))
    (late,) = streams.page("late", 0)
    assert late.payload["missing"] == ["class=rd,stream=oper,param=u,date=20240101,time=0000,step=6"]
    assert (late.payload["missing_fields"], late.payload["fields"]) == (1, 4)
    archive(store, 6, params=("u",))
    expectations.on_news(now=BEGIN + timedelta(hours=8))
    (after,) = streams.page("complete-after-late", 0)
    assert "step" not in after.identifier
    assert [one.payload["late"] for one in streams.page("run-complete", 0)] == [True]


@pytest.mark.slow
def test_a_run_that_never_came_is_late_as_a_whole(store, streams):
    expectations = Expectations.open(streams, store.root, DOCUMENT, now=BEGIN)
    expectations.tick(BEGIN + timedelta(hours=31))
    assert [one.payload["missing"] for one in streams.page("late", 0)] == [
        [f"class=rd,stream=oper,param=t/u,date={date},time=0000,step=0/6"] for date in ("20240101", "20240102")
    ]


@pytest.mark.slow
def test_two_that_look_at_the_same_root_tell_everything_once(store, streams):
    first = Expectations.open(streams, store.root, DOCUMENT)
    second = Expectations.open(streams, store.root, DOCUMENT)
    for number in range(4):
        archive(store, 0, 6, date=f"2024010{number + 1}")
        (first if number % 2 else second).on_news()
    first.on_news()
    second.on_news()
    assert Counter(one[0] for one in told(streams)) == {"step-complete": 8, "run-complete": 4}
    assert len(set(told(streams))) == 12


@pytest.mark.slow
def test_a_run_over_two_cubes_is_complete_when_both_have_it(store, streams):
    wave = {"class": "rd", "stream": "wave", "time": "0", "step": "0", "param": "140229"}
    document = {"expect": [{"name": "both", "request": [DOCUMENT["expect"][0]["request"], wave]}]}
    expectations = Expectations.open(streams, store.root, document)
    archive(store, 0, 6)
    expectations.on_news()
    assert [one[2] for one in told(streams)] == ["6"]
    archive(store, 0, stream="wave", params=("140229",), levtype="sfc")
    expectations.on_news()
    assert told(streams)[1:] == [("step-complete", "20240101", "0", 1), ("run-complete", "20240101", None, 1)]


def test_what_could_not_be_saved_after_it_was_written_is_not_written_again(store, streams, monkeypatch):
    expectations = Expectations.open(streams, store.root, DOCUMENT)
    archive(store, 0, 6)
    save = expectations._state.save

    def fail(**_):
        raise NoticeError("The disk is full.")

    monkeypatch.setattr(expectations._state, "save", fail)
    with pytest.raises(NoticeError, match="disk is full"):
        expectations.on_news()
    monkeypatch.setattr(expectations._state, "save", save)
    expectations.on_news()
    Expectations.open(streams, store.root, DOCUMENT).on_news()
    assert sorted(one[0] for one in told(streams)) == ["run-complete", "step-complete", "step-complete"]


LOOK = """
import json, sys, threading
from dtedask.notify.completeness import Expectations
from dtedask.notify.streams import SqliteEventLog

root, events, document = sys.argv[1:]
expectations = Expectations.open(SqliteEventLog(events), root, json.loads(document))
print("looking", flush=True)
while True:
    expectations.on_news()
"""


@pytest.mark.slow
def test_whoever_is_killed_at_any_moment_leaves_nothing_out_and_says_nothing_twice(store, streams, tmp_path):

    Expectations.open(streams, store.root, DOCUMENT).close()
    command = [sys.executable, "-c", LOOK, store.root, str(streams.path), json.dumps(DOCUMENT)]
    dates = [f"202401{day:02}" for day in range(1, 6)]
    for number, date in enumerate(dates):
        archive(store, 0, 6, date=date)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            if number % 3:
                process.stdout.readline()
            archive(store, 6, date=date, params=("t",), levelist="850")
            process.send_signal(signal.SIGKILL)
    Expectations.open(streams, store.root, DOCUMENT).close()
    found = [identity_of(one) for name in COMPLETENESS_TYPES for one in streams.page(name, 0)]
    assert len(found) == len(set(found)) == 3 * len(dates)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"deadlin": "6h"}, "deadline"),
        ({"request": {"class": "rd", "step": 0}}, "names no time"),
        ({"request": {"time": 0, "date": -1}}, "relative to the day"),
        ({"request": {"time": 0, "step": "all"}}, "step=all"),
        ({"request": {"time": 0, "stepp": 0}}, "stepp"),
        ({"step_deadline": {"3": "1h"}}, "nothing of step 6"),
        ({"deadline": "soon"}, "no duration"),
    ],
)
def test_a_wrong_document_is_told_with_its_place(changed, match):
    with pytest.raises(DocumentError, match=match):
        load_expectations({"expect": [{**DOCUMENT["expect"][0], **changed}]})
