"""Messages whose values are nodes go through the pipelines of a plan: what would be written is collected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from dtedask.pipeline.compute import Compute
from dtedask.pipeline.message import Message
from dtedask.pipeline.runs.routes import arriving

if TYPE_CHECKING:
    from dtedask.pipeline.plan import Pipeline, Plan

__all__ = ["results_of"]


def results_of(plan: Plan, messages: Iterable[Message], compute: Compute) -> dict[str, list[Message]]:
    """Fields that come to the sinks of a plan, or to the ends of its pipelines; nothing is written.

    Parameters
    ----------
    plan : Plan
        What to do.
    messages : iterable of Message
        The stream, with its flushes; at its end one of the kind ``end-of-simulation`` follows.
    compute : Compute
        Puts the functions into a graph.

    Returns
    -------
    dict of str to list of Message
        Results by the name of the pipeline.
    """
    chains = [_Chain(pipeline, compute) for pipeline in plan.pipelines]
    awaited = {name for chain in chains for name in chain.pipeline.upstream}
    for message in _ended(messages):
        gone_on: dict[str, list[Message]] = {}
        for chain in chains:
            for arrived in arriving(chain.pipeline.upstream, message, gone_on):
                chain.feed(arrived)
            gone_on[chain.pipeline.name] = chain.gone_on()
    return {chain.pipeline.name: chain.results for chain in chains if chain.pipeline.name not in awaited}


def _ended(messages: Iterable[Message]) -> Iterator[Message]:
    yield from messages
    yield Message.flush("end-of-simulation")


class _Chain:
    """One pipeline as far as its first sink."""

    def __init__(self, pipeline: Pipeline, compute: Compute) -> None:
        actions = [action for action in pipeline.actions if action.on_archive != "pass"]
        ends = [place for place, action in enumerate(actions) if action.on_archive == "end"]
        self._actions = actions[: ends[0]] if ends else actions
        self._states: list[Any] = [action.start() for action in self._actions]
        self._compute = compute
        self._out: list[Message] = []
        self.pipeline = pipeline
        self.results: list[Message] = []

    def feed(self, message: Message) -> None:
        """Send a message through the actions."""
        self._through(message, 0)

    def gone_on(self) -> list[Message]:
        """Give what came out at the end since this was asked last, for pipelines that go on with it."""
        found, self._out = self._out, []
        return found

    def _through(self, message: Message, position: int) -> None:
        if position == len(self._actions):
            self._out.append(message)
            if message.is_field:
                self.results.append(message)
            return
        for out in self._actions[position].handle(message, self._states[position], self._compute):
            self._through(out, position + 1)
