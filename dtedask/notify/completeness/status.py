"""What the runs of expectations have, and what they lack, at a moment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from dtedask.notify.completeness.cubes import Cubes
from dtedask.notify.completeness.document import ExpectationsDocument
from dtedask.notify.completeness.drafts import text_of
from dtedask.notify.completeness.expected import Expected
from dtedask.notify.completeness.tracker import WHOLE_RUN, Tracker
from dtedask.notify.event import format_time
from dtedask.notify.location import root_url

__all__ = ["RunStatus", "status_of"]


@dataclass(frozen=True, slots=True)
class RunStatus:
    """How far a run has come.

    Parameters
    ----------
    expectation : str
        Name of the expectation.
    reference : datetime
        Reference time of the run.
    state : {"complete", "waiting", "late"}
        Late where something is missing whose deadline has passed.
    fields, present : int
        How many fields are expected, and how many of them are there.
    steps, complete_steps : int
        The same of steps.
    deadline : datetime, optional
        The one that has passed, else the next one; None where nothing is missing, or nothing has a deadline.
    missing : tuple of str
        Requests of what is missing, in short form.
    """

    expectation: str
    reference: datetime
    state: Literal["complete", "waiting", "late"]
    fields: int
    present: int
    steps: int
    complete_steps: int
    deadline: datetime | None
    missing: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything about it, ready for JSON."""
        return {
            "expectation": self.expectation,
            "date": f"{self.reference:%Y%m%d}",
            "time": f"{self.reference:%H%M}",
            "state": self.state,
            "fields": self.fields,
            "present": self.present,
            "steps": self.steps,
            "complete_steps": self.complete_steps,
            "deadline": None if self.deadline is None else format_time(self.deadline),
            "missing": list(self.missing),
        }

    def __str__(self) -> str:
        run = f"{self.expectation} {self.reference:%Y-%m-%d %H:%M}"
        if self.state == "complete":
            return f"{run}: complete, {self.fields} fields"
        until = "" if self.deadline is None else f"{self.deadline:%Y-%m-%d %H:%M}"
        state = f"late since {until}" if self.state == "late" else f"waiting until {until}" if until else "waiting"
        there = f"{self.complete_steps} of {self.steps} steps, {self.present} of {self.fields} fields"
        return "\n".join([f"{run}: {state}; {there}; missing:", *(f"  {one}" for one in self.missing)])


def status_of(
    document: ExpectationsDocument, root: str | os.PathLike[str], *, now: datetime, runs: int = 4
) -> list[RunStatus]:
    """Look at the last runs of each expectation, whatever was told of them.

    Parameters
    ----------
    document : ExpectationsDocument
        What is expected.
    root : str or os.PathLike
        Path or URL of the root.
    now : datetime
        The time, UTC.
    runs : int
        How many runs of each, the newest that have begun.
    """
    cubes = Cubes(root_url(root))
    heads = cubes.heads()
    found = []
    for one in document.expect:
        expected = Expected(one)
        for reference in expected.last_runs(now, runs):
            tracker = Tracker(expected, now)
            tracker.learn(reference, cubes.present(expected, reference, heads), {})
            found.append(_status(tracker, reference, now))
    return found


def _status(tracker: Tracker, reference: datetime, now: datetime) -> RunStatus:
    missing = tracker.missing(reference)
    shape = tracker.expected.shape(reference)
    fields, lacking = sum(map(len, shape.values())), sum(map(len, missing.values()))
    steps = [step for step, numbers in missing.items() if numbers]
    limits = [tracker.deadline_of(reference, step) for step in (*steps, *([WHOLE_RUN] if steps else []))]
    deadlines = [limit for limit in limits if limit is not None]
    first = min(deadlines, default=None)
    requests = tracker.expected.requests_of(missing.items(), reference)
    return RunStatus(
        tracker.name,
        reference,
        "complete" if not lacking else "late" if first is not None and first <= now else "waiting",
        fields,
        fields - lacking,
        len(shape),
        len(shape) - len(steps),
        first,
        tuple(map(text_of, requests)),
    )
