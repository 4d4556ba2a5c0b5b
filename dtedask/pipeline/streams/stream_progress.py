"""The run behind a stream: how far it has come, and where one that was interrupted goes on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING

from dtedask.core.errors import PlanError
from dtedask.pipeline.checkpoint.saving import Saving
from dtedask.pipeline.run import Run
from dtedask.pipeline.runs.places import folder_of
from dtedask.pipeline.runs.running import Beginning, Resume, alone, beginning_of, checkpoints_of
from dtedask.pipeline.runs.status import StatusFile

if TYPE_CHECKING:
    from dtedask.pipeline.message import Message
    from dtedask.pipeline.plan import Plan

__all__ = ["Progress"]

_IDENTITY = {"kind": "stream"}


class Progress:
    """A run of a plan, its status and its checkpoints, which know the last flush.

    Parameters
    ----------
    plan : Plan
        What to do.
    threads : int
        How many threads the functions of the actions run on.
    resume : {"auto", "must", "never"}, optional
        Whether to go on with a stream that was interrupted; without it neither state nor status are kept.

    Raises
    ------
    PlanError
        If the interrupted stream was of another plan, if there is none and must be, or if its pipelines stopped at
        different steps: a model cannot begin again at several.
    LockedError
        If somebody runs the plan into the same output.
    """

    def __init__(self, plan: Plan, threads: int, resume: Resume | None) -> None:
        self.resumed_after: Mapping[str, str] | None = None
        self._last: Mapping[str, str] = {}
        kept = folder_of(plan) if resume else None
        with ExitStack() as stack:
            if kept is not None:
                stack.enter_context(alone(kept, plan.document.title))
            begin, saving = self._beginning(plan, resume)
            self.run = Run(plan, threads=threads, restored=begin.checkpoint, saving=saving, first=begin.seen)
            self._status = StatusFile(kept, plan, _IDENTITY, run=begin.run)
            self._status.watch(self.run)
            stack.enter_context(self._status)
            stack.enter_context(self.run)
            self._open = stack.pop_all()

    def feed(self, message: Message) -> None:
        """Send a message through the plan."""
        if message.keys.get("flushKind"):
            self._last = {key: str(value) for key, value in message.keys.items()}
        self.run.feed(message)
        self._status.tick()

    def end(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Flush what is left, unless by an error, and let go of all that is open."""
        self._open.__exit__(kind, error, traceback)

    def _beginning(self, plan: Plan, resume: Resume | None) -> tuple[Beginning, Saving | None]:
        options = plan.document.checkpoint
        checkpoints = checkpoints_of(plan, options) if resume else None
        begin = beginning_of(plan, _IDENTITY, checkpoints, resume or "never")
        self.resumed_after = _step_of(begin)
        self._last = self.resumed_after or {}
        if checkpoints is None:
            return begin, None
        return begin, Saving(checkpoints, options, run=begin.run, plan=plan, source=_IDENTITY, position=self._position)

    def _position(self) -> dict[str, Mapping[str, str]]:
        return {"flush": self._last}


def _step_of(begin: Beginning) -> Mapping[str, str] | None:
    """Keys of the flush behind which a stream goes on; None for its beginning."""
    if begin.checkpoint is None:
        return None
    entries = [entry for entry in begin.checkpoint.entries if not entry.complete]
    if any(entry.position != entries[0].position for entry in entries):
        said = ", ".join(f"{entry.pipeline} behind {entry.last or 'the beginning'}" for entry in entries)
        raise PlanError(
            f"The pipelines of the interrupted stream stopped at different steps: {said}.",
            hint="Begin anew (resume='never'), which gives up their state.",
        )
    found: Mapping[str, str] | None = (begin.position or {}).get("flush") or None
    return found
