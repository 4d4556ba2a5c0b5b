"""Collect, while a recipe runs, what its report says."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import DtedaskError
from dtedask.core.memory import peak_memory_bytes
from dtedask.core.stages import StageTimes, listening_to_stages, staged
from dtedask.plugins import hookimpl, register, unregister
from dtedask.recipe.plan import catalog_of
from dtedask.recipe.report.document import (
    Report,
    ReportedCluster,
    ReportedCommit,
    ReportedError,
    ReportedInput,
    ReportedMemory,
    ReportedRecipe,
    ReportedSpan,
    ReportedStage,
    ReportedTasks,
    ReportedWork,
    ReportedWorker,
    Status,
)
from dtedask.recipe.report.versions import versions
from dtedask.store.author import author

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.cluster.watching.threads import ThreadsWatch
    from dtedask.cluster.watching.watch import ClusterWatch, Watched, WatchedTasks, WatchedWorker
    from dtedask.core.commit import Commit
    from dtedask.ingest import Progress, Summary
    from dtedask.recipe.document import Recipe

_MOST_COMMITS = _MOST_INPUTS = 500
_MOST_WARNINGS = 200
_LOGGERS = ("dtedask", "distributed")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run that came to its end did beside its commits."""

    summary: Summary
    series: tuple[str, ...] = ()
    rolled: str = ""
    results: str = ""
    products: str = ""


