"""A run of a plan: messages go in one by one, each through all pipelines."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from dtedask.core.errors import PlanError, RunError
from dtedask.pipeline.checkpoint.content import Entry
from dtedask.pipeline.compute import Compute, Eager
from dtedask.pipeline.message import Kind, Message
from dtedask.pipeline.runs.chain import Chain, Link, PipelineStopped, group
from dtedask.pipeline.runs.dead_letters import DeadLetters
from dtedask.pipeline.runs.places import folder_of
from dtedask.pipeline.runs.routes import arriving
from dtedask.pipeline.runs.summary import Failure, RunSummary
from dtedask.pipeline.runs.threads import Threads

if TYPE_CHECKING:
    from dtedask.pipeline.checkpoint import Checkpoint
    from dtedask.pipeline.checkpoint.saving import Saving
    from dtedask.pipeline.plan import Pipeline, Plan
    from dtedask.pipeline.runs.policy import OnError

__all__ = ["Run", "RunSummary"]
_END = "end-of-simulation"


class Run:
    """A plan at work. Used in a ``with`` block, it is flushed at the end, unless by an error.

    Where a pipeline fails the others go on; the run fails once none is left, or at the end.

    Parameters
    ----------
    plan : Plan
        What to do.
    compute : Compute, optional
        Where the functions of the actions run; by default at once, in this thread.
    threads : int
        How many threads the functions run on, where `compute` does not say so; the results are the same.
    restored : Checkpoint, optional
        States to go on with.
    saving : Saving, optional
        Saves the states behind flushes.
    first : int
        Which message of the stream comes first, from 0: a source that goes on where it was leaves out what was taken.
    folder : path, optional
        Where the run keeps what is not output, such as dead letters; by default beside a local output.
    policy : OnError, optional
        What is done where an action fails, whatever the plan says.
    sleep : callable
        Waits so many seconds, before an action is tried again.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        compute: Compute | None = None,
        threads: int = 1,
        restored: Checkpoint | None = None,
        saving: Saving | None = None,
        first: int = 0,
        folder: str | os.PathLike[str] | None = None,
        policy: OnError | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.plan = plan
        self.summary = RunSummary()
        self._threads = Threads(threads) if compute is None and threads > 1 else None
        self._compute = compute or self._threads or Eager()
        self._sleep = sleep
        self._policy = policy
        self._saving = saving
        self.is_over = True
        """Whether the stream ends where the run does; else its state is saved, for another run that goes on."""
        self._index = first
        self.folder = folder_of(plan) if folder is None else Path(folder)
        self._chains = [self._chain(pipeline, restored) for pipeline in plan.pipelines]
        for chain in self._chains:
            chain.is_awaited = any(chain.pipeline.name in other.upstream for other in plan.pipelines)
        group(self._chains)
        self.summary.pipelines = [chain.summary for chain in self._chains]
        for chain in self._chains:
            for link in chain.links:
                if link.policy.at_last == "dead-letter":
                    self._letters(link)
        if saving is not None and restored is None:
            saving.began(self._chains)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None and not self.is_over and self._saving is not None:
                self.pause()
            elif kind is None:
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
        index, self._index = self._index, self._index + 1
        self.summary.fields += message.kind is Kind.FIELD
        gone_on: dict[str, list[Message]] = {}
        for chain in self._chains:
            if chain.error is None:
                self._feed(chain, message, index, gone_on)
        if message.kind is Kind.FLUSH and self._saving is not None and message.keys.get("flushKind") != _END:
            self._saving.flushed(self._chains, message)

    def feed_at(self, pipeline: int, action: int, message: Message) -> str:
        """Send a message through one pipeline from one of its actions on; return what failed, empty for nothing.

        Raises
        ------
        DtedaskError
            If the pipeline failed.
        """
        chain = self._chains[pipeline]
        before = chain.summary.skipped
        self.summary.fields += message.kind is Kind.FIELD
        try:
            chain.feed(message, action)
        except PipelineStopped:
            self._fail()
        return self.summary.failures[-1].error if chain.summary.skipped > before else ""

    def finish(self) -> None:
        """Flush at the end.

        Raises
        ------
        DtedaskError
            If a pipeline failed; all that the others had to do is done.
        """
        self.feed(Message.flush(_END))
        if self._saving is not None:
            self._saving.ended(self._chains)
        self.check()

    def saved_by(self, saving: Saving) -> None:
        """Have it saved which pipelines are done, where their states are elsewhere."""
        saving.ended(self._chains)

    def pause(self) -> None:
        """Save the state of a stream that goes on another time; raises as `finish`."""
        if self._saving is not None:
            self._saving.paused(self._chains)
        self.check()

    def check(self) -> None:
        """Raise the errors of pipelines that failed, if any did."""
        if any(chain.error is not None for chain in self._chains):
            self._fail()

    def status(self) -> dict[str, Any]:
        """What the run has done until now, as JSON can hold it."""
        queue = self._threads.unfinished_bytes if self._threads is not None else 0
        return {**self.summary.to_dict(), "queue_bytes": queue, "messages": self._index}

    def close(self) -> None:
        """Let go of what the actions hold."""
        for chain in self._chains:
            chain.close()
        if self._threads is not None:
            self._threads.close()

    def _feed(self, chain: Chain, message: Message, index: int, gone_on: dict[str, list[Message]]) -> None:
        if index < chain.seen or chain.is_done:
            chain.skip(message, index)
            return
        upstream = chain.pipeline.upstream
        try:
            if upstream:
                chain.halt_with(self._chains)
            for arrived in arriving(upstream, message, gone_on) if upstream else (message,):
                chain.feed(arrived)
            chain.seen = index + 1
        except PipelineStopped:
            self._fail_if_none_is_left()
        if chain.is_awaited:
            gone_on[chain.pipeline.name] = chain.gone_on()

    def _fail_if_none_is_left(self) -> None:
        if all(chain.error is not None for chain in self._chains):
            self._fail()

    def _fail(self) -> NoReturn:
        errors = [chain.error for chain in self._chains if chain.error is not None and not chain.is_halted]
        for error in errors:
            vars(error)["summary"] = self.summary
        if len(errors) == 1:
            raise errors[0]
        summed = RunError("\n  ".join([f"{len(errors)} pipelines failed:", *map(str, errors)]))
        summed.summary = self.summary
        raise summed

    def _chain(self, pipeline: Pipeline, restored: Checkpoint | None) -> Chain:
        entry = Entry(pipeline.name) if restored is None else restored.entry(pipeline.name)
        if entry.states:
            saved = [one for _, one in entry.states]
            states = [action.load(one) for action, one in zip(pipeline.actions, saved, strict=True)]
        else:
            states = [action.start() for action in pipeline.actions]
        chain = Chain(
            pipeline,
            self._compute,
            states,
            bury=self._bury,
            told=self._heard,
            sleep=self._sleep,
            policy=self._policy,
        )
        chain.seen, chain.last, chain.is_done = entry.seen, entry.last, entry.complete
        return chain

    def _heard(self, what: Message | Failure) -> None:
        if isinstance(what, Failure):
            self.summary.failed(what)
        else:
            self.summary.noted(what)

    def _bury(self, message: Message, link: Link, error: Exception) -> None:
        self._letters(link).bury(message, link, error, self.plan.digest)

    def _letters(self, link: Link) -> DeadLetters:
        if link.policy.to:
            return DeadLetters(self.plan.folder / Path(link.policy.to).expanduser())
        if self.folder is None:
            raise PlanError(
                f"The pipeline {link.chain.summary.name!r} keeps dead letters, but has no place for them.",
                hint="Name a folder: on-error: {type: dead-letter, to: FOLDER}.",
            )
        return DeadLetters(self.folder / "dead-letters")
