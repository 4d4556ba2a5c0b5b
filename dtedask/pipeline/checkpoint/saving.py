"""When the state of a run is saved, and what is saved."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dtedask.pipeline.checkpoint.content import Checkpoint, Entry

if TYPE_CHECKING:
    from dtedask.pipeline.action import Action
    from dtedask.pipeline.checkpoint.options import CheckpointOptions
    from dtedask.pipeline.checkpoint.slots import Checkpoints
    from dtedask.pipeline.message import Message
    from dtedask.pipeline.plan import Plan
    from dtedask.pipeline.runs.chain import Chain

__all__ = ["Saving", "plan_content"]


def plan_content(plan: Plan) -> list[dict[str, Any]]:
    """What the pipelines of a plan do, as a checkpoint says it; what to do about errors does not count."""
    return [
        {
            "name": pipeline.name,
            "upstream": list(pipeline.upstream),
            "actions": [_action_content(action) for action in pipeline.actions],
        }
        for pipeline in plan.pipelines
    ]


def _action_content(action: Action) -> dict[str, Any]:
    said = action.options.model_dump(mode="json", by_alias=True, exclude={"on_error"}, exclude_defaults=True)
    return {"type": action.options.type, **said}


class Saving:
    """Saves the states of a run behind flushes.

    Parameters
    ----------
    checkpoints : Checkpoints
        Where to.
    options : CheckpointOptions
        When.
    run : str
        Which run it is.
    plan : Plan
        What it does.
    source : dict
        What it reads.
    position : callable
        Says where the source stands, behind the message that it gave last.
    clock : callable
        Gives seconds that never go back.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        options: CheckpointOptions,
        *,
        run: str,
        plan: Plan,
        source: dict[str, Any],
        position: Callable[[], dict[str, Any] | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._checkpoints = checkpoints
        self._options = options
        self._head = Checkpoint(run, plan_content(plan), plan.digest, source, [])
        self._position = position
        self._clock = clock
        self._flushes = 0
        self._saved_at = clock()
        self._kept: dict[str, Entry] = {}

    def began(self, chains: Sequence[Chain]) -> None:
        """Save that the run began: sinks then know what of their output is none of its."""
        self._save([_entry(chain, None, "") for chain in chains], chains)

    def flushed(self, chains: Sequence[Chain], last: Message) -> None:
        """Save the states if it is time to."""
        self._flushes += 1
        if self._options.is_due(self._flushes, self._clock() - self._saved_at):
            failed = _failed(chains)
            self._save([self._entry(chain, failed, last) for chain in chains], chains)

    def ended(self, chains: Sequence[Chain]) -> None:
        """Save which pipelines are done; those that failed can go on from where their state was saved last."""
        failed = _failed(chains)
        entries = [
            self._entry(chain, failed)
            if chain.group in failed
            else Entry(chain.summary.name, chain.seen, self._position(), complete=True)
            for chain in chains
        ]
        self._save(entries, chains)

    def paused(self, chains: Sequence[Chain]) -> None:
        """Save the states of a stream that goes on another time."""
        failed = _failed(chains)
        self._save([self._entry(chain, failed) for chain in chains], chains)

    def _entry(self, chain: Chain, failed: frozenset[int], last: Message | None = None) -> Entry:
        name = chain.summary.name
        if chain.is_done:
            return Entry(name, chain.seen, complete=True)
        if chain.group not in failed:
            return _entry(chain, self._position(), str(last) if last is not None else "")
        if name not in self._kept:  # its state is that of the failure; what was saved before stands
            found = self._checkpoints.read()
            self._kept[name] = Entry(name) if found is None else found.entry(name)
        return self._kept[name]

    def _save(self, entries: list[Entry], chains: Sequence[Chain]) -> None:
        head = self._head
        saved = self._checkpoints.write(Checkpoint(head.run, head.plan, head.plan_hash, head.source, entries))
        self._flushes, self._saved_at = 0, self._clock()
        for chain in chains:
            if chain.group not in _failed(chains):
                chain.summary.last_checkpoint = saved.time


def _failed(chains: Sequence[Chain]) -> frozenset[int]:
    """Groups of pipelines that cannot be saved any more: all of one must go on from the same message."""
    return frozenset(chain.group for chain in chains if chain.error is not None)


def _entry(chain: Chain, position: dict[str, Any] | None, last: str) -> Entry:
    states = [(link.summary.type, link.saved()) for link in chain.links]
    return Entry(chain.summary.name, chain.seen, position, last, states=states)
