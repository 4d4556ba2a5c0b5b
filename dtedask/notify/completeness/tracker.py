"""How far the runs of an expectation have come: a pure state machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from dtedask.notify.completeness.expected import ALL_STEPS, Expected

if TYPE_CHECKING:
    from dtedask.core.commit import Change, Commit

__all__ = ["WHOLE_RUN", "News", "Progress", "Tracker"]

Kind = Literal["step-complete", "run-complete", "late", "complete-after-late"]
WHOLE_RUN = None
"""Stands for the whole run where a step is named."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class News:
    """Instruction: tell of it.

    Parameters
    ----------
    kind : {"step-complete", "run-complete", "late", "complete-after-late"}
        What it is.
    reference : datetime
        Reference time of the run.
    step : str, optional
        The step; None for the whole run.
    count : int
        The how-manieth time: fields that were wiped and came again make a step complete again.
    fields : int
        How many fields are expected of it.
    missing : tuple of (str, frozenset of int)
        What is missing: numbers of fields by step.
    deadline : datetime, optional
        When it was to be complete; None where it has no deadline.
    is_late : bool
        Whether that has passed.
    """

    kind: Kind
    reference: datetime
    step: str | None
    count: int
    fields: int
    missing: tuple[tuple[str, frozenset[int]], ...] = ()
    deadline: datetime | None = None
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """What was told of a step or run.

    Parameters
    ----------
    completions : int
        How many times it was told to be complete.
    lateness : int
        0 where it was never told to be late, 1 where it was, 2 where it was told to be complete since.
    """

    completions: int = 0
    lateness: int = 0


@dataclass(slots=True)
class _Run:
    missing: dict[str, set[int]]
    told: dict[str | None, Progress] = field(default_factory=dict)

    def lacks(self, step: str | None) -> bool:
        """Whether something of a step, or of the run, is missing."""
        return any(self.missing.values()) if step is WHOLE_RUN else bool(self.missing[step])


