"""A run of a plan whose functions are tasks of Dask: fields that are not read yet go in, some steps at a time."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from dtedask.core.errors import PlanError
from dtedask.core.sizes import size_text
from dtedask.pipeline.graph.collect import Tasks
from dtedask.pipeline.graph.compute import Graph
from dtedask.pipeline.graph.node import Folded, Node, is_held
from dtedask.pipeline.graph.workers import Computed, Runner, runner_for
from dtedask.pipeline.message import Kind, Message
from dtedask.pipeline.run import Run
from dtedask.pipeline.runs.chain import PipelineStopped

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.pipeline.checkpoint.saving import Saving
    from dtedask.pipeline.plan import Plan
    from dtedask.pipeline.runs.summary import RunSummary
    from dtedask.pipeline.sources import AtRest

__all__ = ["GraphRun", "run_on_archive"]

AT_ONCE_BYTES = 2**30
Send = Callable[[Message], None]
Failed = Callable[[Message, Exception], None]


class GraphRun:
    """A plan at work on an archive. Used in a ``with`` block, it is flushed at the end, unless by an error.

    Fields come as nodes of its `graph`. Nothing is read before so many fields have come in that it is worth it; then
    all that waits before the sinks, and the states of all windows that are open, are computed, and the sinks get
    theirs in the order of a live run. What is in memory is the open windows and the results of so many fields.

    Parameters
    ----------
    plan : Plan
        What to do.
    client : distributed.Client, optional
        Run on its workers; threads of this process by default.
    threads : int, optional
        Threads of this process.
    folder : path, optional
        As of `Run`.
    at_once_bytes : int
        Decoded fields that are submitted at once.
    saving : Saving, optional
        Keeps how far the source was read, once all is done; states in between are not saved.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        client: Client | None = None,
        threads: int | None = None,
        folder: str | os.PathLike[str] | None = None,
        at_once_bytes: int = AT_ONCE_BYTES,
        saving: Saving | None = None,
    ) -> None:
        self.graph = WaitingGraph(runner_for(client, threads))
        self.run = Run(plan, compute=self.graph, folder=folder, saving=None)
        self._saving = saving
        self._at_once_bytes = at_once_bytes
        self._submitted_bytes = 0

    @property
    def summary(self) -> RunSummary:
        """What was done so far."""
        return self.run.summary

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self.run.close()

    def feed(self, message: Message) -> None:
        """Send a message through all pipelines; see `Run.feed`."""
        self.run.feed(message)
        if message.is_field and message.description is not None:
            size = math.prod(message.description.grid.shape) * 8
            self.graph.field_bytes = max(self.graph.field_bytes, size)
            self._submitted_bytes += size
        if message.kind is Kind.FLUSH and self._submitted_bytes >= self._at_once_bytes:
            self.settle()

    def finish(self) -> None:
        """Flush at the end; see `Run.finish`."""
        try:
            self.run.finish()
        finally:
            self.settle()
        if self._saving is not None:
            self.run.saved_by(self._saving)
        self.run.check()

    def pause(self) -> None:
        """See `Run.pause`; open windows are not kept."""
        self.settle()
        self.run.check()

    def close(self) -> None:
        """Let go of what the actions hold."""
        self.run.close()

    def settle(self) -> None:
        """Compute all that waits, and give the sinks theirs."""
        self._submitted_bytes = 0
        self.graph.settle()


def run_on_archive(
    plan: Plan,
    source: AtRest,
    *,
    client: Client | None = None,
    threads: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    position: Mapping[str, Any] | None = None,
) -> RunSummary:
    """Run a plan on what is at rest, with Dask: the numbers, notices and order of a live run of the same fields.

    Parameters
    ----------
    plan : Plan
        What to do.
    source : AtRest
        Where the fields are, as `dtedask.pipeline.sources.open_source` gives it.
    client, threads, folder
        As of `GraphRun`.
    position : mapping, optional
        Where in the source to begin.

    Raises
    ------
    PlanError
        If a task needs more memory than there is.
    DtedaskError
        As of `Run.finish`.
    """
    with GraphRun(plan, client=client, threads=threads, folder=folder) as run:
        for message in source.nodes(run.graph, position):
            run.feed(message)
    return run.summary


