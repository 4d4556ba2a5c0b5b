"""`dtedask cluster start|status|scale|stop`: what is asked, shown, refused; real clusters in the slow tests."""

import json
import os
import signal
import subprocess
import sys

import dask.config
import pytest

from dtedask.cluster import running
from dtedask.cluster.folder import ClusterFolder
from dtedask.cluster.kept.names import holding_name


@pytest.fixture(autouse=True)
def jobs(tmp_path, monkeypatch):
    """A folder for clusters that only this test uses."""
    monkeypatch.setenv("DASK_DTEDASK__JOBS__FOLDER", str(tmp_path / "jobs"))
    with dask.config.set({"dtedask.jobs.folder": str(tmp_path / "jobs")}):
        yield tmp_path / "jobs"


@pytest.fixture
def night(run):
    """A cluster that runs under this name."""
    assert run("cluster start local-cluster --name night --workers 1").status == 0
    yield "night"
    run("cluster stop --all --force")


def test_what_would_be_started_is_told_and_not_done(run):
    told = run("cluster start local-cluster --name night --minimum 1 --maximum 4 --idle-timeout 2h --dry-run --json")
    command = "dtedask cluster start local-cluster --name night --minimum 1 --maximum 4 --idle-timeout 2h"
    assert told.lines == [
        {"name": "night", "profile": "local-cluster", "kind": "local-cluster", "minimum": 1, "maximum": 4}
        | {"command": command}
    ]
    assert running() == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("start local", "'local' is of kind 'threads'"),
        ("start nowhere", "no cluster profile 'nowhere'"),
        ("start local-cluster --workers 1 --minimum 1", "take --workers, or --minimum and --maximum"),
        ("start local-cluster --idle-timeout soon", "'soon' is not a time such as 2h"),
        ("start local-cluster --name ../x", "cannot be the name of a cluster"),
        ("start local-cluster --minimum 3 --maximum 2", "cannot be 3 to 2 workers"),
        ("start local-cluster --foreground --wait", "not both"),
        ("scale night", "name a number, or --minimum and --maximum"),
        ("stop", "name one cluster, or take --all"),
        ("stop night --all", "name one cluster, or take --all"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(run, line, message):
    done = run(f"cluster {line}")
    assert (done.status, done.out) == (2, "")
    assert message in done.err


@pytest.mark.parametrize("line", ["status night", "scale night 2", "stop night"])
def test_a_cluster_that_is_not_there_is_not_found(run, line):
    done = run(f"cluster {line}")
    assert done.status == 3
    assert "There is no cluster 'night'" in done.err


def test_nothing_runs_at_first(run):
    assert run("cluster status").err == "No cluster runs. Start one by `dtedask cluster start`.\n"
    assert run("cluster status --json").out == ""
    assert run("cluster stop --all").status == 0


def test_a_dead_one_is_shown_with_what_to_do_and_cleared_away(run, jobs):
    folder = ClusterFolder.make("night", kept="night", profile="tiny", command="dtedask cluster start tiny")
    with holding_name("night", folder):
        folder.update(process_start="1")
        shown = run("cluster status")
        assert "night  dead" in shown.out
        assert "Its process is gone; `dtedask cluster stop night`" in shown.err
        assert "Start it again by `dtedask cluster start tiny`" in shown.err
        assert run("cluster stop night --dry-run").err.startswith("night: dead, 0 workers")
        assert run("cluster stop night").err.endswith("night: cleared away.\n")
    assert list((jobs / "clusters").iterdir()) == []


def test_the_cluster_of_a_run_is_shown_and_left_to_it(run):
    folder = ClusterFolder.make("slurm", profile="slurm", kind="slurm")
    (shown,) = run("cluster status --json").lines
    assert (shown["id"], shown["is_kept"], shown["standing"]) == (folder.id, False, "starting")
    stopped = run(f"cluster stop {folder.id}")
    assert stopped.status == 1
    assert "belongs to a run" in stopped.err


def test_a_batch_job_that_has_not_ended_is_shown_and_left_to_scancel(run, monkeypatch):
    monkeypatch.setattr("dtedask.cluster.batch.runs._jobs", lambda _ids: None)  # no SLURM answers
    folder = ClusterFolder.make("nightly", kind="batch", profile="slurm", status="submitted", recipe="nightly")
    folder.update(host=None, pid=None)
    (shown,) = run("cluster status --json").lines
    assert (shown["name"], shown["kind"], shown["standing"]) == ("nightly", "batch", "submitted")
    stopped = run(f"cluster stop {folder.id} --force")
    assert stopped.status == 1
    assert "is a batch job" in stopped.err
    folder.end(status="done")
    assert run("cluster status --json").out == ""
    assert run(f"cluster stop {folder.id}").status == 1
    assert folder.state()["status"] == "done"


def test_a_watch_shows_it_again_until_ctrl_c(run, monkeypatch):
    shown = iter(range(2))

    def pause(_seconds):
        if next(shown):
            raise KeyboardInterrupt

    monkeypatch.setattr("dtedask.cli.cluster.showing._pause", pause)
    done = run("cluster status --watch")
    assert done.status == 0
    assert done.err.count("No cluster runs") == 2


@pytest.mark.slow
def test_a_cluster_is_started_shown_scaled_used_and_stopped(run, night, grib, tmp_path):
    (shown,) = run("cluster status --json").lines
    assert (shown["name"], shown["standing"], shown["wanted"]) == ("night", "running", "1")
    text = run("cluster status night")
    assert "process" in text.out
    assert "127.0.0.1" in text.out
    again = run("cluster start local-cluster --name night")
    assert again.status == 1
    assert "'night' runs already" in again.err
    assert run("cluster scale night 2 --dry-run").err == "night: would want 2 workers instead of 1.\n"
    assert run("cluster scale night 2 --wait").err == "night: wants 2 workers now.\n"
    assert len(run("cluster status night --json").lines[0]["workers"]) == 2
    root = tmp_path / "root"
    done = run(f"ingest {grib}/forecast.grib2 --cluster night --root {root} --json")
    assert json.loads(done.out)["new"] == 4
    assert "would end" in run("cluster stop night --dry-run").err
    assert run("cluster stop night").err == "night: stopped.\n"
    assert run("cluster status").out == ""


@pytest.mark.slow
def test_in_the_foreground_it_lives_until_ctrl_c():
    command = [sys.executable, "-m", "dtedask", "cluster", "start", "local-cluster", "--name", "night", "--foreground"]
    with subprocess.Popen([*command, "--workers", "0", "--json"], stdout=subprocess.PIPE, text=True) as child:
        shown = json.loads(child.stdout.readline())
        assert (shown["name"], shown["pid"]) == ("night", child.pid)
        assert os.path.exists(shown["log"])  # noqa: PTH110
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 0
    assert running() == []
