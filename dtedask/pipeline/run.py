"""A run of a plan: messages go in one by one, each through all pipelines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from dtedask.pipeline.compute import Compute, Eager
from dtedask.pipeline.message import Kind, Message
from dtedask.pipeline.routes import arriving

if TYPE_CHECKING:
    from dtedask.pipeline.plan import Pipeline, Plan


@dataclass(slots=True)
class RunSummary:
    """What a run did.

    Parameters
    ----------
    fields : int
        Fields that came in.
    notices : list of Message
        One for each flush that sinks wrote something for.
    """

    fields: int = 0
    notices: list[Message] = field(default_factory=list)


class Run:
    """A plan at work. Used in a ``with`` block, it is flushed at the end, unless by an error.

    Parameters
    ----------
    plan : Plan
        What to do.
    compute : Compute, optional
        Where the functions of the actions run; by default at once, in this thread.
    """

    def __init__(self, plan: Plan, *, compute: Compute | None = None) -> None:
        self.plan = plan
        self.summary = RunSummary()
        self._compute = compute or Eager()
        self._states: list[tuple[Pipeline, list[Any]]] = [
            (pipeline, [action.start() for action in pipeline.actions]) for pipeline in plan.pipelines
        ]
        self._awaited = {name for pipeline in plan.pipelines for name in pipeline.upstream}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.feed(Message.flush("end-of-simulation"))
        finally:
            self.close()

    def feed(self, message: Message) -> None:
        """Send a message through all pipelines."""
        self.summary.fields += message.is_field
        gone_on: dict[str, list[Message]] = {}
        for pipeline, states in self._states:
            for arrived in arriving(pipeline.upstream, message, gone_on):
                for out in self._through(pipeline, states, arrived, 0):
                    if out.kind is Kind.NOTICE:
                        self.summary.notices.append(out)
                    elif pipeline.name in self._awaited:
                        gone_on.setdefault(pipeline.name, []).append(out)

    def close(self) -> None:
        """Let go of what the actions hold."""
        for pipeline, states in self._states:
            for action, state in zip(pipeline.actions, states, strict=True):
                action.close(state)

    def _through(self, pipeline: Pipeline, states: list[Any], message: Message, position: int) -> Iterable[Message]:
        if position == len(states):
            yield message
            return
        for out in pipeline.actions[position].handle(message, states[position], self._compute):
            yield from self._through(pipeline, states, out, position + 1)
