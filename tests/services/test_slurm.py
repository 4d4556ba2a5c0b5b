"""A real SLURM runs what we submit, by hand and by a profile."""

import subprocess

import pytest

from dtedask.cluster import client_for


def test_a_batch_job_runs_and_its_output_comes_back(slurm, tmp_path):
    output = tmp_path / "out.txt"
    subprocess.run(["sbatch", "--wait", "--output", str(output), "--wrap", "echo hello from $SLURM_JOB_ID"], check=True)
    assert output.read_text().startswith("hello from ")


@pytest.mark.slow
def test_the_profile_slurm_gives_a_client_whose_workers_run_in_jobs(slurm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the jobs write their logs into the folder they start in
    monkeypatch.setenv("DASK_JOBQUEUE__SLURM__INTERFACE", "lo")

    def job_id():
        import os

        return os.environ["SLURM_JOB_ID"], os.environ["MALLOC_TRIM_THRESHOLD_"]

    with client_for("slurm") as client:
        job, trim = client.submit(job_id).result(timeout=60)
    assert int(job) > 0
    assert trim == "268435456"
