"""Batch jobs: what they ask for, and their script."""

import subprocess
import sys
from importlib import import_module

import pytest

from dtedask.cluster import Profile
from dtedask.cluster.batch import batch_job, batch_script, profile_for_batch
from dtedask.cluster.batch.rank import memory_of, worker_name
from dtedask.core.errors import SettingError

GIB = 2**30


def slurm_profile(**changes):
    job = {"cores": 8, "processes": 2, "memory": "8GiB", "walltime": "02:00:00", "queue": "long"}
    options = {"name": "site", "kind": "slurm", "workers": 4, "encrypt": True, "job": job | changes.pop("job", {})}
    return Profile(**{**options, **changes})


def test_a_worker_of_a_batch_job_gets_what_a_worker_of_a_worker_job_has():
    job = batch_job(slurm_profile(), name="night")
    assert (job.workers, job.threads, job.cpus, job.memory_bytes) == (4, 4, 4, 4 * GIB)
    assert (job.walltime, job.queue, job.encrypt, job.python) == ("02:00:00", "long", True, sys.executable)


def test_the_section_batch_wins_over_the_worker_jobs_and_what_is_asked_wins_over_it():
    profile = slurm_profile(batch={"walltime": "06:00:00", "workers": 3, "queue": "batch"})
    job = batch_job(profile, name="night", workers=9, queue=None)
    assert (job.workers, job.walltime, job.queue) == (9, "06:00:00", "batch")


def test_the_most_workers_are_taken_where_their_number_follows_the_work():
    assert batch_job(slurm_profile(workers=1, workers_maximum=7), name="night").workers == 7


def test_a_profile_without_memory_is_refused():
    with pytest.raises(SettingError, match="need 'cores' and 'memory'"):
        batch_job(slurm_profile(job={"memory": None}), name="night")


def test_a_profile_of_another_kind_is_refused_if_named_and_passed_over_if_only_usual():
    with pytest.raises(SettingError, match="of kind 'threads'"):
        profile_for_batch("local")
    assert profile_for_batch(None, "local").name == "slurm"


def test_the_memory_of_a_job_is_that_of_its_workers(tmp_path):
    script = batch_script(batch_job(slurm_profile(), name="night"), tmp_path)
    assert "#SBATCH --ntasks=4\n#SBATCH --cpus-per-task=4\n#SBATCH --mem-per-cpu=1024M\n" in script


def test_workers_of_the_first_node_leave_room_for_the_driver():
    job = {"memory_bytes": 4 * GIB, "driver_bytes": GIB}
    assert memory_of(job, {"SLURM_NODEID": "1"}) == 4 * GIB
    assert memory_of(job, {"SLURM_NODEID": "0", "SLURM_STEP_TASKS_PER_NODE": "1"}) == 3 * GIB
    assert memory_of(job, {"SLURM_NODEID": "0", "SLURM_STEP_TASKS_PER_NODE": "2(x3),1"}) == 3.5 * GIB


def test_a_replaced_worker_has_a_name_of_its_own():
    assert worker_name({"SLURM_PROCID": "3"}, "0") == "3"
    assert worker_name({"SLURM_PROCID": "3", "DTEDASK_LIFE": "2"}, "0") == "3-2"


def test_directives_of_a_site_are_added_and_left_out(tmp_path):
    changes = {"job-extra-directives": ["--hint=nomultithread"], "job-directives-skip": ["--mem"]}
    changes["job-script-prologue"] = ["module load eccodes"]
    script = batch_script(batch_job(slurm_profile(job=changes), name="two words"), tmp_path)
    assert "#SBATCH --hint=nomultithread\nmodule load eccodes\n" in script
    assert "--mem" not in script
    assert "#SBATCH --job-name='two words'\n" in script


def test_bash_understands_the_script(tmp_path):
    script = batch_script(batch_job(slurm_profile(), name="night"), tmp_path / "it's here")
    assert subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True).stderr == ""


def test_a_short_job_is_told_of_its_end_in_its_last_quarter():
    assert batch_job(slurm_profile(), name="night", walltime="00:02:00").grace_s == 30
    assert batch_job(slurm_profile(), name="night").grace_s == 60


def test_a_kept_cluster_stands_for_the_profile_that_it_was_started_from(monkeypatch):
    monkeypatch.setattr("dtedask.cluster.kept.names.kept_folder", lambda name: name if name == "night" else None)
    monkeypatch.setattr(import_module("dtedask.cluster.kept.connect"), "profile_of", lambda _folder: slurm_profile())
    assert profile_for_batch("night").name == "site"
    assert profile_for_batch(None, "night").name == "site"
