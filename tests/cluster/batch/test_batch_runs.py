"""Batch runs: what a folder and SLURM together say, and how a run is followed."""

import json
from datetime import UTC, datetime, timedelta

import dask.config
import pytest

from dtedask.cluster.batch import Follower, LogLine, batch_run, batch_runs
from dtedask.cluster.batch import runs as module
from dtedask.cluster.batch.runs import forget_old_runs, make_run
from dtedask.cluster.folder import ClusterFolder
from dtedask.cluster.slurm.commands import Job
from dtedask.core.errors import NoMatchError

BEGUN = "2026-01-02T03:04:05+00:00"


@pytest.fixture
def folder(tmp_path):
    with dask.config.set({"dtedask.jobs.folder": str(tmp_path)}):
        made = ClusterFolder.make("forecast", kind="batch", status="submitted", recipe="forecast")
        (made.path / "job-id").write_text("7")
        yield made


@pytest.fixture
def slurm_says(monkeypatch):
    """Have SLURM say a state of job 7, or nothing."""
    said = {}
    monkeypatch.setattr(module, "_jobs", lambda _ids: dict(said))

    def say(state, reason=""):
        said.clear()
        if state:
            said["7"] = Job("7", state, reason)

    return say


@pytest.mark.parametrize(
    ("told", "slurm", "status"),
    [
        ("submitted", "PENDING", "pending"),
        ("submitted", "RUNNING", "running"),
        ("submitted", None, "lost"),
        ("submitted", "CANCELLED", "cancelled"),
        ("running", "RUNNING", "running"),
        ("running", "COMPLETING", "ending"),
        ("running", "PENDING", "pending"),
        ("running", "TIMEOUT", "timed out"),
        ("running", "NODE_FAIL", "failed"),
        ("running", None, "lost"),
        ("interrupted", "PENDING", "pending"),
        ("interrupted", "COMPLETING", "ending"),
        ("interrupted", "CANCELLED", "cancelled"),
        ("interrupted", "FAILED", "interrupted"),
        ("interrupted", None, "interrupted"),
        ("done", None, "done"),
        ("failed", "COMPLETING", "failed"),
    ],
)
def test_what_a_run_tells_of_its_end_counts_and_else_what_slurm_says(tmp_path, told, slurm, status):
    job = Job("7", slurm) if slurm else None
    assert make_run(tmp_path, {"status": told, "begun": BEGUN}, "7", job, asked=True).status == status


def test_where_slurm_does_not_answer_what_the_folder_says_is_what_there_is(tmp_path):
    assert make_run(tmp_path, {"status": "running"}, "7", None, asked=False).status == "running"


def test_a_run_that_waits_says_why_in_words(folder, slurm_says):
    slurm_says("PENDING", "Resources")
    assert "waits for resources" in batch_run("7").reason


def test_a_requeued_run_counts_its_starts(folder, slurm_says):
    slurm_says("RUNNING")
    folder.update(status="running", begun=BEGUN, attempt=2)
    (run,) = batch_runs()
    assert (run.starts, run.begun.isoformat()) == (3, BEGUN)


def test_a_number_of_no_run_is_said(folder):
    with pytest.raises(NoMatchError, match="No batch run has the number '8'"):
        batch_run("8")


def test_clusters_are_no_batch_runs(folder, slurm_says):
    ClusterFolder.make("night", kind="slurm")
    assert [run.recipe for run in batch_runs()] == ["forecast"]


def test_old_runs_are_forgotten_unless_they_may_still_run(folder, slurm_says):
    def aged(days, **moments):
        made = ClusterFolder.make("old", kind="batch", status="running")
        made.update(**dict.fromkeys(moments, (datetime.now(UTC) - timedelta(days=days)).isoformat()))
        (made.path / "job-id").write_text("7")
        return made

    told, young, old = aged(8, ended=True, begun=True), aged(8, begun=True), aged(40, begun=True)
    told.update(status="done")
    slurm_says("RUNNING")
    forget_old_runs()
    assert [one.path.exists() for one in (told, young, old, folder)] == [False, True, True, True]
    slurm_says(None)
    forget_old_runs()
    assert [one.path.exists() for one in (young, old, folder)] == [True, False, True]


def texts(found):
    return [one.text if isinstance(one, LogLine) else one.status for one in found]


def test_a_follower_gives_states_and_whole_lines_and_at_the_end_the_rest(folder, slurm_says):
    slurm_says("PENDING", "Priority")
    follower = Follower(batch_run("7"))
    assert texts(follower.look(0.0)) == ["pending"]
    assert texts(follower.look(0.1)) == []
    slurm_says("RUNNING")
    folder.update(status="running", begun=BEGUN)
    log = folder.logs / "job.log"
    log.write_text("one\ntw")
    assert texts(follower.look(0.2)) == ["one", "running"]
    log.write_text("one\ntwo\nthree")
    folder.end(status="done", exit_status=0)
    assert texts(follower.look(0.3)) == ["two", "three", "done"]
    assert follower.is_over


def test_a_run_that_slurm_forgot_is_given_time_to_tell_its_end(folder, slurm_says):
    slurm_says(None)
    folder.update(status="running", begun=BEGUN)
    follower = Follower(batch_run("7"))
    assert texts(follower.look(0.0)) == []
    assert not follower.is_over
    assert texts(follower.look(11.0)) == ["lost"]
    assert follower.is_over


def test_a_run_that_is_requeued_is_followed_on(folder, slurm_says):
    slurm_says("COMPLETING")
    folder.update(status="interrupted", begun=BEGUN, exit_status=130)
    follower = Follower(batch_run("7"))
    assert texts(follower.look(0.0)) == ["ending"]
    slurm_says("PENDING", "BeginTime")
    assert texts(follower.look(20.0)) == ["pending"]
    assert json.loads((folder.path / "state.json").read_text())["status"] == "interrupted"
