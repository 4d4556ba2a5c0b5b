"""A run of a plan on a source, from where it was interrupted if it was."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from filelock import FileLock, Timeout

from dtedask.core.errors import LockedError, PlanError
from dtedask.pipeline.checkpoint import Checkpoint, CheckpointOptions, Checkpoints
from dtedask.pipeline.checkpoint.difference import difference
from dtedask.pipeline.checkpoint.saving import Saving, plan_content
from dtedask.pipeline.run import Run
from dtedask.pipeline.runs.places import folder_of, url_of
from dtedask.pipeline.runs.status import StatusFile
from dtedask.pipeline.sources import Source

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.pipeline.message import Message
    from dtedask.pipeline.plan import Plan
    from dtedask.pipeline.runs.summary import RunSummary

__all__ = ["Beginning", "Resume", "beginning_of", "checkpoints_of", "run_plan"]
Resume = Literal["auto", "must", "never"]
Input = Source | Iterable["Message"]


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a run begins.

    Parameters
    ----------
    run : str
        What it is called; a run that goes on keeps its name.
    checkpoint : Checkpoint, optional
        What it goes on with.
    """

    run: str
    checkpoint: Checkpoint | None = None

    @property
    def position(self) -> dict[str, Any] | None:
        """Where the source goes on, in its own words."""
        if self.checkpoint is None:
            return None
        unfinished = [entry for entry in self.checkpoint.entries if not entry.complete]
        return min(unfinished, key=lambda entry: entry.seen).position if unfinished else None

    @property
    def seen(self) -> int:
        """How many messages of the source come before it."""
        if self.checkpoint is None:
            return 0
        return min((entry.seen for entry in self.checkpoint.entries if not entry.complete), default=0)


def run_plan(
    plan: Plan,
    source: Input,
    *,
    resume: Resume | None = "auto",
    threads: int = 1,
    checkpoint: CheckpointOptions | None = None,
    folder: str | os.PathLike[str] | None = None,
    client: Client | None = None,
    on_begin: Callable[[Beginning], None] | None = None,
    on_message: Callable[[Message], None] | None = None,
) -> RunSummary:
    """Send the messages of a source through a plan.

    Parameters
    ----------
    plan : Plan
        What to do.
    source : Source or iterable of Message
        What comes; an iterable must give the same again for a run that goes on.
    resume : {"auto", "must", "never"}, optional
        Whether to go on with a run of the plan on this source that did not come to its end. None saves no state.
    threads : int
        How many threads the functions of the actions run on.
    checkpoint : CheckpointOptions, optional
        When the state is saved, and where; by default as the plan says. Without an output and without a URL it is not.
    folder : path, optional
        Where status and dead letters are kept; by default ``.plans/NAME`` below a local output.
    client : distributed.Client, optional
        Shows the status on the dashboard of its cluster, at ``/plans``; the work is done here all the same.
    on_begin : callable, optional
        Hears of where the run begins.
    on_message : callable, optional
        Hears of each message before it is sent.

    Returns
    -------
    RunSummary
        What was done.

    Raises
    ------
    DtedaskError
        If a pipeline failed; the others have done all that they had to.
    PlanError
        If the interrupted run was of another plan or source, or there is none and one is wanted.
    LockedError
        If somebody runs the plan into the same output.
    """
    options = checkpoint or plan.document.checkpoint
    checkpoints = checkpoints_of(plan, options) if resume is not None else None
    where = folder_of(plan) if folder is None else Path(folder)
    kept = where if resume is not None else None
    with ExitStack() as stack:
        if kept is not None:
            stack.enter_context(alone(kept, plan.document.title))
        begin = beginning_of(plan, _identity(source), checkpoints, resume or "never")
        if on_begin is not None:
            on_begin(begin)
        status = stack.enter_context(_status(kept, plan, source, begin, client))
        saving = None if checkpoints is None else _saving(checkpoints, options, plan, source, begin)
        first = begin.seen if isinstance(source, Source) else 0
        run = Run(plan, threads=threads, restored=begin.checkpoint, saving=saving, first=first, folder=where)
        status.watch(run)
        stack.enter_context(run)
        for message in _messages(source, begin):
            if on_message is not None:
                on_message(message)
            run.feed(message)
            status.tick()
        run.is_over = source.is_over if isinstance(source, Source) else True
    return run.summary


@contextmanager
def alone(folder: Path, title: str) -> Iterator[None]:
    """Keep others from running the plan into the same output meanwhile.

    Raises
    ------
    LockedError
        If somebody does; a process that is gone holds nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock", timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise LockedError(
            f"The plan {title!r} is running already: its state in {str(folder)!r} is held.",
            hint="`dtedask plan status` says where; wait for its end, or give this run another output or name.",
        ) from error
    try:
        yield
    finally:
        lock.release()


def beginning_of(plan: Plan, source: dict[str, Any], checkpoints: Checkpoints | None, resume: Resume) -> Beginning:
    """Find out where a run begins.

    Raises
    ------
    PlanError
        If the interrupted run was of another plan or source, or there is none and `resume` says that there must be.
    """
    found = checkpoints.read() if checkpoints is not None and resume != "never" else None
    if found is None or found.complete:
        if resume == "must":
            why = "saves no state" if checkpoints is None else "has no run that was interrupted"
            raise PlanError(f"The plan {plan.document.title!r} {why}: there is nothing to go on with.")
        return Beginning(secrets.token_hex(6))
    assert checkpoints is not None
    _check_same(plan, source, found, checkpoints.url)
    return Beginning(found.run, found)


def _check_same(plan: Plan, source: dict[str, Any], found: Checkpoint, url: str) -> None:
    anew = "Finish that run as it was, or begin anew (--again), which gives up its state."
    if found.plan_hash != plan.digest:
        changed = difference(found.plan, plan_content(plan)) or ["a file that the plan names is another"]
        said = "\n  ".join(changed)
        raise PlanError(
            f"In {url} stands the state of an interrupted run of another plan (saved {found.time}):\n  {said}.",
            hint=anew,
        )
    if found.source != source:
        said = "\n  ".join(difference(found.source, source))
        raise PlanError(
            f"In {url} stands the state of an interrupted run on another input (saved {found.time}):\n  {said}.",
            hint=anew,
        )


def checkpoints_of(plan: Plan, options: CheckpointOptions) -> Checkpoints | None:
    """Where the states of runs of a plan are saved; None where they are not."""
    url = options.url or url_of(plan)
    return None if options.never or not url else Checkpoints(url)


def _identity(source: Input) -> dict[str, Any]:
    return source.identity if isinstance(source, Source) else {"kind": "messages"}


def _status(folder: Path | None, plan: Plan, source: Input, begin: Beginning, client: Client | None) -> StatusFile:
    total = (lambda: source.total) if isinstance(source, Source) else (lambda: None)
    return StatusFile(folder, plan, _identity(source), run=begin.run, total=total, client=client)


def _saving(
    checkpoints: Checkpoints, options: CheckpointOptions, plan: Plan, source: Input, begin: Beginning
) -> Saving:
    position: Any = (lambda: source.position) if isinstance(source, Source) else (lambda: None)
    return Saving(checkpoints, options, run=begin.run, plan=plan, source=_identity(source), position=position)


def _messages(source: Input, begin: Beginning) -> Iterator[Message]:
    return source.messages(begin.position) if isinstance(source, Source) else iter(source)
