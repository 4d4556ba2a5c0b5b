"""`dtedask recipe submit`, `status` and `follow`, where a stand-in for sbatch says what SLURM would."""

import json
import os

import pytest
import yaml

SMALL = "name: small\ncluster: local\ninput: {demo: {steps: [0, 6], members: 1, levels: [500], degrees: 30}}\nroot: r\n"


@pytest.fixture
def recipe(here, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(here / "state"))
    (here / "small.yaml").write_text(SMALL)
    return here / "small.yaml"


@pytest.fixture
def command(here, monkeypatch):
    """Put a command into the way of the real one."""
    (here / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{here / 'bin'}{os.pathsep}{os.environ['PATH']}")

    def write(name, text):
        (here / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (here / "bin" / name).chmod(0o755)

    return write


def test_where_nothing_was_submitted_nothing_is_followed(run, recipe):
    done = run("recipe follow")
    assert done.status == 3
    assert "No recipe was submitted" in done.err
    assert run("recipe status").status == 0


def test_a_dry_run_prints_the_script_and_leaves_nothing(run, recipe, here):
    done = run("recipe submit small.yaml --workers 3 --nodes 2 --walltime 20 --account me --partition long --dry-run")
    assert done.status == 0
    for line in ("--ntasks=3", "--nodes=2", "--time=20", "--account=me", "--partition=long", "--requeue"):
        assert f"#SBATCH {line}\n" in done.out
    assert not (here / "state").exists()
    assert "--no-requeue" in run("recipe submit small.yaml --no-requeue --dry-run --json").lines[0]["script"]


def test_the_recipe_and_all_settings_are_taken_as_they_are(run, recipe, here, command, monkeypatch):
    command("sbatch", 'cp "$2" submitted.sh; echo "42;here"')
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "1")
    import dask.config

    with dask.config.set({"dtedask.ingest.batch-bytes": "1 MiB"}):
        done = run("recipe submit small.yaml --set root=other --name night")
    assert (done.status, done.out) == (0, "42\n")
    (folder,) = (here / "state" / "dtedask" / "clusters").iterdir()
    frozen = yaml.safe_load((folder / "recipe.yaml").read_text())
    assert (frozen["root"], "cluster" in frozen) == (str(here / "other"), False)
    settings = yaml.safe_load((folder / "configuration" / "1-settings.yaml").read_text())
    assert settings["dtedask"]["ingest"] == {"batch-bytes": "1 MiB"}
    profile = yaml.safe_load((folder / "configuration" / "2-profile.yaml").read_text())["dtedask"]["profiles"]
    assert profile["slurm"]["kind"] == "allocation"
    assert (here / "submitted.sh").read_text() == (folder / "job.sh").read_text()
    private = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o077 for path in private} == {0}


def test_what_slurm_says_of_a_job_that_it_refuses_is_told_with_what_to_do(run, recipe, command):
    command("sbatch", 'echo "sbatch: error: invalid partition specified: nope" >&2; exit 1')
    done = run("recipe submit small.yaml --partition nope")
    assert done.status == 1
    assert "SLURM refused the job: invalid partition specified: nope" in done.err
    assert "sinfo" in done.err
    assert [line["status"] for line in run("recipe status --json").lines] == ["refused"]


def test_without_slurm_nothing_is_left(run, recipe, here, monkeypatch):
    monkeypatch.setenv("PATH", str(here))
    done = run("recipe submit small.yaml")
    assert done.status == 1
    assert "sbatch" in done.err
    assert not (here / "state").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--set input=nowhere.grib", "there is no"),
        ("--cluster local", "submits no jobs"),
        ("--cluster slrm", "There is no cluster profile 'slrm'"),
    ],
)
def test_a_recipe_that_cannot_run_is_refused_before_it_is_submitted(run, recipe, here, options, said):
    done = run(f"recipe submit small.yaml {options}")
    assert done.status == 2
    assert said in done.err
    assert not (here / "state").exists()


def test_a_batch_job_has_no_standard_input(run, recipe):
    recipe.write_text("name: small\nroot: r\ninput: '-'\n")
    done = run("recipe submit small.yaml --dry-run")
    assert done.status == 2
    assert "a batch job has no standard input" in done.err


def test_input_may_come_from_the_job_that_is_waited_for(run, recipe):
    done = run("recipe submit small.yaml --set input=later.grib --dependency afterok:7 --dry-run")
    assert done.status == 0
    assert "#SBATCH --dependency=afterok:7\n" in done.out


def test_a_run_is_shown_with_what_made_it_fail(run, recipe, here, command):
    command("sbatch", "echo 42")
    run("recipe submit small.yaml")
    (folder,) = (here / "state" / "dtedask" / "clusters").iterdir()
    state = json.loads((folder / "state.json").read_text())
    error = {"code": "grib", "message": "It is no GRIB.", "hint": "Look at it."}
    (folder / "state.json").write_text(json.dumps(state | {"status": "failed", "exit_status": 1, "error": error}))
    shown = run("recipe status 42").out
    assert "It is no GRIB.\n" in shown
    followed = run("recipe follow")
    assert followed.status == 1
    assert "Job 42 failed with exit status 1: It is no GRIB." in followed.err
    assert run("recipe status 43").status == 3
