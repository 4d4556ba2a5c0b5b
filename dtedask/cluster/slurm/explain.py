"""What SLURM says of jobs that wait or ended, in words, with what to do about it and the end of their logs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from dtedask.cluster.folder import ClusterFolder
from dtedask.cluster.slurm.commands import Job, list_jobs
from dtedask.cluster.slurm.job_logs import find_logs, quote_logs
from dtedask.core.errors import ClusterError

# Reasons of waiting, by the beginning of their name: what they mean, and what to do. The first that fits counts.
_WAITS = {
    "JobHeldUser": ("the user holds it", "Release it: scontrol release {id}."),
    "JobHeldAdmin": ("an administrator holds it", "Ask the administrators of the cluster."),
    "launch_failed_requeued_held": (
        "it failed to launch and is held",
        "Look at the node, then: scontrol release {id}.",
    ),
    "ReqNodeNotAvail": (
        "the nodes that it needs are down, drained or reserved",
        "Look at `sinfo -R`; choose another partition, or wait for them.",
    ),
    "Nodes_required_for_job_are_DOWN": (
        "the nodes that it needs are down, drained or reserved",
        "Look at `sinfo -R`; choose another partition, or wait for them.",
    ),
    "NodeDown": ("a node that it needs is down", "Look at `sinfo -R`; choose another partition."),
    "PartitionDown": ("its partition is down", "Choose another one by `queue` in the profile."),
    "PartitionInactive": ("its partition starts no jobs now", "Choose another one by `queue` in the profile."),
    "PartitionTimeLimit": (
        "its walltime is above the limit of the partition",
        "Ask for less `walltime` in the profile.",
    ),
    "PartitionNodeLimit": ("its partition cannot give so many nodes", "Choose another one by `queue` in the profile."),
    "PartitionConfig": ("its partition cannot give what it asks for", "Ask for less, or choose another `queue`."),
    "BadConstraints": ("no node can give what it asks for", "Ask for less memory or fewer cores in the profile."),
    "Resources": ("it waits for resources", "Wait, or ask for less memory, cores or walltime."),
    "Priority": ("jobs of higher priority are before it", "Wait, or raise `start-timeout` in the profile."),
    "InvalidAccount": ("its account is not valid", "Set `account` in the profile."),
    "InvalidQOS": ("its quality of service is not valid", "Correct --qos in `job-extra-directives` of the profile."),
    "QOS": ("a limit of its quality of service is reached", "Wait for other jobs of yours, or ask for fewer workers."),
    "Assoc": ("a limit of its account is reached", "Wait for other jobs of yours, or ask for fewer workers."),
    "MaxJobs": ("a limit on the number of jobs is reached", "Wait for other jobs of yours, or ask for fewer workers."),
    "Reservation": ("it waits for its reservation to begin", "Wait, or leave the reservation out."),
    "BeginTime": ("its time to begin has not come", "Wait, or leave --begin out of `job-extra-directives`."),
    "Dependency": ("it waits for another job", "Leave --dependency out of `job-extra-directives`."),
    "Licenses": ("it waits for a licence", "Wait, or leave --licenses out of `job-extra-directives`."),
    "Prolog": ("the node is being prepared", "Wait, or raise `start-timeout` in the profile."),
}


def explain_waiting(folder: ClusterFolder, log_folder: Path) -> list[str]:
    """One line for each job of a cluster that has not ended, and a quote of those that did."""
    try:
        jobs = list_jobs(folder.path, folder.state().get("jobs", {}).values())
    except ClusterError as error:
        return [f"squeue says: {error}"]
    waiting = [waiting_line(job) for job in jobs if not job.has_ended]
    return waiting or end_lines(jobs, log_folder)


def waiting_line(job: Job) -> str:
    """What a job waits for and what to do, or that it runs."""
    place = f" in partition {job.partition}" if job.partition else ""
    if not job.is_waiting:
        return (
            f"Job {job.id} is {job.state}{place} on {job.nodes}, but no worker of it has connected: can the node reach "
            "this host, and is `interface` right in the profile?"
        )
    _, remedy = _meaning(job.reason)
    reason = f" ({reason_text(job)})" if job.reason else ""
    start = f", expected to start at {job.expected}" if job.expected else ""
    return f"Job {job.id} is {job.state}{place}{reason}{start}. {remedy.format(id=job.id)}".rstrip()


def reason_text(job: Job) -> str:
    """Why a job waits: SLURM's word for it, and what it means."""
    means, _ = _meaning(job.reason)
    return f"{job.reason}: {means}" if means else job.reason


def explain_end(folder: ClusterFolder, ids: Mapping[str, str], log_folder: Path) -> list[str]:
    """How jobs ended, in the words of SLURM, and the end of their logs."""
    try:
        found = {job.id: job for job in list_jobs(folder.path, ids.values())}
    except ClusterError:
        found = {}
    return end_lines(
        [found.get(number) or Job(number, "not known to SLURM any more") for number in ids.values()], log_folder
    )


def end_lines(jobs: list[Job], log_folder: Path) -> list[str]:
    """How jobs ended and the end of their logs; the same log is quoted once."""
    lines: list[str] = []
    quoted: set[tuple[str, ...]] = set()
    for job in jobs:
        place = f" on {job.nodes}" if job.nodes else ""
        reason = f" ({job.reason})" if job.reason else ""
        logs = find_logs(log_folder, job.id)
        said = tuple(re.sub(rf"\b{job.id}\b", "N", line) for line in quote_logs(logs))
        if not logs:
            lines.append(
                f"Job {job.id}: {job.state}{place}{reason}; it wrote no log into {log_folder}, which its node must "
                "see: the setting dtedask.jobs.folder, or `log-directory` in the profile."
            )
        elif said in quoted:
            lines.append(f"Job {job.id}: {job.state}{place}{reason}; its log {logs[0]} ends alike.")
        else:
            lines.append(f"Job {job.id}: {job.state}{place}{reason}; its log {logs[0]} ends with:")
            lines += [f"  {line}" for line in quote_logs(logs)]
        quoted.add(said)
    return lines


def _meaning(reason: str) -> tuple[str, str]:
    for name, meaning in _WAITS.items():
        if reason.strip("() ").replace(" ", "_").startswith(name):
            return meaning
    return "", "Look at `scontrol show job {id}`."
