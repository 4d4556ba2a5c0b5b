"""Keep the wanted number of worker jobs: what to do at each event, without a clock, a thread or SLURM.

dask-jobqueue submits jobs and believes in them for ever. Here a job that ended, whose node is lost or whose workers are
gone is replaced by another; a job that waits in the queue is not lost. `keeping` runs this beside a scheduler.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dtedask.cluster.slurm.commands import Job
from dtedask.cluster.slurm.keeper_events import (
    Ask,
    Came,
    Cancel,
    Event,
    Forget,
    GiveUp,
    Instruction,
    Limits,
    Listed,
    Note,
    NotListed,
    Refused,
    Submit,
    Submitted,
    Tick,
    Wanted,
    Went,
)

Phase = Literal["submitting", "queued", "running"]


@dataclass(slots=True)
class KeptJob:
    """A job as the keeper sees it."""

    name: str
    since: float
    """When its phase began."""
    id: str = ""
    phase: Phase = "submitting"
    workers: int = 0
    had_workers: bool = False
    lost_at: float | None = None
    """When the last worker went."""
    is_unsure: bool = False
    """Whether SLURM did not say that it took the job."""


@dataclass(slots=True)
class Keeper:
    """The state machine.

    Parameters
    ----------
    stem : str
        Names of jobs are this, a hyphen and a number.
    limits : Limits
        When something is taken for lost.

    Attributes
    ----------
    jobs : dict of str to KeptJob
        Jobs that count: submitted, not known to have ended, not told to leave.
    leaving : dict of str to float
        Jobs that were told to end and of which SLURM has not said so yet, and when they were told.
    replaced : int
        Jobs that were lost.
    """

    stem: str
    limits: Limits = field(default_factory=Limits)
    wanted: int = 0
    jobs: dict[str, KeptJob] = field(default_factory=dict)
    leaving: dict[str, float] = field(default_factory=dict)
    replaced: int = 0
    has_given_up: bool = False
    _number: int = 0
    _failed: list[str] = field(default_factory=list)
    _not_before: float = 0.0
    _away_since: float | None = None
    _asked_at: float = float("-inf")
    _is_asking: bool = False
    _pause: float = 0.0
    _out: list[Instruction] = field(default_factory=list)

    def handle(self, event: Event, now: float) -> list[Instruction]:
        """Take an event and return what to do, in this order.

        Parameters
        ----------
        event : Event
            What happened.
        now : float
            Time in seconds, of a clock that never goes back.
        """
        if self.has_given_up:
            return []
        match event:
            case Wanted():
                self._want(event, now)
            case Submitted():
                self._submitted(event, now)
            case Refused():
                self._refused(event, now)
            case Listed():
                self._listed(event, now)
            case NotListed():
                self._is_asking = False
                self._slow_down()
                self._is_away(event.said, now)
            case Came():
                self._came(event.name, now)
            case Went():
                self._went(event.name, now)
            case Tick():
                self._look_for_lost(now)
        self._settle(now)
        self._ask(now)
        out, self._out = self._out, []
        return out

    @property
    def workers(self) -> int:
        """Workers that are connected, of jobs that count."""
        return sum(job.workers for job in self.jobs.values())

    # What events change

    def _want(self, event: Wanted, now: float) -> None:
        if event.number != self.wanted:
            self._say(f"wanted jobs: {event.number}, after {self.wanted}")
        self.wanted = event.number
        surplus = len(self._lasting(now)) - self.wanted
        for name in event.leaving[: max(surplus, 0)]:
            if name in self.jobs:
                self._let_go(self.jobs[name], now)

    def _submitted(self, event: Submitted, now: float) -> None:
        self._away_since = None
        self._hurry()
        job = self.jobs.get(event.name)
        if job is None:
            return  # it was told to leave meanwhile: what was told then is told again with its number
        job.id = event.id
        if job.phase == "submitting":
            job.phase, job.since = "queued", now
        self._say(f"job {event.id} ({event.name}) is submitted")

    def _refused(self, event: Refused, now: float) -> None:
        job = self.jobs.get(event.name)
        if not event.is_final:
            # SLURM may have taken it: it counts until a list shows that it is not there.
            if job is not None and job.phase == "submitting":
                job.phase, job.since, job.is_unsure = "queued", now, True
            self._is_away(event.said, now)
            return
        self._away_since = None
        self.leaving.pop(event.name, None)
        if job is None:
            return
        del self.jobs[event.name]
        if not self.jobs:
            self._give_up(f"SLURM refuses the jobs: {event.said}")
            return
        self._say(f"SLURM refuses job {event.name}: {event.said}", is_warning=True)
        self._failed.append(event.name)
        self._back_off(now)

    def _listed(self, event: Listed, now: float) -> None:
        self._is_asking = False
        self._away_since = None
        self._slow_down()
        for job in list(self.jobs.values()):
            self._seen(job, event.jobs.get(job.name), event.asked_at, now)
        for name, told in list(self.leaving.items()):
            seen = event.jobs.get(name)
            if (seen is None and told < event.asked_at) or (seen is not None and seen.has_ended):
                del self.leaving[name]
            elif now - told > self.limits.lost_s:
                self.leaving[name] = now
                self._out.append(Cancel((name,)))

    def _seen(self, job: KeptJob, seen: Job | None, asked_at: float, now: float) -> None:
        """Take what SLURM says of one job."""
        if seen is None:
            if job.is_unsure and job.since < asked_at:
                del self.jobs[job.name]
            elif job.phase != "submitting" and job.since < asked_at and not job.workers:
                self._ended(job, "is not known any more", now)
            return
        job.id, job.is_unsure = seen.id, False
        if seen.has_ended:
            self._ended(job, f"ended: {seen.state}", now)
        elif seen.is_waiting:
            if job.phase != "queued" and not job.workers:
                job.phase, job.since, job.lost_at = "queued", now, None
        elif job.phase != "running":
            self._hurry()
            job.phase, job.since = "running", now
            self._say(f"job {job.id} ({job.name}) runs on {seen.nodes}")

    def _came(self, name: str, now: float) -> None:
        job = self.jobs.get(name)
        if job is None:
            return
        if job.phase != "running":
            job.phase, job.since = "running", now
        job.workers += 1
        job.had_workers, job.lost_at = True, None
        self._failed.clear()
        self._not_before = now
        self._say(f"a worker of job {job.id} ({name}) came; workers: {self.workers}")

    def _went(self, name: str, now: float) -> None:
        job = self.jobs.get(name)
        if job is None or not job.workers:
            return
        job.workers -= 1
        if not job.workers:
            job.lost_at = now
        self._hurry()
        self._say(f"a worker of job {job.id} ({name}) went; workers: {self.workers}")

    def _look_for_lost(self, now: float) -> None:
        if self._away_since is not None:
            self._is_away("it does not answer", now)
        for job in list(self.jobs.values()):
            if job.lost_at is not None and now - job.lost_at >= self.limits.lost_s:
                self._replace(job, f"has had no worker for {self.limits.lost_s:g} s", now)
            elif job.phase == "running" and not job.had_workers and now - job.since >= self.limits.silent_s:
                self._replace(job, f"has run for {self.limits.silent_s:g} s without a worker", now)

    # What follows

    def _ended(self, job: KeptJob, how: str, now: float) -> None:
        """A job is over, by its own or by SLURM."""
        del self.jobs[job.name]
        self.replaced += 1
        self._hurry()
        if job.workers:
            self._out.append(Forget(job.name))
        is_usual = job.had_workers and how.endswith("COMPLETED")  # as at the end of its walltime
        self._say(f"job {job.id} ({job.name}) {how}", is_warning=not is_usual)
        if not job.had_workers:
            self._failed.append(job.name)
            self._back_off(now)

    def _replace(self, job: KeptJob, why: str, now: float) -> None:
        """A job is of no use any more."""
        self._ended(job, why, now)
        self.leaving[job.name] = now
        self._out.append(Cancel((job.name,)))

    def _let_go(self, job: KeptJob, now: float) -> None:
        """A job is not wanted any more."""
        del self.jobs[job.name]
        self.leaving[job.name] = now
        self._hurry()
        self._say(f"job {job.id} ({job.name}) is let go")
        self._out.append(Cancel((job.name,), retire=job.workers > 0))

    def _back_off(self, now: float) -> None:
        """Too many failures in a row end all; a few make the next job wait."""
        failures, limit = len(self._failed), self.limits.failures
        self._not_before = now + min(2.0 ** (failures - 1), self.limits.longest_backoff_s)
        if not self.workers and failures >= limit and (not self.jobs or failures >= 3 * limit):
            names = tuple(self._failed[-limit:])
            self._give_up(f"{failures} jobs in a row ended before a worker of theirs connected", names)

    def _is_away(self, said: str, now: float) -> None:
        if self._away_since is None:
            self._away_since = now
            self._say(f"SLURM does not answer, and is asked again: {said}", is_warning=True)
        if not self.workers and now - self._away_since >= self.limits.away_s:
            self._give_up(f"SLURM has not answered for {now - self._away_since:.0f} s: {said}")

    def _give_up(self, why: str, names: tuple[str, ...] = ()) -> None:
        self.has_given_up = True
        left = tuple(self.jobs)
        if left:
            self._out.append(Cancel(left))
        self._out.append(GiveUp(why, names))

    def _settle(self, now: float) -> None:
        """Have as many jobs as are wanted: let the newest and idlest go, or submit some."""
        if self.has_given_up:
            return
        lasting = self._lasting(now) if self.wanted else list(self.jobs.values())
        surplus = len(lasting) - self.wanted
        if surplus > 0:
            order = sorted(lasting, key=lambda job: (job.workers > 0, job.phase == "running", -job.since))
            for job in order[:surplus]:
                self._let_go(job, now)
        if now < self._not_before:
            return
        for _ in range(-surplus):
            name = f"{self.stem}-{self._number}"
            self._number += 1
            self.jobs[name] = KeptJob(name, now)
            self._out.append(Submit(name))

    def _lasting(self, now: float) -> list[KeptJob]:
        """Jobs that will not end by themselves soon."""
        return [
            job for job in self.jobs.values() if job.phase != "running" or now - job.since < self.limits.succeeded_s
        ]

    def _ask(self, now: float) -> None:
        if (self.jobs or self.leaving) and not self._is_asking and now - self._asked_at >= self._pause:
            self._is_asking, self._asked_at = True, now
            self._out.append(Ask())

    def _hurry(self) -> None:
        """Ask SLURM soon: something happened."""
        self._pause = self.limits.shortest_pause_s

    def _slow_down(self) -> None:
        self._pause = min(max(2 * self._pause, self.limits.shortest_pause_s), self.limits.longest_pause_s)

    def _say(self, text: str, *, is_warning: bool = False) -> None:
        self._out.append(Note(text, is_warning))