class Recorder:
    """Hears of everything that happens while a recipe runs.

    Parameters
    ----------
    recipe : Recipe
        What runs.
    profile : str, optional
        Profile to run on instead of its own.
    roots : sequence of str
        Roots whose commits are those of the run.
    clock : callable
        Gives seconds that never go back.
    now : callable
        Gives the time, UTC.
    """

    def __init__(
        self,
        recipe: Recipe,
        profile: str | None = None,
        roots: Sequence[str] = (),
        *,
        clock: Callable[[], float] = time.perf_counter,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.recipe = recipe
        self.begin = now()
        self._now = now
        self._profile = profile
        self._times = StageTimes(clock)
        self._commits = _Commits(roots)
        self._warnings = _Warnings()
        self._units: Summary | None = None
        self._watch: ClusterWatch | ThreadsWatch | None = None
        self._cluster: dict[str, Any] = {}
        self._watched: Watched | None = None

    @contextmanager
    def hearing(self) -> Iterator[None]:
        """Hear of stages, commits and warnings inside."""
        with ExitStack() as stack:
            stack.enter_context(listening_to_stages(self._times))
            stack.enter_context(self._warnings.heard())
            register(self._commits)
            stack.callback(unregister, self._commits)
            yield

    @contextmanager
    def watching(self, client: Client | None) -> Iterator[None]:
        """Watch a cluster, or the threads of this process, inside."""
        from dtedask.cluster.watching.watch import watching

        self._cluster = _facts(client)
        with staged("cluster", watching(client)) as self._watch:
            yield

    def progress(self, now: Progress) -> None:
        """Hear how far an ingest has come."""
        self._commits.bytes_so_far = now.bytes_done

    def unit_came(self, summary: Summary) -> None:
        """Hear of a unit that is committed, where units come one by one."""
        self._units = summary.brief() if self._units is None else (self._units + summary).brief()

    def report(self, outcome: Outcome | None = None, error: BaseException | None = None) -> Report:
        """Put everything together; the run has ended, by an error or without one."""
        end = self._now()
        stages = self._stages()
        seconds = sum(stage.seconds for stage in stages)
        watched = self._watch.result() if self._watch is not None else None
        summary = outcome.summary if outcome else getattr(error, "summary", None) or self._units
        return Report(
            recipe=_recipe(self.recipe),
            status=_status(error),
            error=_error(error),
            begin=self.begin,
            end=end,
            seconds=round(seconds, 3),
            host=socket.gethostname(),
            user=author().rpartition("@")[0],
            pid=os.getpid(),
            versions=versions(),
            cluster=self._reported_cluster(watched),
            work=self._work(summary, outcome, seconds),
            stages=stages,
            spans=[
                ReportedSpan(name=s.name, detail=s.detail, begin_s=round(s.begin_s, 4), end_s=round(s.end_s, 4))
                for s in self._times.spans
            ],
            tasks=[_tasks(one) for one in watched.tasks] if watched else [],
            retries=watched.retries if watched else 0,
            lost_workers=len(watched.lost) if watched else 0,
            memory=ReportedMemory(
                driver_peak_bytes=peak_memory_bytes(),
                worker_peak_bytes=watched.peak_memory_bytes if watched and watched.workers else None,
            ),
            skipped_count=len(summary.skipped) if summary else 0,
            skipped=_skipped(summary),
            failed=_failed(summary),
            hook_failures=[str(error) for error in summary.hook_failures[:_MOST_INPUTS]] if summary else [],
            warning_count=self._warnings.count,
            warnings=self._warnings.lines,
        )

    def _reported_cluster(self, watched: Watched | None) -> ReportedCluster:
        facts = self._cluster or _planned(self._profile or self.recipe.cluster)
        if watched is None:
            return ReportedCluster(**facts)
        return ReportedCluster(
            **facts,
            workers_most=watched.most_workers,
            workers=[_worker(worker) for worker in watched.workers],
            is_complete=watched.is_complete,
        )

    def _work(self, summary: Summary | None, outcome: Outcome | None, seconds: float) -> ReportedWork:
        heard = self._commits
        counts = {name: max(getattr(summary, name, 0), getattr(heard, name)) for name in ("new", "replaced")}
        counts["unchanged"] = summary.unchanged if summary else heard.unchanged
        size = summary.bytes if summary else heard.bytes
        fields = sum(counts.values())
        return ReportedWork(
            fields=fields,
            **counts,
            bytes=size,
            files=summary.files if summary else 0,
            units=summary.units if summary else heard.units,
            fields_per_s=round(fields / seconds, 3) if seconds else 0.0,
            bytes_per_s=round(size / seconds, 1) if seconds else 0.0,
            commit_count=heard.count,
            commits=[_commit(one) for one in heard.newest],
            series=list(outcome.series) if outcome else [],
            rolled=outcome.rolled if outcome else "",
            results=outcome.results if outcome else "",
            products=outcome.products if outcome else "",
        )

    def _stages(self) -> list[ReportedStage]:
        counts = self._times.counts
        return [
            ReportedStage(name=name, seconds=round(took, 4), count=counts.get(name, 1))
            for name, took in self._times.seconds.items()
        ]


class _Commits:
    """A plug-in that hears of commits."""

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = frozenset(roots)
        self.count = self.new = self.replaced = self.unchanged = self.units = 0
        self.bytes = self.bytes_so_far = 0  # of what is committed, and of all that tasks have written
        self.newest: deque[Commit] = deque(maxlen=_MOST_COMMITS)
        self._sources: tuple[str, ...] | None = None

    @hookimpl
    def after_commit(self, commit: Commit) -> None:
        """Count it, and its unit where it brought fields: the cubes of a unit are committed one after the other."""
        if commit.root not in self._roots:
            return
        self.count += 1
        self.new += commit.new
        self.replaced += commit.replaced
        self.unchanged += commit.unchanged
        if commit.fields:
            self.units += commit.sources != self._sources
            self._sources = commit.sources
            self.bytes = self.bytes_so_far
        self.newest.append(commit)


class _Warnings(logging.Handler):
    """Keeps the first warnings that are logged, and counts all."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0
        self.lines: list[str] = []

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hear of what libraries log."""
        loggers = [logging.getLogger(name) for name in _LOGGERS]
        for logger in loggers:
            logger.addHandler(self)
        try:
            yield
        finally:
            for logger in loggers:
                logger.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.count += 1
        if len(self.lines) < _MOST_WARNINGS:
            when = datetime.fromtimestamp(record.created, UTC)
            self.lines.append(f"{when:%Y-%m-%dT%H:%M:%SZ} {record.levelname} {record.name}: {record.getMessage()}")


def _facts(client: Client | None) -> dict[str, Any]:
    """What is known of the cluster behind a client."""
    if client is None:
        return {}
    from dtedask.cluster import started

    behind = started(client)
    scheduler = client.scheduler.address if client.scheduler is not None else ""
    if behind is None:
        return {"profile": "", "kind": "client", "scheduler": scheduler, "dashboard": client.dashboard_link or ""}
    return {
        "profile": behind.profile.name,
        "kind": behind.profile.kind,
        "scheduler": scheduler,
        "dashboard": behind.dashboard,
        "folder": str(behind.folder.path) if behind.folder is not None else "",
        "job": os.environ.get("SLURM_JOB_ID", ""),
        "workers_wanted": behind.profile.workers_maximum or behind.profile.workers,
    }


def _planned(name: str | None) -> dict[str, Any]:
    """The profile that would be used, or whose cluster never came up."""
    from dtedask.cluster import profile

    try:
        found = profile(name)
    except DtedaskError:  # a cluster that is kept by that name
        return {"profile": name or "", "kind": ""}
    wanted = None if found.kind == "threads" else found.workers_maximum or found.workers
    return {
        "profile": found.name,
        "kind": found.kind,
        "job": os.environ.get("SLURM_JOB_ID", ""),
        "workers_wanted": wanted,
    }


def _recipe(recipe: Recipe) -> ReportedRecipe:
    data = _source(recipe)
    return ReportedRecipe(
        name=recipe.name,
        file=str(recipe.path.expanduser().absolute()) if recipe.path else None,
        sha256=hashlib.sha256(data).hexdigest(),
        overrides=json.loads(json.dumps(recipe.overrides, default=str)),
        root=recipe.root,
        catalog=catalog_of(recipe),
    )


def _source(recipe: Recipe) -> bytes:
    if recipe.path is not None:
        try:
            return recipe.path.expanduser().read_bytes()
        except OSError:  # it is gone since
            pass
    return json.dumps(recipe.model_dump(), sort_keys=True, default=_plain).encode()


def _plain(value: object) -> str:
    """What stands for a value that JSON does not have, such as a function that listens."""
    return str(getattr(value, "__qualname__", value))


def _status(error: BaseException | None) -> Status:
    if error is None:
        return "done"
    return "failed" if isinstance(error, Exception) else "interrupted"


def _error(error: BaseException | None) -> ReportedError | None:
    if error is None:
        return None
    if isinstance(error, DtedaskError):
        return ReportedError(code=error.code, message=error.message, hint=error.hint)
    if isinstance(error, Exception):
        return ReportedError(code="error", message=f"{type(error).__name__}: {error}")
    return ReportedError(code="interrupted", message="Interrupted.", hint="Run it again: it does only what is missing.")


def _commit(commit: Commit) -> ReportedCommit:
    names = ("cube", "snapshot", "sequence", "time", "new", "replaced", "unchanged", "message")
    return ReportedCommit(**{name: getattr(commit, name) for name in names})


def _tasks(tasks: WatchedTasks) -> ReportedTasks:
    names = ("name", "done", "failed", "again")
    return ReportedTasks(
        **{name: getattr(tasks, name) for name in names},
        seconds=round(tasks.seconds, 3),
        transfer_seconds=round(tasks.transfer_seconds, 3),
    )


def _worker(worker: WatchedWorker) -> ReportedWorker:
    return ReportedWorker(**{name: getattr(worker, name) for name in ReportedWorker.model_fields})


def _skipped(summary: Summary | None) -> list[ReportedInput]:
    parts = summary.skipped[:_MOST_INPUTS] if summary else ()
    return [
        ReportedInput(file=part.location, reason=part.reason, offset=part.offset, length=part.length) for part in parts
    ]


def _failed(summary: Summary | None) -> list[ReportedInput]:
    failed = summary.failed[:_MOST_INPUTS] if summary else ()
    return [ReportedInput(file=name, reason=str(error)) for name, error in failed]
