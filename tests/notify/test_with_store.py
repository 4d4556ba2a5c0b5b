"""Notices of a real store: never before the data, and with a request that gives exactly the fields."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
from pathlib import Path

import dask.config
import numpy as np
import pytest
import xarray as xr

import dtedask
from dtedask.core.errors import DamagedError, NotFoundError
from dtedask.notify import NoticeLog, catch_up, events_of, listen, listening, load_listeners, open_log
from dtedask.notify.log import close_logs
from dtedask.store import Schema


def archive(store, value, **keys):
    latitude, longitude = np.array([10.0, 0.0, -10.0]), np.arange(4) * 10.0
    array = xr.DataArray(
        np.full((3, 4), value, "float32"),
        dims=("latitude", "longitude"),
        coords={"latitude": latitude, "longitude": longitude},
    )
    fixed = {"class": "rd", "stream": "enfo", "expver": "test", "type": "pf", "levtype": "pl", "number": "1"}
    store.archive(array, {**fixed, "date": "20240101", "time": "0000", "step": "0", "levelist": "500", **keys})


@pytest.fixture
def store(tmp_path):
    yield dtedask.open(tmp_path / "root")
    close_logs()


def document(function, name="l", **request):
    triggers = [{"type": "function", "function": function}]
    return load_listeners({"listeners": [{"name": name, "request": request, "triggers": triggers}]})


def test_a_trigger_reads_the_very_fields_it_is_told_of(store):
    read = {}

    def look(event):
        dataset = dtedask.open(event.root, at=event.snapshot).retrieve(event.keys)
        (variable,) = dataset.data_vars.values()
        read[event.keys["param"], event.keys["step"]] = (set(np.unique(variable)), event.fields, variable.size // 12)

    with listening(document(look)):
        for step in (0, 6):
            for param, value in (("t", 1), ("u", 2)):
                for level in (500, 850):
                    archive(store, 100 * value + level + step, param=param, levelist=str(level), step=str(step))
        store.flush()
    assert store.hook_failures == []
    assert read == {
        (param, str(step)): ({100.0 * value + 500 + step, 100.0 * value + 850 + step}, 2, 2)
        for step in (0, 6)
        for param, value in (("130", 1), ("131", 2))
    }


def test_the_events_of_all_commits_name_every_field_of_the_store_once(store):
    for number, steps in ((1, (0, 6)), (2, (0,)), (3, (6, 12))):
        for step in steps:
            archive(store, number, param="t", number=str(number), step=str(step))
        archive(store, number, param="z", number=str(number))
        store.flush()
    named = [record.keys for event in open_log(store.root).events() for record in store.list(event.keys)]
    existing = [record.keys for record in store.list()]
    assert sorted(sorted(keys.items()) for keys in named) == sorted(sorted(keys.items()) for keys in existing)


def test_the_log_agrees_with_the_history_of_the_store(store):
    for step in (0, 6, 12):
        archive(store, step, param="t", step=str(step))
        store.flush()
    history = store.history("rd/enfo/test")
    assert list(open_log(store.root).events()) == [event for commit in history for event in events_of(commit)]


def test_what_the_log_has_lost_is_found_in_the_snapshots(store):
    for step in (0, 6, 12):
        archive(store, step, param="t", step=str(step))
        store.flush()
    before = list(open_log(store.root).events())
    close_logs()
    for file in Path(store.root).glob("notices.sqlite*"):
        file.unlink()
    heard = []
    listen(document(heard.append), store.root, mode="catchup", once=True)
    assert heard == before == list(open_log(store.root).events())


def test_a_root_in_memory_announces_its_commits_too():
    heard = []
    store = dtedask.open("memory://notices-of-memory")
    with listening(document(lambda event: heard.append((event.url, event.fields)))):
        archive(store, 1, param="t")
        store.flush()
    assert store.hook_failures == []
    assert heard == [("memory://notices-of-memory/rd/enfo/test", 1)]
    close_logs()


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
import dtedask
from dtedask.plugins import hookimpl, register
from test_with_store import archive

class Die:
    @hookimpl(tryfirst=True)
    def after_commit(self, commit):
        if commit.sequence == 2:
            os.kill(os.getpid(), signal.SIGKILL)

register(Die(), "die")
store = dtedask.open(sys.argv[1])
for step in (0, 6):
    archive(store, step, param="t", step=str(step))
    store.flush()
"""


