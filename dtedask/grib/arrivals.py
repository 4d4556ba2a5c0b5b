"""What is to be done about files that arrive in a folder: a state machine without clock, threads or files.

A file is taken when nobody writes to it any more: known from the system, or, where the system cannot say, because its
size and time stayed as they were for the settle time. A file that is cut at its end waits until it changes.

A step is complete when (1) a later step of its run has come, (2) nothing of it has come for the idle time, or (3) the
watch ends. What comes for a step after that is one more commit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Run = tuple[str, str]
Step = tuple[Run, int]
Stamp = tuple[int, int]

_QUICK_S = 0.02


@dataclass(frozen=True, slots=True)
class Seen:
    """A file is there; `is_open` says whether somebody writes to it, None that nobody knows."""

    path: str
    stamp: Stamp
    is_open: bool | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """A file is there no more."""

    path: str


@dataclass(frozen=True, slots=True)
class Scanned:
    """What stands in a file: it is whole, is cut at its end, is bad, or is in the cube already."""

    path: str
    state: Literal["whole", "growing", "bad", "known"]
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A commit that is worth another try later."""

    instruction: CommitFile | CommitStep


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed, or all that was seen together has been told: steps are complete only then."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The watch ends."""


@dataclass(frozen=True, slots=True)
class Look:
    """See whether a file has changed."""

    path: str


@dataclass(frozen=True, slots=True)
class Scan:
    """Find out what stands in a file."""

    path: str
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class CommitFile:
    """Commit a file."""

    path: str


@dataclass(frozen=True, slots=True)
class CommitStep:
    """Commit a step: `complete` are files of which nothing is left then, of the others more is to come."""

    step: Step
    complete: tuple[str, ...]
    partial: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Tell that a file was not taken."""

    path: str


Event = Seen | Gone | Scanned | Refused | Tick | Stopped
Instruction = Look | Scan | CommitFile | CommitStep | Report


@dataclass(slots=True)
class _File:
    stamp: Stamp
    changed_at: float
    state: Literal["waiting", "scanning", "growing", "done"] = "waiting"
    look_at: float | None = None
    steps: set[Step] = field(default_factory=set)


@dataclass(slots=True)
class _Pending:
    due: float
    paths: dict[str, None] = field(default_factory=dict)


class Arrivals:
    """Files that arrive, and what of them waits.

    Parameters
    ----------
    unit : {"file", "step"}
        What is committed at once.
    settle_s : float
        How long a file must stay as it is where nobody knows whether it is written to.
    retry_s : float
        How long to wait before looking again at a file that is written to, at most, and before a refused commit is
        tried again.
    idle_s : float
        How long a step waits for more of it.
    """

    def __init__(self, unit: Literal["file", "step"], *, settle_s: float, retry_s: float, idle_s: float) -> None:
        self._by_step = unit == "step"
        self._settle_s, self._retry_s, self._idle_s = settle_s, retry_s, idle_s
        self._files: dict[str, _File] = {}
        self._pending: dict[Step, _Pending] = {}
        self._newest: dict[Run, int] = {}

    @property
    def deadline(self) -> float | None:
        """When the next `Tick` is due; None when only a file can bring something new."""
        times = [file.look_at for file in self._files.values() if file.look_at is not None]
        return min(times + [pending.due for pending in self._pending.values()], default=None)

    def handle(self, event: Event, now: float) -> list[Instruction]:
        """Take notice of an event at a time, and return what is to be done, in order."""
        match event:
            case Seen():
                return self._seen(event, now)
            case Gone():
                self._files.pop(event.path, None)
                return []
            case Scanned():
                return self._scanned(event, now)
            case Refused():
                return self._refused(event.instruction, now)
            case Tick():
                return self._due_looks(now) or self._due_steps(now)
            case Stopped():
                return self._stop()

    def _seen(self, event: Seen, now: float) -> list[Instruction]:
        file = self._files.get(event.path)
        if file is None or file.stamp != event.stamp:
            file = self._files[event.path] = _File(event.stamp, now)
        if file.state != "waiting":
            return []
        file.look_at = None
        quiet = now - file.changed_at
        if event.stamp[0] == 0:
            file.state = "growing"
        elif event.is_open:
            file.look_at = now + min(max(quiet / 2, _QUICK_S), self._retry_s)
        elif event.is_open is None and quiet < self._settle_s:
            file.look_at = file.changed_at + self._settle_s
        else:
            file.state = "scanning"
            return [Scan(event.path, event.stamp)]
        return []

    def _scanned(self, event: Scanned, now: float) -> list[Instruction]:
        file = self._files[event.path]
        file.state = "growing" if event.state == "growing" else "done"
        if event.state == "bad":
            return [Report(event.path)]
        if event.state != "whole":
            return []
        if not self._by_step:
            return [CommitFile(event.path)]
        file.steps = set(event.steps)
        for run, seconds in event.steps:
            pending = self._pending.setdefault((run, seconds), _Pending(0.0))
            pending.paths[event.path] = None
            pending.due = now + self._idle_s
            self._newest[run] = max(seconds, self._newest.get(run, seconds))
        for (run, seconds), pending in self._pending.items():
            if seconds < self._newest[run]:
                pending.due = min(pending.due, now)
        return []

    def _refused(self, instruction: CommitFile | CommitStep, now: float) -> list[Instruction]:
        if isinstance(instruction, CommitFile):
            file = self._files.get(instruction.path)
            if file is not None:
                file.state, file.look_at = "waiting", now + self._retry_s
            return []
        paths = (*instruction.complete, *instruction.partial)
        for path in paths:
            if path in self._files:
                self._files[path].steps.add(instruction.step)
        self._pending[instruction.step] = _Pending(now + self._retry_s, dict.fromkeys(paths))
        return []

    def _due_looks(self, now: float) -> list[Instruction]:
        due = [path for path, file in self._files.items() if file.look_at is not None and file.look_at <= now]
        for path in due:
            self._files[path].look_at = None
        return [Look(path) for path in due]

    def _due_steps(self, now: float) -> list[Instruction]:
        due = sorted(step for step, pending in self._pending.items() if pending.due <= now)
        return [self._commit_step(step) for step in due]

    def _commit_step(self, step: Step) -> Instruction:
        paths = self._pending.pop(step).paths
        complete: list[str] = []
        partial: list[str] = []
        for path in paths:
            file = self._files.get(path)
            if file is not None:
                file.steps.discard(step)
            (partial if file is not None and file.steps else complete).append(path)
        return CommitStep(step, tuple(complete), tuple(partial))

    def _stop(self) -> list[Instruction]:
        steps: list[Instruction] = [self._commit_step(step) for step in sorted(self._pending)]
        unfinished = [path for path, file in self._files.items() if file.state in ("waiting", "growing")]
        return steps + [Report(path) for path in unfinished]
