"""Commits that others made, and that nobody here was told of, are found where the store keeps them."""

from __future__ import annotations

import logging
import threading

import numpy as np
import pytest
import xarray as xr

import dtedask
from dtedask.core.errors import StoreError
from dtedask.notify.hearing import Hearing, Look, StoreHeads, hear_others
from dtedask.notify.log import NoticeLog, close_logs

DEADLINE_S = 60.0


@pytest.fixture
def store(tmp_path):
    """A root whose commits are announced in another log than the one that is looked at."""
    yield dtedask.open(tmp_path / "root")
    close_logs()


@pytest.fixture
def log(tmp_path):
    with NoticeLog(tmp_path / "elsewhere" / "log.sqlite") as log:
        yield log


def archive(store, step, stream="enfo"):
    array = xr.DataArray(
        np.full((2, 3), float(step), "float32"),
        dims=("latitude", "longitude"),
        coords={"latitude": [10.0, 0.0], "longitude": [0.0, 10.0, 20.0]},
    )
    keys = {"class": "rd", "stream": stream, "expver": "test", "type": "pf", "levtype": "pl", "levelist": "500"}
    store.archive(array, {**keys, "number": "1", "date": "20240101", "time": "0000", "step": str(step), "param": "t"})
    store.flush()


class Counting(StoreHeads):
    asked = 0

    def head(self, cube):
        self.asked += 1
        return super().head(cube)


def test_a_look_finds_each_commit_once_and_asks_for_the_head_alone_while_nothing_moves(store, log):
    heads, read = Counting(store.root), []

    def history(root, cube, after):
        read.append(cube)
        return dtedask.open(root).history(cube, after=after)

    look = Look(log, store.root, interval_s=1.0, heads=heads, history=history)
    assert look.look(0.0) == 0
    archive(store, 0)
    archive(store, 6)
    assert look.look(1.0) == 0  # the cube is not known yet
    assert look.look(12.0) == 2
    assert [look.look(12.0 + number) for number in range(1, 4)] == [0, 0, 0]
    assert (heads.asked, read) == (4, ["rd/enfo/test"])
    archive(store, 12)
    assert look.look(16.0) == 1
    assert [event.keys["step"] for event in log.events()] == ["0", "6", "12"]


def test_a_failing_network_is_told_once_and_asked_less_and_less_often(store, log, caplog):
    archive(store, 0)
    is_down = True

    def cubes(root):
        if is_down:
            raise StoreError("The network is down.")
        return dtedask.open(root).cubes()

    look = Look(log, store.root, interval_s=4.0, cubes=cubes)
    pauses = []
    with caplog.at_level(logging.INFO, "dtedask.notify.hearing"):
        for _ in range(6):
            pauses.append(look.pause_s)
            look.look(0.0)
        is_down = False
        assert look.look(0.0) == 1
        assert look.pause_s == 4.0
    assert pauses == [4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    told = [(record.levelname, record.getMessage()) for record in caplog.records if "ommits" in record.getMessage()]
    assert [level for level, _ in told] == ["WARNING", "INFO"]
    assert "The network is down." in told[0][1]


@pytest.mark.slow
def test_a_thread_hears_of_commits_and_of_cubes_that_come_later(store, log):
    with Hearing(log, store.root, interval_s=0.01):
        for stream in ("enfo", "oper"):
            seen = log.version()
            archive(store, 0, stream)
            ended = threading.Event()
            timer = threading.Timer(DEADLINE_S, ended.set)
            timer.start()
            while log.version() == seen and not ended.wait(0.005):
                pass
            timer.cancel()
    assert {event.cube for event in log.events()} == {"rd/enfo/test", "rd/oper/test"}


def test_where_everyone_writes_the_same_log_nobody_looks(tmp_path):
    with NoticeLog(tmp_path / "notices.sqlite") as log:
        assert not isinstance(hear_others(log, str(tmp_path)), Hearing)
        assert isinstance(hear_others(log, "s3://bucket/root"), Hearing)