class Tracker:
    """Says what to tell when fields come and go and time passes.

    What it holds of a run follows from what is in the archive and what was told: who forgets a run with `forget` gives
    it back with `learn` and goes on as if nothing had been.

    Parameters
    ----------
    expected : Expected
        What runs are to have.
    watermark : datetime
        Deadlines until then were looked at.
    """

    def __init__(self, expected: Expected, watermark: datetime) -> None:
        self.expected = expected
        self.watermark = watermark
        self._runs: dict[datetime, _Run] = {}
        self._next: tuple[datetime, datetime | None] | None = None

    @property
    def name(self) -> str:
        """What the expectation is called."""
        return self.expected.expectation.name

    def unknown(self, commit: Commit) -> list[datetime]:
        """Runs that must be learned before a commit is handled, as they were before it."""
        touched = {one.reference for change in commit.changes for one in self.expected.touched(change.keys)}
        return sorted(touched - self._runs.keys())

    def due(self, now: datetime) -> list[datetime]:
        """Runs that must be learned before `tick`."""
        return sorted({reference for _, reference, _ in self._deadlines(now)} - self._runs.keys())

    def learn(
        self, reference: datetime, present: Iterable[Mapping[str, str]], told: Mapping[str | None, Progress]
    ) -> None:
        """Take in a run.

        Parameters
        ----------
        reference : datetime
            The run.
        present : iterable of mapping
            Keys of fields that are there; others are passed over.
        told : mapping of step to Progress
            What was told of its steps, and under None of the run.
        """
        missing = {step: set(numbers) for step, numbers in self.expected.shape(reference).items()}
        for keys in present:
            for one in self.expected.touched(keys):
                if one.reference == reference:
                    missing[one.step] -= one.fields
        self._runs[reference] = _Run(missing, dict(told))

    def forget(self, keep: int = 0) -> None:
        """Forget all runs but those that were touched last."""
        for reference in list(self._runs)[: max(len(self._runs) - keep, 0)]:
            del self._runs[reference]

    def handle(self, commit: Commit) -> list[News]:
        """Say what a commit makes complete; all runs of its changes must be known."""
        before: dict[tuple[datetime, str | None], bool] = {}

        def take(changes: Iterable[Change], *, is_added: bool) -> None:
            for one in (found for change in changes for found in self.expected.touched(change.keys)):
                run = self._runs.get(one.reference)
                if run is None:
                    continue  # what is wiped of a run that nobody looks at is seen when somebody does
                self._runs[one.reference] = self._runs.pop(one.reference)
                before.setdefault((one.reference, one.step), not run.lacks(one.step))
                before.setdefault((one.reference, WHOLE_RUN), not run.lacks(WHOLE_RUN))
                if is_added:
                    run.missing[one.step] -= one.fields
                else:
                    run.missing[one.step] |= one.fields

        take(commit.wiped, is_added=False)
        take(commit.changes, is_added=True)
        order = sorted(before, key=lambda place: (place[0], place[1] is WHOLE_RUN, self._place(*place)))
        return [
            news
            for reference, step in order
            if not before[reference, step] and not self._runs[reference].lacks(step) and step != ALL_STEPS
            for news in self._completed(reference, step)
        ]

    def tick(self, now: datetime) -> list[News]:
        """Say what is late at a time; all runs that are `due` must be known."""
        found = []
        for deadline, reference, step in self._deadlines(now):
            run = self._runs[reference]
            told = run.told.get(step, Progress())
            if run.lacks(step) and not told.lateness:
                run.told[step] = Progress(told.completions, 1)
                found.append(self._late(reference, step, run, deadline))
        self.watermark = max(self.watermark, now)
        return found

    def next_deadline(self) -> datetime | None:
        """When `tick` has something to do; None where there are no deadlines any more."""
        if self._next is None or self._next[0] != self.watermark:
            self._next = self.watermark, min((one[0] for one in self._upcoming(self.watermark)), default=None)
        return self._next[1]

    def told(self, reference: datetime) -> Mapping[str | None, Progress]:
        """What was told of a known run."""
        return self._runs[reference].told

    def missing(self, reference: datetime) -> dict[str, frozenset[int]]:
        """Numbers of the fields that a known run lacks, by step."""
        return {step: frozenset(numbers) for step, numbers in self._runs[reference].missing.items()}

    def deadline_of(self, reference: datetime, step: str | None) -> datetime | None:
        """When a step, or the run, is to be complete."""
        said = self.expected.expectation
        limit_s = said.deadline if step is WHOLE_RUN else said.step_deadline_s(step) if step else None
        return None if limit_s is None else reference + timedelta(seconds=limit_s)

    def _place(self, reference: datetime, step: str | None) -> int:
        steps = list(self.expected.shape(reference))
        return len(steps) if step is WHOLE_RUN else steps.index(step)

    def _size(self, reference: datetime, step: str | None) -> int:
        shape = self.expected.shape(reference)
        return sum(map(len, shape.values())) if step is WHOLE_RUN else len(shape[step])

    def _completed(self, reference: datetime, step: str | None) -> Iterator[News]:
        run = self._runs[reference]
        told = run.told.get(step, Progress())
        count, size, deadline = told.completions + 1, self._size(reference, step), self.deadline_of(reference, step)
        run.told[step] = Progress(count, 2 if told.lateness else 0)
        kind: Kind = "run-complete" if step is WHOLE_RUN else "step-complete"
        is_late = told.lateness > 0
        yield News(kind, reference, step, count, size, deadline=deadline, is_late=is_late)
        if told.lateness == 1:
            yield News("complete-after-late", reference, step, 1, size, deadline=deadline, is_late=True)

    def _late(self, reference: datetime, step: str | None, run: _Run, deadline: datetime) -> News:
        steps = list(run.missing) if step is WHOLE_RUN else [step]
        missing = tuple((one, frozenset(run.missing[one])) for one in steps if run.missing[one])
        return News("late", reference, step, 1, self._size(reference, step), missing, deadline, is_late=True)

    def _deadlines(self, now: datetime) -> list[tuple[datetime, datetime, str | None]]:
        """Deadlines that have passed and were not looked at, in order."""
        found = [one for one in self._upcoming(self.watermark, now) if one[0] <= now]
        return sorted(found, key=lambda one: (one[0], one[1], self._place(one[1], one[2])))

    def _upcoming(
        self, after: datetime, until: datetime | None = None
    ) -> Iterator[tuple[datetime, datetime, str | None]]:
        """Deadlines behind a time: all until another, or else those of the runs that come next."""
        for reference in self._references(after, until or after + 2 * _DAY):
            for step in (*self.expected.shape(reference), WHOLE_RUN):
                deadline = self.deadline_of(reference, step)
                if deadline is not None and deadline > after:
                    yield deadline, reference, step

    def _references(self, after: datetime, until: datetime) -> Iterator[datetime]:
        said = self.expected.expectation
        by_step = said.step_deadline
        limits = [*by_step.values()] if isinstance(by_step, dict) else [by_step]
        longest = timedelta(seconds=max((one for one in (*limits, said.deadline) if one is not None), default=0.0))
        days = self.expected.days
        if days is None:
            first = (after - longest).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            days = [first + number * _DAY for number in range((until - first).days + 1)]
        for day in days:
            for time in self.expected.times:
                if after - longest < day + time and self.expected.shape(day + time):
                    yield day + time
