"""What is told of jobs that wait or ended."""

import pytest

from dtedask.cluster.slurm.commands import Job
from dtedask.cluster.slurm.explain import end_lines, waiting_line


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("Resources", r"\(Resources: it waits for resources\)\. Wait, or ask for less"),
        ("Priority", r"\(Priority: jobs of higher priority are before it\)\. Wait"),
        ("JobHeldUser", r"\(JobHeldUser: .*\. Release it: scontrol release 7\."),
        ("QOSMaxJobsPerUserLimit", r"a limit of its quality of service is reached"),
        ("AssocGrpCpuLimit", r"a limit of its account is reached"),
        ("ReqNodeNotAvail, UnavailableNodes:node[1-3]", r"down, drained or reserved\)\. Look at `sinfo -R`"),
        ("(Nodes required for job are DOWN, DRAINED or reserved)", r"down, drained or reserved"),
        ("(launch failed requeued held)", r"scontrol release 7"),
        ("SomethingNew", r"\(SomethingNew\)\. Look at `scontrol show job 7`\."),
        ("", r"PENDING in partition debug\. Look at `scontrol show job 7`\."),
    ],
)
def test_each_reason_of_waiting_is_put_into_words_with_what_to_do(reason, told):
    import re

    assert re.search(told, waiting_line(Job("7", "PENDING", reason, "", "debug")))


def test_when_a_job_is_expected_to_start_is_told():
    line = waiting_line(Job("7", "PENDING", "Resources", "", "debug", "2026-11-27T08:00:00"))
    assert "expected to start at 2026-11-27T08:00:00" in line


def test_a_running_job_without_a_worker_raises_the_question_of_the_network():
    assert "Job 7 is RUNNING in partition debug on node1, but no worker of it has connected" in waiting_line(
        Job("7", "RUNNING", "", "node1", "debug")
    )


def test_the_end_of_each_log_is_quoted_and_equal_ends_once(tmp_path):
    for number, said in (("1", "job 1: python: command not found"), ("2", "job 2: python: command not found")):
        (tmp_path / f"w-{number}.err").write_text(said)
    jobs = [Job("1", "FAILED", "NonZeroExitCode", "node1"), Job("2", "FAILED"), Job("3", "NODE_FAIL")]
    first, quote, second, third = end_lines(jobs, tmp_path)
    assert first == f"Job 1: FAILED on node1 (NonZeroExitCode); its log {tmp_path}/w-1.err ends with:"
    assert quote == "  job 1: python: command not found"
    assert second == f"Job 2: FAILED; its log {tmp_path}/w-2.err ends alike."
    assert third.startswith(f"Job 3: NODE_FAIL; it wrote no log into {tmp_path}, which its node must see")
