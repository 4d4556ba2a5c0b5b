"""A run of a plan: messages go in one by one, each through all pipelines."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from dtedask.core.errors import PlanError, RunError
from dtedask.pipeline.chain import Chain, Link, PipelineStopped
from dtedask.pipeline.compute import Compute, Eager
from dtedask.pipeline.dead_letters import DeadLetters
from dtedask.pipeline.message import Kind, Message
from dtedask.pipeline.places import folder_of
from dtedask.pipeline.routes import arriving
from dtedask.pipeline.summary import Failure, RunSummary

if TYPE_CHECKING:
    from dtedask.pipeline.plan import Pipeline, Plan

__all__ = ["Run", "RunSummary"]


class Run:
    """A plan at work. Used in a ``with`` block, it is flushed at the end, unless by an error.

    Where a pipeline fails the others go on; the run fails once none is left, or at the end.

    Parameters
    ----------
    plan : Plan
        What to do.
    compute : Compute, optional
        Where the functions of the actions run; by default at once, in this thread.
    folder : path, optional
        Where the run keeps what is not output, such as dead letters; by default beside a local output.
    sleep : callable
        Waits so many seconds, before an action is tried again.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        compute: Compute | None = None,
        folder: str | os.PathLike[str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.plan = plan
        self.summary = RunSummary()
        self._compute = compute or Eager()
        self._sleep = sleep
        self.folder = folder_of(plan) if folder is None else Path(folder)
        self._chains = [
            self._chain(pipeline, [action.start() for action in pipeline.actions]) for pipeline in plan.pipelines
        ]
        for chain in self._chains:
            chain.is_awaited = any(chain.pipeline.name in other.upstream for other in plan.pipelines)
        self.summary.pipelines = [chain.summary for chain in self._chains]
        for chain in self._chains:
            for link in chain.links:
                if link.policy.at_last == "dead-letter":
                    self._letters(link)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self.close()

    def feed(self, message: Message) -> None:
        """Send a message through all pipelines.

        Raises
        ------
        DtedaskError
            If no pipeline is left that could take it: the error of the only one, or a `RunError` that sums up.
        """
        self.summary.fields += message.kind is Kind.FIELD
        is_alive = False
        gone_on: dict[str, list[Message]] = {}
        for chain in self._chains:
            if chain.error is None:
                try:
                    for arrived in arriving(chain.pipeline.upstream, message, gone_on):
                        chain.feed(arrived)
                    is_alive = True
                except PipelineStopped:
                    continue
                finally:
                    gone_on[chain.pipeline.name] = chain.gone_on()
        if not is_alive:
            self._fail()

    def finish(self) -> None:
        """Flush at the end.

        Raises
        ------
        DtedaskError
            If a pipeline failed; all that the others had to do is done.
        """
        self.feed(Message.flush("end-of-simulation"))
        if any(chain.error is not None for chain in self._chains):
            self._fail()

    def close(self) -> None:
        """Let go of what the actions hold."""
        for chain in self._chains:
            chain.close()

    def _fail(self) -> NoReturn:
        errors = [chain.error for chain in self._chains if chain.error is not None]
        if len(errors) == 1:
            raise errors[0]
        raise RunError("\n  ".join([f"{len(errors)} pipelines failed:", *map(str, errors)]))

    def _chain(self, pipeline: Pipeline, states: Sequence[Any]) -> Chain:
        return Chain(pipeline, self._compute, states, bury=self._bury, told=self._heard, sleep=self._sleep)

    def _heard(self, what: Message | Failure) -> None:
        if isinstance(what, Failure):
            self.summary.failed(what)
        else:
            self.summary.noted(what)

    def _bury(self, message: Message, link: Link, error: Exception) -> None:
        self._letters(link).bury(message, link, error, self.plan.document.digest)

    def _letters(self, link: Link) -> DeadLetters:
        if link.policy.to:
            return DeadLetters(self.plan.folder / Path(link.policy.to).expanduser())
        if self.folder is None:
            raise PlanError(
                f"The pipeline {link.chain.summary.name!r} keeps dead letters, but has no place for them.",
                hint="Name a folder: on-error: {type: dead-letter, to: FOLDER}.",
            )
        return DeadLetters(self.folder / "dead-letters")
