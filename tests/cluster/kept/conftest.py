"""What the tests of kept clusters share: a folder of their own, and one cluster that runs for a whole module."""

import os
import signal

import dask.config
import pytest

from dtedask.cluster import Profile
from dtedask.cluster.kept import order_for, running, start

TINY = Profile(name="tiny", kind="local-cluster", workers=0, threads=1, memory="500MB", start_timeout_s=60)


def end_all():
    """End what a test has left."""
    for cluster in running():
        if cluster.standing in {"running", "starting", "ending", "silent"} and cluster.pid not in {0, os.getpid()}:
            os.kill(cluster.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def tiny():
    """A profile that starts in a moment: it has no worker."""
    return TINY


@pytest.fixture
def jobs(tmp_path):
    """A folder for clusters that only this test uses."""
    with dask.config.set({"dtedask.jobs.folder": str(tmp_path / "jobs")}):
        yield tmp_path / "jobs"


@pytest.fixture
def ends(jobs):
    """Whatever runs in that folder is ended after the test."""
    yield jobs
    end_all()


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A cluster that runs under this name, with one worker."""
    folder = tmp_path_factory.mktemp("jobs")
    with dask.config.set({"dtedask.jobs.folder": str(folder)}):
        start(order_for(TINY, name="night", minimum=1, maximum=1))
        yield "night"
        end_all()
