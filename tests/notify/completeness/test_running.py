"""Completeness is told while other things run: after each commit, beside listeners, and to whoever asks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from queue import Queue
from threading import Event, Thread

import dask.config
import numpy as np
import pytest
import xarray as xr
import yaml

import dtedask
from dtedask.cli import main
from dtedask.core.errors import DocumentError
from dtedask.notify import listen, load_listeners
from dtedask.notify.completeness import Expectations, configured_document, load_expectations, telling
from dtedask.notify.completeness.running import _opened
from dtedask.notify.completeness.status import status_of
from dtedask.notify.log import close_logs
from dtedask.notify.streams import SqliteEventLog
from dtedask.notify.streams.opening import events_path

DEADLINE_S = 60.0
REQUEST = {"class": "rd", "stream": "oper", "time": "0", "step": "0/6", "param": ["t", "u"]}
DOCUMENT = {"expect": [{"name": "run", "request": REQUEST, "deadline": "6h"}]}


def archive(store, *steps, params=("t", "u"), date="20240101"):
    for step in steps:
        for param in params:
            array = xr.DataArray(
                np.full((2, 3), float(step), "float32"),
                dims=("latitude", "longitude"),
                coords={"latitude": [10.0, 0.0], "longitude": [0.0, 10.0, 20.0]},
            )
            keys = {"class": "rd", "stream": "oper", "expver": "test", "type": "fc", "levtype": "pl", "levelist": "500"}
            store.archive(array, {**keys, "date": date, "time": "0000", "step": str(step), "param": param})
    store.flush()


@pytest.fixture
def store(tmp_path):
    yield dtedask.open(tmp_path / "root")
    close_logs()
    _opened.cache_clear()


@pytest.fixture
def file(tmp_path):
    """The expectations as a file that the settings name."""
    path = tmp_path / "expect.yaml"
    path.write_text(yaml.safe_dump(DOCUMENT))
    with dask.config.set({"dtedask.notify.expect": [str(path)]}):
        yield path


def kinds(root):
    with SqliteEventLog(events_path(root)) as log:
        return {name: head for name, head in sorted(log.heads().items()) if head}


def test_a_process_that_commits_tells_of_completeness_at_once(store, file):
    archive(store, 0, date="20231231")
    archive(store, 0, 6)
    assert store.hook_failures == []
    assert kinds(store.root) == {"run-complete": 1, "step-complete": 2}


def test_a_wrong_document_is_a_failure_of_the_hook_and_harms_no_commit(store, file):
    file.write_text("expect: [{name: run}]")
    archive(store, 0)
    (failure,) = store.hook_failures
    assert "request" in str(failure)
    assert len(store.history()) == 1


def test_two_files_with_the_same_name_are_refused(file):
    with (
        dask.config.set({"dtedask.notify.expect": [str(file), str(file)]}),
        pytest.raises(DocumentError, match="have an expectation 'run'"),
    ):
        configured_document()


@pytest.mark.slow
def test_a_listener_hears_that_a_run_is_complete(store, file):
    archive(store, 0)
    heard, stop = Queue(), Event()
    triggers = [{"type": "function", "function": heard.put}]
    document = load_listeners({"listeners": [{"name": "l", "event": "run-complete", "triggers": triggers}]})
    thread = Thread(target=listen, args=(document, store.root), kwargs={"mode": "catchup", "stop": stop})
    thread.start()
    try:
        archive(store, 6)  # this process tells of it, or the thread beside the listener: once
        found = heard.get(timeout=DEADLINE_S)
    finally:
        stop.set()
        thread.join()
    assert kinds(store.root) == {"run-complete": 1, "step-complete": 1}
    assert found.identifier["date"] == "20240101"
    assert (
        dtedask.open(store.root, at=found.payload["snapshot"]).retrieve(found.payload["requests"][0]).sizes["step"] == 2
    )


@pytest.mark.slow
def test_a_thread_tells_of_commits_and_of_deadlines(store):
    archive(store, 0, date="20231231")
    begun = datetime.now(UTC)
    run = {**REQUEST, "time": f"{begun:%H%M}"}  # of this very minute
    soon = {"expect": [{**DOCUMENT["expect"][0], "request": run, "deadline": f"{begun.second + 2}s"}]}
    with SqliteEventLog(events_path(store.root)) as log, telling(log, store.root, load_expectations(soon)) as found:
        seen = log.version()
        archive(store, 0)
        while log.version() == seen and datetime.now(UTC) < begun + timedelta(seconds=DEADLINE_S):
            Event().wait(0.05)
        assert isinstance(found, Expectations)
    assert kinds(store.root) == {"late": 1}


def test_the_status_says_what_is_complete_what_waits_and_what_is_late(store):
    archive(store, 0, 6, date="20240101")
    archive(store, 0, date="20240102")
    archive(store, 0, 6, date="20240103", params=("t",))
    now = datetime(2024, 1, 3, 5, tzinfo=UTC)
    found = status_of(load_expectations(DOCUMENT), store.root, now=now, runs=3)
    assert [(one.state, one.present, one.complete_steps) for one in found] == [
        ("complete", 4, 2),
        ("late", 2, 1),
        ("waiting", 2, 0),
    ]
    assert str(found[1]).splitlines() == [
        "run 2024-01-02 00:00: late since 2024-01-02 06:00; 1 of 2 steps, 2 of 4 fields; missing:",
        "  class=rd,stream=oper,param=t/u,date=20240102,time=0000,step=6",
    ]


def test_the_command_says_it_as_text_and_as_json(store, file, capsys):
    document = {"expect": [{**DOCUMENT["expect"][0], "request": {**REQUEST, "date": "20240101"}}]}
    file.write_text(yaml.safe_dump(document))
    archive(store, 0, 6)
    capsys.readouterr()
    assert main(["notify", "expect", str(file), "--root", store.root]) == 0
    assert capsys.readouterr().out == "run 2024-01-01 00:00: complete, 4 fields\n"
    assert main(["notify", "expect", str(file), "--root", store.root, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "complete"