class WaitingGraph(Graph):
    """A graph before whose sinks messages wait until it is computed.

    Parameters
    ----------
    runner : Runner
        Where it is computed.
    """

    def __init__(self, runner: Runner) -> None:
        super().__init__()
        self.field_bytes = 0
        self._runner = runner
        self._gates: list[_Gate] = []

    def gate(self, send: Send, failed: Failed) -> Send:
        """See `Deferring`."""
        made = _Gate(send, failed)
        self._gates.insert(0, made)  # a pipeline is built from its end
        return made.waiting.append

    def settle(self) -> None:
        """Compute all that waits, and the states of what is open; then send on what waited.

        Raises
        ------
        PlanError
            If a task needs more memory than there is.
        """
        graph, keys = self._wanted()
        # What waits has let its nodes go: those that are left are states, and what is behind them.
        states = {node.key: node for node in states_among(self.unsettled())}
        graph = {**self._tasks(states.values()), **graph}
        found = self._runner.compute(graph, keys, list(states)) if graph else Computed({}, {}, None)
        for key, node in states.items():
            if key in found.states:
                node.hold(found.states[key])
        del states
        alone = partial(self._alone, graph, found)
        for gate in self._gates:
            gate.release(alone)

    def _wanted(self) -> tuple[dict[Any, Any], list[str]]:
        nodes = [node for gate in self._gates for node in gate.let_go()]
        return self._tasks(nodes), list({node.key: None for node in nodes})

    def _tasks(self, nodes: Iterable[Node]) -> dict[Any, Any]:
        tasks = Tasks(nodes)
        need, have = tasks.most_values() * self.field_bytes, self._runner.memory_bytes
        if have is not None and need > have:
            raise PlanError(
                f"A task of the plan needs {size_text(need)}, and there is {size_text(have)} for each thread.",
                hint="Give workers more memory or fewer threads.",
            )
        return tasks.graph()

    def _alone(self, graph: dict[Any, Any], found: Computed, key: str) -> Any:
        """A value; where something failed each is made by itself, so that the error is that of its own message."""
        if key in found.values:
            return found.values[key]
        return self._runner.compute(graph, [key], [], again=True).values[key]


class _Gate:
    """Messages that wait before one action.

    Parameters
    ----------
    send : callable
        Sends a message on.
    failed : callable
        Hears of a message whose values cannot be made.
    """

    def __init__(self, send: Send, failed: Failed) -> None:
        self.waiting: deque[Message] = deque()
        self._send, self._failed = send, failed

    def let_go(self) -> list[Node]:
        """Give the nodes that are wanted; the messages keep their names alone."""
        nodes: list[Node] = []
        for _ in range(len(self.waiting)):
            message = self.waiting.popleft()
            nodes += [one for one in (message.values, message.data) if isinstance(one, Node)]
            self.waiting.append(message.replaced(values=_name(message.values), data=_name(message.data)))
        return nodes

    def release(self, value: Callable[[str], Any]) -> None:
        """Send the messages on in order, with their values."""
        while self.waiting:
            message = self.waiting.popleft()
            with suppress(PipelineStopped):  # its pipeline knows, and takes no more
                try:
                    ready = message.replaced(values=_filled(message.values, value), data=_filled(message.data, value))
                except PlanError:
                    raise
                except Exception as error:  # noqa: BLE001 - whatever a function of an action raises
                    self._failed(message.replaced(values=None, data=None), error)
                    continue
                self._send(ready)
                continue
            self.waiting.clear()


@dataclass(frozen=True, slots=True)
class _Name:
    key: str


def _name(value: Any) -> Any:
    return _Name(value.key) if isinstance(value, Node) else value


def _filled(value: Any, found: Callable[[str], Any]) -> Any:
    return found(value.key) if isinstance(value, _Name) else value


def states_among(living: Iterable[Node]) -> list[Node]:
    """Nodes to be kept: those that no other needs, and all that comes after a fold.

    What is left is between a field and its fold: it is read again where it is needed again.
    """
    nodes = list(living)
    needed = {id(one) for node in nodes for one in node.inputs}
    after: dict[int, bool] = {}
    return [node for node in nodes if id(node) not in needed or _is_after_fold(node, after)]


def _is_after_fold(node: Node, known: dict[int, bool]) -> bool:
    if id(node) not in known:
        known[id(node)] = isinstance(node, Folded) or any(
            not is_held(one) and _is_after_fold(one, known) for one in node.inputs
        )
    return known[id(node)]
