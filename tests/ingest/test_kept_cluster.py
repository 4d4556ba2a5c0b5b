"""A cluster that is kept running serves one run after the other, whatever becomes of those who ran."""

import os
import signal
import subprocess
import sys
import time

import dask.config
import pytest

import dtedask
from dtedask.cluster import Profile, client_for
from dtedask.cluster.kept import order_for, start, status, stop
from dtedask.ingest import ingest

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("many_tasks")]

DEADLINE_S = 60


@pytest.fixture
def night(tmp_path):
    """A cluster of one worker with one thread, which runs under this name."""
    one = Profile(name="one", kind="local-cluster", workers=1, threads=1, memory="1GB")
    with dask.config.set({"dtedask.jobs.folder": str(tmp_path / "jobs")}):
        start(order_for(one, name="night"))
        yield "night"
        stop("night", force=True)


def until(condition, ends=lambda: False):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert not ends()
        assert time.monotonic() < deadline


def test_when_the_client_is_killed_the_cluster_lets_go_and_the_next_run_is_whole(
    night, tmp_path, folder, store, grib_bytes
):
    (folder / "a.grib").write_bytes(grib_bytes(steps=range(0, 240, 6), levels=(1000, 850, 500, 300)))
    environment = {
        **os.environ,
        "DASK_DTEDASK__JOBS__FOLDER": str(tmp_path / "jobs"),
        "DASK_DTEDASK__INGEST__BATCH_BYTES": "100",
    }
    command = [sys.executable, "-m", "dtedask", "ingest", str(folder), "--root", store.root, "--cluster", night]
    with subprocess.Popen(command, env=environment) as run:
        until(lambda: status(night).tasks.get("processing"), ends=lambda: run.poll() is not None)
        run.send_signal(signal.SIGKILL)
    until(lambda: not status(night).clients and not status(night).unfinished)
    before = status(night)

    with client_for(night) as client:
        summary = ingest(folder, store, client=client)

    assert (status(night).pid, status(night).workers[0].name) == (before.pid, before.workers[0].name)
    assert (summary.new, summary.unchanged) == (320, 0)
    other = dtedask.open(tmp_path / "other")
    ingest(folder, other)
    assert store.retrieve("class=od").load().equals(other.retrieve("class=od").load())
    assert store.verify().findings == ()