@pytest.mark.slow
def test_a_process_killed_between_commit_and_notice_is_made_good_at_the_next_start(store):
    folder = str(Path(__file__).parent)
    killed = subprocess.run([sys.executable, "-c", KILLED, store.root, folder], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(store.history("rd/enfo/test")) == 2
    with NoticeLog(open_log(store.root).path) as log:
        assert log.heads() == {"rd/enfo/test": 1}
    steps = []

    def look(event):
        steps.append((event.keys["step"], float(dtedask.open(event.root).retrieve(event.keys)["t"].max())))

    with listening(document(look)):
        catch_up(store.root)
        archive(store, 12, param="t", step="12")
        store.flush()
    assert steps == [("6", 6.0), ("12", 12.0)]


def test_the_example_of_a_function_reads_what_it_reports(store, repository, capsys):
    archive(store, 3, param="t")
    store.flush()
    listen(repository / "examples/listeners/function.yaml", store.root, mode="catchup", once=True)
    assert capsys.readouterr().out == "rd/enfo/test@1.0 t: 3 to 3 K\n"


def test_what_is_wiped_is_not_news_and_what_a_rollback_restores_is(store):
    heard = []
    with listening(document(lambda event: heard.append((event.sequence, event.keys["step"], event.fields)))):
        archive(store, 1, param="t", step="0")
        archive(store, 1, param="t", step="6")
        store.flush()
        archive(store, 2, param="t", step="6")
        archive(store, 2, param="t", step="12")
        store.flush()
        first = store.history()[0].snapshot
        store.wipe("class=rd,expver=test,step=0", doit=True)
        store.rollback(first, doit=True)
    assert store.hook_failures == []
    assert heard == [(1, "0", 1), (1, "6", 1), (2, "6", 1), (2, "12", 1), (4, "0", 1), (4, "6", 1)]
    log = open_log(store.root)
    assert log.last("rd/enfo/test") == 4


@pytest.mark.parametrize("layout", ["map", "messages"])
def test_an_event_opens_its_fields_as_they_were_at_its_commit(tmp_path, layout):
    store = dtedask.open(tmp_path / "root", schema=Schema(layout=layout))
    for value in (1.0, 2.0):
        for level in ("500", "850"):
            archive(store, value, param="t", levelist=level)
        store.flush()
    first, second = open_log(store.root).events()
    assert set(np.unique(first.open()["t"])) == {1.0}
    assert set(np.unique(second.open()["t"])) == {2.0}
    assert first.open()["t"].sizes["level"] == 2
    assert not isinstance(first.open()["t"].variable._data, np.ndarray)  # nothing was read yet
    assert set(first.store().axes()["levelist"]) == {"500", "850"}
    assert first.verify()
    assert second.verify()


def test_the_fields_of_a_purged_commit_cannot_be_opened_and_it_is_said_why(store):
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        for value in (1.0, 2.0, 3.0):
            archive(store, value, param="t")
            store.flush()
        first, *_ = open_log(store.root).events()
        store.purge(keep_commits=1)
    with pytest.raises(NotFoundError, match=r"fields of rd/enfo/test@1.0 cannot be opened.* has been purged"):
        first.open()


def test_a_checksum_that_does_not_match_is_damage(store):
    archive(store, 1.0, param="t")
    store.flush()
    (event,) = open_log(store.root).events()
    wrong = dataclasses.replace(event, checksum="0" * 16)
    with pytest.raises(DamagedError, match="checksum of rd/enfo/test@1.0 is 0000000000000000, of 1 fields; stored is"):
        wrong.verify()
    assert not dataclasses.replace(event, checksum="").verify()
