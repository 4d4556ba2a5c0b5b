"""Messages whose values are nodes go through the pipelines of a plan: what would be written is collected."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dtedask.pipeline.compute import Compute
from dtedask.pipeline.message import Message

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
    chains = {pipeline.name: _Chain(pipeline, compute) for pipeline in plan.pipelines}
    for message in messages:
        for chain in chains.values():
            chain.feed(message)
    for chain in chains.values():
        chain.feed(Message.flush("end-of-simulation"))
    return {name: chain.results for name, chain in chains.items()}


class _Chain:
    """One pipeline as far as its first sink."""

    def __init__(self, pipeline: Pipeline, compute: Compute) -> None:
        actions = [action for action in pipeline.actions if action.on_archive != "pass"]
        ends = [place for place, action in enumerate(actions) if action.on_archive == "end"]
        self._actions = actions[: ends[0]] if ends else actions
        self._states: list[Any] = [action.start() for action in self._actions]
        self._compute = compute
        self.results: list[Message] = []

    def feed(self, message: Message) -> None:
        """Send a message through the actions."""
        self._through(message, 0)

    def _through(self, message: Message, position: int) -> None:
        if position == len(self._actions):
            if message.is_field:
                self.results.append(message)
            return
        for out in self._actions[position].handle(message, self._states[position], self._compute):
            self._through(out, position + 1)
