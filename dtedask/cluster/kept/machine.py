"""What a kept cluster does about what happens to it: a state machine without clock, threads and input.

Events come in with the time at which they happened; instructions come out, which `dtedask.cluster.kept.process` obeys.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many workers are wanted: a fixed number where both are the same."""

    minimum: int
    maximum: int

    def __str__(self) -> str:
        return str(self.minimum) if self.minimum == self.maximum else f"{self.minimum} to {self.maximum}"


# What happens.


@dataclass(frozen=True, slots=True)
class ClientCame:
    """Somebody connected."""

    client: str


@dataclass(frozen=True, slots=True)
class ClientLeft:
    """Somebody disconnected, or is gone."""

    now: float
    client: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """The time came that was waited for; so many tasks are unfinished."""

    now: float
    tasks: int


@dataclass(frozen=True, slots=True)
class AskedToScale:
    """The owner wants another number of workers."""

    now: float
    asker: int
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class AskedToStop:
    """The owner wants an end; so many tasks are unfinished."""

    asker: int
    tasks: int
    force: bool


@dataclass(frozen=True, slots=True)
class Signalled:
    """The process got a signal."""

    name: str


@dataclass(frozen=True, slots=True)
class SchedulerEnded:
    """The scheduler is gone without being told to."""


Event = ClientCame | ClientLeft | Alarm | AskedToScale | AskedToStop | Signalled | SchedulerEnded


# What to do.


@dataclass(frozen=True, slots=True)
class SetWorkers:
    """Want so many workers from now on."""

    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Answer:
    """Tell who asked whether it is done, and if not, why."""

    asker: int
    done: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Come back with an `Alarm` at this time, and at no other that was named before."""

    time: float


@dataclass(frozen=True, slots=True)
class End:
    """End jobs, scheduler and process."""

    why: Literal["stopped", "idle", "signal", "scheduler"]
    text: str


Instruction = SetWorkers | Answer | WakeAt | End


def duration_text(seconds: float) -> str:
    """``2 h``, ``90 s``: in the largest unit that leaves no fraction."""
    unit, size = next(((unit, size) for unit, size in (("h", 3600), ("min", 60)) if not seconds % size), ("s", 1))
    return f"{seconds / size:g} {unit}"


@dataclass
class Keeping:
    """A cluster that runs until somebody or something ends it.

    Parameters
    ----------
    wanted : Wanted
        Workers.
    started : float
        When it started, in seconds of any clock.
    idle_s : float, optional
        How long it lives without a client and without a task; None for ever.
    """

    wanted: Wanted
    started: float
    idle_s: float | None = None
    ends: bool = False
    clients: set[str] = field(default_factory=set)
    _used: float = field(init=False)

    def __post_init__(self) -> None:
        self._used = self.started

    def begin(self) -> list[Instruction]:
        """What to do first."""
        return self._wake()

    def handle(self, event: Event) -> list[Instruction]:
        """What to do about an event; nothing, once the end has come."""
        if self.ends:
            return [Answer(event.asker, True)] if isinstance(event, AskedToStop) else self._refuse(event)
        match event:
            case ClientCame(client):
                return self._came(client)
            case ClientLeft(now, client):
                return self._left(now, client)
            case Alarm(now, tasks):
                return self._look(now, tasks)
            case AskedToScale(now, asker, wanted):
                self.wanted, self._used = wanted, now
                return [SetWorkers(self._effective()), Answer(asker, True), *self._wake()]
            case AskedToStop(asker, tasks, force):
                return self._stop(asker, tasks, force)
            case Signalled(name):
                return self._end("stopped" if name == "SIGINT" else "signal", f"it got the signal {name}")
            case SchedulerEnded():
                return self._end("scheduler", "its scheduler ended")

    def _refuse(self, event: Event) -> list[Instruction]:
        return [Answer(event.asker, False, "it is ending")] if isinstance(event, AskedToScale) else []

    def _came(self, client: str) -> list[Instruction]:
        before = self._effective()
        self.clients.add(client)
        return self._set(before)

    def _left(self, now: float, client: str) -> list[Instruction]:
        if client not in self.clients:
            return []
        before = self._effective()
        self.clients.remove(client)
        self._used = now
        return [*self._set(before), *self._wake()]

    def _effective(self) -> Wanted:
        """As wanted; but who is connected may wait for a worker before there are tasks, so that there is one."""
        follows = self.wanted.minimum < self.wanted.maximum
        return replace(self.wanted, minimum=max(self.wanted.minimum, 1)) if follows and self.clients else self.wanted

    def _set(self, before: Wanted) -> list[Instruction]:
        now = self._effective()
        return [] if now == before else [SetWorkers(now)]

    def _look(self, now: float, tasks: int) -> list[Instruction]:
        """End if nobody uses it; a client that is connected does, even between its tasks."""
        if self.idle_s is None or self.clients:
            return []  # the last one to leave starts the clock again
        if tasks:
            self._used = now
        elif now - self._used >= self.idle_s:
            return self._end("idle", f"nobody used it for {duration_text(self.idle_s)}")
        return self._wake()

    def _stop(self, asker: int, tasks: int, force: bool) -> list[Instruction]:
        if tasks and not force:
            return [Answer(asker, False, f"{tasks} task{'s are' if tasks > 1 else ' is'} unfinished")]
        return [Answer(asker, True), *self._end("stopped", "it was stopped")]

    def _wake(self) -> list[Instruction]:
        return [] if self.idle_s is None or self.clients else [WakeAt(self._used + self.idle_s)]

    def _end(self, why: Literal["stopped", "idle", "signal", "scheduler"], text: str) -> list[Instruction]:
        self.ends = True
        return [End(why, text)]
