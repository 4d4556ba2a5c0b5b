"""A cluster that keeps running: started, used, scaled, watched, left and ended, with real processes."""

import logging
import os
import sys
import threading
import time
from pathlib import Path

import dask.config
import pytest
from distributed import Event

from dtedask.cluster import client_for, connect, running, started, where_to_run
from dtedask.cluster.kept import order_for, scale, start, status, stop, wait_for_number
from dtedask.cluster.kept.names import kept_folder
from dtedask.cluster.watching.jobs import WatchedJobs
from dtedask.cluster.watching.watch import ClusterWatch
from dtedask.core.errors import ClusterError, NoMatchError, SettingError

pytestmark = pytest.mark.slow
DEADLINE_S = 60


def until(condition):
    """Wait for what another process does; no event of it can be heard here."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


def test_it_runs_in_a_session_of_its_own_without_our_terminal(night):
    pid = status(night).pid
    assert os.getsid(pid) not in {0, os.getsid(0)}
    assert [Path(f"/proc/{pid}/fd/{n}").readlink() for n in (0, 1, 2)] == [Path(os.devnull), *2 * [status(night).log]]


def test_nobody_else_can_read_what_it_is_asked_by(night):
    folder = kept_folder(night)
    assert folder.path.stat().st_mode & 0o077 == 0
    assert (folder.path / "control.key").stat().st_mode & 0o077 == 0


def test_every_client_works_on_it_and_leaves_it_running(night):
    for _ in range(2):
        with client_for(night) as client:
            assert client.submit(os.getpid).result() not in {os.getpid(), status(night).pid}
            assert started(client).profile.name == "tiny"
    assert status(night).standing == "running"
    assert status(night).clients == ()


def test_the_setting_chooses_it_and_the_log_says_what_was_taken_where_a_profile_has_its_name(
    night, tiny, monkeypatch, caplog
):
    monkeypatch.setattr(sys.modules["dtedask.cluster.kept.connect"], "profiles", lambda: {night: tiny})
    with (
        dask.config.set({"dtedask.cluster": night}),
        caplog.at_level(logging.INFO, "dtedask"),
        client_for() as client,
    ):
        assert client.scheduler.address == status(night).scheduler
    assert "the one that is kept running is taken, not the profile of that name" in caplog.text


def test_a_notebook_connects_by_name(night):
    with connect(night) as client:
        assert client.submit(sum, (1, 2)).result() == 3
        assert [name.partition("-")[0] for name in status(night).clients] == ["Client"]


def test_its_name_goes_before_a_profile_and_others_are_refused(night):
    assert where_to_run(night) == "night"
    assert where_to_run("local") == "local"
    with pytest.raises(SettingError, match="no cluster profile 'nigt'.*Did you mean 'night'"):
        where_to_run("nigt")
    with pytest.raises(SettingError, match="No cluster 'local' is kept running.*'night'|Known are night"):
        connect("local")


def test_it_is_shown_with_its_workers(night):
    (found,) = running()
    assert (found.name, found.profile, found.standing, found.wanted) == ("night", "tiny", "running", "1")
    assert (len(found.workers), found.threads, found.memory_limit) == (1, 1, 500_000_000)
    counts = "workers 1 of 1, threads 1, tasks 0"
    assert repr(found) == f"<cluster 'night' of tiny, running: {counts}, {found.dashboard}>"
    assert f'<a href="{found.dashboard}">' in running()._repr_html_()
    with pytest.raises(NoMatchError, match="no cluster 'nigth'.*'night'"):
        status("nigth")


def test_the_number_of_workers_is_changed_while_it_runs(night):
    scale(night, 2)
    wait_for_number(night, 2)
    assert (len(status(night).workers), status(night).wanted) == (2, "2")
    scale(night, 0, 1)
    assert status(night).wanted == "0 to 1"
    assert kept_folder(night).state()["command"].endswith("--name night --minimum 0 --maximum 1")
    scale(night, 1)
    wait_for_number(night, 1)
    until(lambda: len(status(night).workers) == 1)
    with pytest.raises(SettingError, match="cannot be 3 to 2 workers"):
        scale(night, 3, 2)


def test_nothing_stays_of_a_client_that_watched_it_and_was_killed(night):
    def plugins(dask_scheduler):
        return [name for name in (*dask_scheduler.plugins, *dask_scheduler.worker_plugins) if "watch" in name]

    client = connect(night)
    watch = ClusterWatch(client, WatchedJobs())
    watch.begin()
    with connect(night) as other:
        assert len(other.run_on_scheduler(plugins)) == 2
        client.close()
        until(lambda: other.run_on_scheduler(plugins) == [])


def test_it_is_not_stopped_under_tasks_that_run(night):
    with connect(night) as client:
        waiting = client.submit(lambda: Event("go").wait(60))
        until(lambda: status(night).tasks.get("processing"))
        with pytest.raises(ClusterError, match="left as it is: 1 task is unfinished.*--force"):
            stop(night)
        Event("go", client).set()
        waiting.result()
    until(lambda: not status(night).unfinished)


def test_a_second_one_of_the_same_name_is_refused_and_leaves_nothing(night, tiny):
    before = {cluster.id for cluster in running()}
    with pytest.raises(ClusterError, match="'night' runs already"):
        start(order_for(tiny, name="night"))
    assert {cluster.id for cluster in running()} == before
