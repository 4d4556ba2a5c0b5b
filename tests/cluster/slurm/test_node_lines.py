"""What the script of a job sets for its worker, tried with a real shell."""

import json
import os
import subprocess
import sys

import pytest

from dtedask.cluster import job_script, profile
from dtedask.cluster.slurm.node_lines import exports, folder_on_this_node, processes_of, scratch_lines

SHOW = "import dask.config, json, os; import distributed; print(json.dumps([dict(os.environ), dask.config.config]))"


def run(lines, **environment):
    script = "\n".join([*lines, f"{sys.executable} -c '{SHOW}'"])
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DASK_", "OMP"))}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=inherited | environment)
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr


@pytest.mark.slow
def test_a_worker_has_the_configuration_of_its_profile_but_for_what_dask_has_in_the_environment():
    _, (environment, found) = run(
        exports(profile("slurm").configuration),
        DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE="0.5",
        OMP_NUM_THREADS="8",
    )
    memory = found["distributed"]["worker"]["memory"]
    assert [memory[key] for key in ("target", "spill", "pause", "terminate")] == [False, False, 0.5, 0.95]
    assert (environment["OMP_NUM_THREADS"], environment["MALLOC_TRIM_THRESHOLD_"]) == ("1", "268435456")


@pytest.mark.slow
def test_scratch_is_a_folder_of_the_job_and_goes_with_it(tmp_path):
    lines = [scratch_lines("mine", "$FAST"), 'export SEEN="$(ls -d "$dtedask_scratch")"']
    _, (environment, _) = run(lines, FAST=str(tmp_path), SLURM_JOB_ID="12")
    assert environment["SEEN"] == f"{tmp_path}/dtedask-12"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("place", "said"), [("$FAST", "is empty"), ("/no/such", "is /no/such, which does not exist")])
def test_missing_scratch_ends_the_job_and_is_said_in_its_log(place, said):
    status, log = run([scratch_lines("mine", place)])
    assert status == 1
    assert f"the local-directory '{place}' of the profile 'mine' {said} on " in log


def test_the_script_of_a_job_asks_for_scratch_on_the_node(monkeypatch):
    monkeypatch.setenv("DASK_JOBQUEUE__SLURM__LOCAL_DIRECTORY", "$SLURM_TMPDIR")
    script = job_script("slurm")
    assert "dtedask_scratch=$SLURM_TMPDIR\n" in script
    assert '--local-directory "$dtedask_scratch" ' in script


@pytest.mark.parametrize(("cores", "processes"), [(1, 1), (8, 1), (12, 2), (16, 2), (36, 6), (128, 16), (13, 2)])
def test_a_job_that_does_not_say_how_many_processes_has_few_and_equal_ones(cores, processes):
    assert processes_of({"cores": cores}) == processes
    assert processes_of({"cores": cores, "processes": 3}) == 3


def test_scratch_of_a_batch_job_is_looked_at_on_its_node(tmp_path, monkeypatch):
    monkeypatch.setenv("FAST", str(tmp_path))
    assert folder_on_this_node("$FAST") == str(tmp_path)
    for place, said in (("$NO_SUCH", "is empty"), ("/no/such", "is /no/such on")):
        with pytest.raises(OSError, match=said):
            folder_on_this_node(place)
