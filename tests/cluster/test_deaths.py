"""How workers died: what counts as out of memory, and whose words are quoted."""

import sys
from types import SimpleNamespace

import pytest

from dtedask.cluster.workers.deaths import death_of

deaths = sys.modules["dtedask.cluster.workers.deaths"]
ADDRESS = "tcp://10.0.0.1:1"


def died(monkeypatch, *, events=(), nanny=(), job=()):
    """The death of a task that ran on one worker, of which so much is known."""
    monkeypatch.setattr(deaths, "_nanny_log", lambda *_: list(nanny))
    monkeypatch.setattr(deaths, "_job_log", lambda _client, name: [f"{line} ({name})" for line in job])
    client = SimpleNamespace(get_events=lambda topic: [(0.0, event) for of, event in events if of == topic])
    worker = SimpleNamespace(address=ADDRESS, pid=12, name="slurm-3", nanny="tcp://10.0.0.1:2")
    return death_of(client, SimpleNamespace(task="archive-1", last_worker=worker))


def removed(worker, *tasks, expected=False):
    return "all", {"action": "remove-worker", "worker": worker, "expected": expected, "processing-tasks": set(tasks)}


def test_a_nanny_that_ended_its_worker_for_memory_says_how_much_it_held(monkeypatch):
    event = "worker-restart-memory", {"worker": ADDRESS, "pid": 12, "rss": 480_000_000}
    death = died(monkeypatch, events=[event])
    assert death.is_of_memory
    assert f"Died of too little memory: {ADDRESS}. Their logs say:\n    {ADDRESS} held 480 MB" in str(death)


def test_all_workers_that_were_lost_with_the_task_are_named_and_no_others(monkeypatch):
    others = [removed("tcp://b:1", "archive-1"), removed("tcp://c:1", "archive-2")]
    death = died(monkeypatch, events=[*others, removed("tcp://d:1", "archive-1", expected=True)])
    assert death.workers == ("tcp://b:1", ADDRESS)
    assert not death.is_of_memory


@pytest.mark.parametrize(
    ("line", "is_of_memory"),
    [
        ("Job 7: OUT_OF_MEMORY on node1", True),
        ("slurmstepd: error: Detected 1 oom_kill event in StepId=7.batch", True),
        ("Job 7: CANCELLED on node1", False),
        ("Job 7: NODE_FAIL on node1", False),
    ],
)
def test_where_the_nanny_died_too_the_job_is_asked(monkeypatch, line, is_of_memory):
    death = died(monkeypatch, job=[line])
    assert death.is_of_memory is is_of_memory
    assert f"{line} (slurm-3)" in str(death)


def test_of_a_nanny_only_the_lines_about_this_worker_are_quoted(monkeypatch):
    death = died(monkeypatch, nanny=["Worker process 12 was killed by signal 9", "Worker process 34 was killed by ..."])
    assert death.log == ("Worker process 12 was killed by signal 9",)
    assert not death.is_of_memory
