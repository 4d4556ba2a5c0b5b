"""How far a stream has come, and where one that was interrupted goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import PlanError
from dtedask.pipeline.checkpoint.saving import Saving
from dtedask.pipeline.run import Run
from dtedask.pipeline.running import Beginning, Resume, beginning_of, checkpoints_of

if TYPE_CHECKING:
    from dtedask.pipeline.message import Message
    from dtedask.pipeline.plan import Plan

__all__ = ["Progress"]

_IDENTITY = {"kind": "stream"}


class Progress:
    """The last flush of a stream; a checkpoint keeps it."""

    def __init__(self) -> None:
        self.resumed_after: Mapping[str, str] | None = None
        self._last: dict[str, str] = {}

    def begin(self, plan: Plan, threads: int, resume: Resume) -> Run:
        """Make a run that saves its state, and goes on with one that was interrupted.

        Raises
        ------
        PlanError
            If that was one of another plan, if there is none and must be, or if its pipelines stopped at different
            steps: a model cannot begin again at several.
        """
        checkpoints = checkpoints_of(plan, plan.document.checkpoint)
        begin = beginning_of(plan, _IDENTITY, checkpoints, resume)
        self._go_on(begin)
        saving = None
        if checkpoints is not None:
            options, position = plan.document.checkpoint, lambda: {"flush": self._last}
            saving = Saving(checkpoints, options, run=begin.run, plan=plan, source=_IDENTITY, position=position)
        return Run(plan, threads=threads, restored=begin.checkpoint, saving=saving, first=begin.seen)

    def flushed(self, message: Message) -> None:
        """Note a flush, before it goes through the plan."""
        self._last = {key: str(value) for key, value in message.keys.items()}

    def _go_on(self, begin: Beginning) -> None:
        if begin.checkpoint is None:
            return
        entries = [entry for entry in begin.checkpoint.entries if not entry.complete]
        steps: list[Any] = [entry.position for entry in entries]
        if any(step != steps[0] for step in steps):
            said = ", ".join(f"{entry.pipeline} at {entry.last or 'the beginning'}" for entry in entries)
            raise PlanError(
                f"The pipelines of the interrupted stream stopped at different steps: {said}.",
                hint="Begin anew (resume='never'), which gives up their state.",
            )
        found = (begin.position or {}).get("flush") or None
        self.resumed_after, self._last = found, dict(found or {})
