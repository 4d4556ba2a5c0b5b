"""What sbatch, squeue and scancel say, from stand-ins on PATH that say what real ones say when asked badly."""

import os
from pathlib import Path

import pytest

from dtedask.cluster.slurm.commands import (
    Job,
    RefusedError,
    SlurmAwayError,
    cancel,
    list_jobs,
    require_commands,
    submit,
)
from dtedask.core.errors import ClusterError


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Make a command of a script."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def command(name, script):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return command


def test_the_number_of_a_job_is_returned(command):
    command("sbatch", "echo '4711;cluster'")
    assert submit(Path("job.sh")) == "4711"


def test_a_refusal_is_told_in_the_words_of_sbatch(command):
    said = ["invalid partition specified: nope", "Batch job submission failed: Invalid partition name specified"]
    command("sbatch", "".join(f"echo 'sbatch: error: {line}' >&2;" for line in said) + "exit 1")
    with pytest.raises(RefusedError, match=f"^{said[0]}; {said[1]}$"):
        submit(Path("job.sh"))


@pytest.mark.parametrize(
    "said",
    [
        "slurm_load_jobs error: Unable to contact slurm controller (connect failure)",
        "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation",
        "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying",
    ],
)
def test_a_slurm_that_does_not_answer_is_told_from_one_that_refuses(command, said):
    for name in ("sbatch", "squeue", "scancel"):
        command(name, f"echo '{said}' >&2; exit 1")
    for call in (lambda: submit(Path("job.sh")), list_jobs, lambda: cancel(["1"])):
        with pytest.raises(SlurmAwayError, match=said.partition("(")[0].rpartition("error: ")[2]):
            call()


def test_jobs_are_found_by_the_folder_of_their_script_or_their_number(command):
    command(
        "squeue",
        "cat <<'END'\n"
        "1|RUNNING|None|node1|debug|2026-11-27T05:35:50|/state/clusters/a/slurm-0.sh\n"
        "2|PENDING|Resources||debug|N/A|/state/clusters/ab/slurm-0.sh\n"
        "3|FAILED|NonZeroExitCode|node2|debug|2026-11-27T05:35:50|(null)\n"
        "4|PENDING|ReqNodeNotAvail, UnavailableNodes:node3||debug|N/A|/state/clusters/a/a|b.sh\n"
        "END",
    )
    found = list_jobs(Path("/state/clusters/a"), ["3"])
    assert [(job.id, job.state) for job in found] == [("1", "RUNNING"), ("3", "FAILED"), ("4", "PENDING")]
    assert found[2] == Job(
        "4", "PENDING", "ReqNodeNotAvail, UnavailableNodes:node3", "", "debug", "", "/state/clusters/a/a|b.sh"
    )
    assert [job.has_ended for job in found] == [False, True, False]


def test_what_a_user_has_set_for_squeue_hides_no_jobs(command, monkeypatch):
    monkeypatch.setenv("SQUEUE_PARTITION", "other")
    command("squeue", '[ -z "$SQUEUE_PARTITION" ] && case "$*" in *--all*) echo "1|PENDING|||short||/a/x.sh";; esac')
    assert [job.id for job in list_jobs(Path("/a"))] == ["1"]


def test_a_job_that_is_gone_already_does_not_keep_others_from_being_cancelled(command, tmp_path):
    command("scancel", f"echo $@ > {tmp_path}/asked; echo 'scancel: error: Invalid job id specified' >&2; exit 1")
    cancel(["1", "2"])
    assert (tmp_path / "asked").read_text() == "1 2\n"


def test_a_host_without_slurm_is_told_so(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    for call in (lambda: require_commands("sbatch"), lambda: submit(Path("job.sh"))):
        with pytest.raises(ClusterError, match=r"There is no command 'sbatch' on this host.*PATH"):
            call()
