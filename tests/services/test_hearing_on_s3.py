"""Commits of another process to a root in an object store are heard of soon, and looking for them costs little."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Queue
from uuid import uuid4

import dask.config
import numpy as np
import pytest
import xarray as xr

import dtedask
from dtedask.notify import listen, load_listeners
from dtedask.notify.hearing import Look, StoreHeads
from dtedask.notify.log import NoticeLog, close_logs
from tests.services.proxy import Proxy

DEADLINE_S = 60.0
ARCHIVE = """
import sys
from tests.services.test_hearing_on_s3 import archive
print("ready", flush=True)
for line in sys.stdin:
    archive(sys.argv[1], *line.split())
    print("done", flush=True)
"""


@pytest.fixture
def root(s3, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "here"))
    yield f"s3://{s3['S3_BUCKET']}/heard/{uuid4().hex}"
    close_logs()


def archive(root, step, stream="enfo"):
    store = dtedask.open(root)
    array = xr.DataArray(
        np.full((2, 3), float(step), "float32"),
        dims=("latitude", "longitude"),
        coords={"latitude": [10.0, 0.0], "longitude": [0.0, 10.0, 20.0]},
    )
    keys = {"class": "rd", "stream": stream, "expver": "test", "type": "pf", "levtype": "pl", "levelist": "500"}
    store.archive(array, {**keys, "number": "1", "date": "20240101", "time": "0000", "step": step, "param": "t"})
    store.flush()


def told(event):
    """Step and cube of an event, once its fields were opened as they were at its commit."""
    assert event.verify()
    assert float(event.open()["t"].max()) == float(event.keys["step"])
    return event.keys["step"], event.cube


class Other:
    """A process of another host: its log of notices is somewhere else."""

    def __init__(self, root, folder):
        self._process = subprocess.Popen(
            [sys.executable, "-c", ARCHIVE, root],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "XDG_STATE_HOME": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout.readline() == "ready\n"

    def archive(self, *words):
        self._process.stdin.write(" ".join(words) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        assert self._process.wait(DEADLINE_S) == 0


def test_a_listener_hears_of_the_commits_of_another_host_within_the_interval(root, tmp_path):
    other = Other(root, tmp_path / "there")
    other.archive("0")
    heard, stop = Queue(), threading.Event()
    triggers = [{"type": "function", "function": lambda event: heard.put(told(event))}]
    document = load_listeners({"listeners": [{"name": "l", "triggers": triggers}]})
    with dask.config.set({"dtedask.notify.remote-interval": 0.2}):
        thread = threading.Thread(target=listen, args=(document, root), kwargs={"mode": "catchup", "stop": stop})
        thread.start()
        try:
            assert heard.get(timeout=DEADLINE_S) == ("0", "rd/enfo/test")
            took = []
            for step in ("6", "12", "18"):
                other.archive(step)
                begun = time.monotonic()
                assert heard.get(timeout=DEADLINE_S) == (step, "rd/enfo/test")
                took.append(time.monotonic() - begun)
            assert min(took) < 2.0
            other.archive("0", "oper")  # a cube that nobody knew of
            assert heard.get(timeout=DEADLINE_S) == ("0", "rd/oper/test")
        finally:
            stop.set()
            thread.join()
            other.close()


def test_a_look_costs_one_small_request_while_nothing_has_changed(root, s3, monkeypatch, tmp_path):
    archive(root, "0")
    proxy = Proxy(s3["AWS_ENDPOINT_URL"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    with NoticeLog(tmp_path / "log.sqlite") as log:
        look = Look(log, root, interval_s=1.0, heads=StoreHeads(root))
        assert look.look(0.0) == 1
        proxy.seen.clear()
        for number in range(5):
            assert look.look(1.0 + number) == 0
        assert [(method, path.rpartition("/")[2].partition("?")[0]) for method, path in proxy.seen] == [
            ("GET", "ref.json")
        ] * 5
        with proxy.rule("403"):
            assert look.look(7.0) == 0
            assert look.pause_s == 2.0
        assert look.look(8.0) == 0
        assert look.pause_s == 1.0
    proxy.close()
