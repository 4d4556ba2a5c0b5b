"""A pipeline at work: its actions linked one to the next before anything runs."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from dtedask.core.errors import DtedaskError, PlanError, RunError
from dtedask.pipeline.compute import Deferring, Eager
from dtedask.pipeline.message import Kind, Message
from dtedask.pipeline.runs.summary import ActionSummary, Failure, PipelineSummary
from dtedask.pipeline.runs.threads import Threads, settled
from dtedask.pipeline.runs.undo import Journal

if TYPE_CHECKING:
    from dtedask.pipeline.action import Action, Saved
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.plan import Pipeline
    from dtedask.pipeline.runs.policy import OnError

__all__ = ["Chain", "PipelineStopped", "group"]
log = logging.getLogger(__name__)
Send = Callable[[Message], None]
Bury = Callable[[Message, "Link", Exception], None]
_FIELD, _FLUSH, _NOTICE = Kind.FIELD, Kind.FLUSH, Kind.NOTICE
_clock = time.perf_counter
_HELD = 16


class PipelineStopped(Exception):  # noqa: N818 - it ends a pipeline and never leaves the run
    """An error that ends a pipeline, with its place."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Link:
    """One action with its state, and what comes after it.

    Parameters
    ----------
    action : Action
        What is done.
    position : int
        Where in the pipeline it stands.
    state : object
        What it knows of the messages before.
    policy : OnError
        What is done where it fails.
    chain : Chain
        The pipeline.
    """

    __slots__ = ("action", "chain", "policy", "position", "state", "summary")

    def __init__(self, action: Action, position: int, state: Any, policy: OnError, chain: Chain) -> None:
        self.action = action
        self.position = position
        self.state = state
        self.policy = policy
        self.chain = chain
        self.summary = ActionSummary(action.options.type)

    def sender(self, compute: Compute, following: Send) -> Send:
        """Return the function that takes a message through this action and all after it."""
        send = (self._guarded if self.policy.keeps_going else self._plain)(compute, following)
        if not self.action.takes_arrays:
            return send
        send = self._weighed(send)
        return self._awaited(compute, send) if isinstance(compute, Threads) else send

    def _weighed(self, send: Send) -> Send:
        """Count what waits for a flush."""

        def weigh(message: Message) -> None:
            if message.kind is _FIELD:
                self.chain.summary.waiting_bytes += getattr(message.values, "nbytes", 0) + len(message.data or b"")
            send(message)
            if message.kind is _FLUSH:
                self.chain.summary.waiting_bytes = 0

        return weigh

    def saved(self) -> Saved:
        """What a checkpoint keeps of the state."""
        compute = self.chain.compute
        return self.action.save(settled(self.state, compute) if isinstance(compute, Threads) else self.state)

    def _awaited(self, compute: Threads, send: Send) -> Send:
        """Hold messages back, in order, while values are awaited; a few at a time, so that threads have work."""
        waiting: deque[Message] = deque()

        def arrived(message: Message) -> Message:
            try:
                return message.replaced(values=compute.result(message.values), data=compute.result(message.data))
            except Exception as error:  # noqa: BLE001 - whatever a function raised
                self.chain.stop(self, message, error)

        def hold(message: Message) -> None:
            waiting.append(message)
            may_wait = _HELD if message.kind is _FIELD else 0
            while len(waiting) > may_wait:
                send(arrived(waiting.popleft()))

        return hold

    def _plain(self, compute: Compute, following: Send) -> Send:
        handle, state, summary = self.action.handle, self.state, self.summary

        def send(message: Message) -> None:
            begin = _clock()
            if message.kind is _FIELD:
                summary.fields += 1
            try:
                found = handle(message, state, compute)
                if found.__class__ is not list:
                    found = list(found)
            except Exception as error:  # noqa: BLE001 - whatever an action raises
                self.chain.stop(self, message, error)
            summary.seconds += _clock() - begin
            for one in found:
                following(one)

        return send

    def _guarded(self, compute: Compute, following: Send) -> Send:
        def send(message: Message) -> None:
            self.summary.fields += message.kind is _FIELD
            for one in self._tried(message, compute):
                following(one)

        return send

    def _tried(self, message: Message, compute: Compute) -> Sequence[Message]:
        """Try as often as may be; the state is that of before wherever it fails."""
        for left in reversed(range(self.policy.tries)):
            begin = _clock()
            try:
                return self._once(message, compute)
            except Exception as error:  # noqa: BLE001 - whatever an action raises
                if not left:
                    return self._given_up(message, error)
                self.summary.errors += 1
                self.chain.summary.retried += 1
                log.warning("%s", self.place(message, error))
            finally:
                self.summary.seconds += _clock() - begin
            self.chain.sleep(self.policy.delay_s)
        raise AssertionError("a policy tries at least once")

    def _once(self, message: Message, compute: Compute) -> Sequence[Message]:
        if self.action.takes_arrays:
            return list(self.action.handle(message, self.state, compute))
        before, journal = self.action.kept(self.state, message), Journal(compute)
        try:
            return list(self.action.handle(message, self.state, journal))
        except BaseException:
            journal.restore()
            self.state = before
            raise

    def failed(self, message: Message, error: Exception) -> None:
        """Do what the policy says of a message whose values could not be made."""
        self._given_up(message, error)

    def _given_up(self, message: Message, error: Exception) -> Sequence[Message]:
        outcome = self.policy.at_last
        if outcome == "propagate" or message.kind is not _FIELD:
            self.chain.stop(self, message, error)
        self.summary.errors += 1
        self.chain.put_aside(self, message, error, outcome)
        return ()

    def place(self, message: Message, error: Exception) -> str:
        """What failed, where and why."""
        said = error.message if isinstance(error, DtedaskError) else f"{type(error).__name__}: {error}"
        return (
            f"Pipeline {self.chain.summary.name!r}, action {self.position + 1} ({self.summary.type}), "
            f"at the {message}: {said}"
        )


class Chain:
    """A pipeline with the states of its actions.

    Parameters
    ----------
    pipeline : Pipeline
        What to do.
    compute : Compute
        Where functions run.
    states : sequence of object
        The state of each action.
    bury : callable
        Keeps a dead letter.
    told : callable
        Hears of notices and failures.
    sleep : callable
        Waits so many seconds.
    policy : OnError, optional
        What is done where an action fails, whatever the plan says.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        compute: Compute,
        states: Sequence[Any],
        *,
        bury: Bury,
        told: Callable[[Message | Failure], None],
        sleep: Callable[[float], None] = time.sleep,
        policy: OnError | None = None,
    ) -> None:
        self.pipeline = pipeline
        self._upstream = frozenset(pipeline.upstream)
        self.summary = PipelineSummary(pipeline.name)
        self.sleep = sleep
        self.error: Exception | None = None
        self.seen = 0
        self.is_awaited = False
        """Whether other pipelines go on with what comes out at the end."""
        self._gone_on: list[Message] = []
        self.is_done = False
        self.is_halted = False
        """Whether it failed only because it goes on with what another, which failed, hands it."""
        self.group = 0
        """Pipelines that hand messages on to each other are one group."""
        self.last = ""
        self._bury = bury
        self._told = told
        self._last_field = 0.0
        self.links = [
            Link(action, position, state, policy or action.options.on_error or pipeline.on_error, self)
            for position, (action, state) in enumerate(zip(pipeline.actions, states, strict=True))
        ]
        self.summary.actions = [link.summary for link in self.links]
        # What is to be put back where it fails must have happened when `handle` returns.
        keeps_going = any(link.policy.keeps_going for link in self.links)
        self.compute = Eager() if keeps_going and not isinstance(compute, Deferring) else compute
        send: Send = self._end
        self._sends: list[Send] = []
        for link in reversed(self.links):
            send = link.sender(self.compute, send)
            if link.action.takes_arrays and isinstance(self.compute, Deferring):
                send = self.compute.gate(send, link.failed)
            self._sends.insert(0, send)
        self._send = send

    def feed(self, message: Message, position: int = 0) -> None:
        """Take a message through all actions, or from one of them on.

        Raises
        ------
        PipelineStopped
            If one fails, and nothing else is to be done about it.
        """
        if message.kind is _FIELD:
            self.summary.fields_in += 1
            self._last_field = _clock()
        (self._sends[position] if position else self._send)(message)

    def gone_on(self) -> list[Message]:
        """Give what came out at the end since this was asked last, where other pipelines wait for it."""
        found, self._gone_on = self._gone_on, []
        return found

    def skip(self, message: Message, index: int) -> None:
        """Leave out a message that was taken before the run was interrupted.

        Raises
        ------
        PlanError
            If it is another one than was taken then.
        """
        self.summary.repeated += message.kind is _FIELD
        if index + 1 == self.seen and self.last and not self.is_done and str(message) != self.last:
            raise PlanError(
                f"Message {self.seen} is the {message}; before the interruption it was the {self.last}.",
                hint="Give the run the input that it had, or begin anew (--again).",
            )

    def halt_with(self, chains: Sequence[Chain]) -> None:
        """Stop where one failed that hands messages on to this one.

        Raises
        ------
        PipelineStopped
            If there is one.
        """
        failed = [one.summary.name for one in chains if one.error is not None and one.summary.name in self._upstream]
        if failed:
            self.is_halted = True
            self.error = PlanError(f"Pipeline {self.summary.name!r} goes on with {failed[0]!r}, which failed.")
            self.summary.failed = str(self.error)
            raise PipelineStopped(self.error)

    def stop(self, link: Link, message: Message, error: Exception) -> NoReturn:
        """End the pipeline by an error."""
        link.summary.errors += 1
        placed = placed_error(link.place(message, error), error)
        self.summary.failed = str(placed)
        self.error = placed
        self._told(self._failure(link, message, error, "propagate"))
        raise PipelineStopped(placed) from error

    def put_aside(self, link: Link, message: Message, error: Exception, outcome: str) -> None:
        """Leave a field out, or keep it as a dead letter."""
        log.warning("%s", link.place(message, error))
        if outcome == "dead-letter":
            self._bury(message, link, error)
            self.summary.dead_letters += 1
        else:
            self.summary.skipped += 1
        self._told(self._failure(link, message, error, outcome))

    def close(self) -> None:
        """Let go of what the actions hold."""
        for link in self.links:
            link.action.close(link.state)

    def _failure(self, link: Link, message: Message, error: Exception, outcome: str) -> Failure:
        said = f"{type(error).__name__}: {error}"
        return Failure(self.summary.name, link.summary.type, link.position, str(message), said, outcome)

    def _end(self, message: Message) -> None:
        if message.kind is _NOTICE:
            lag = _clock() - self._last_field if self._last_field else 0.0
            self.summary.notices += 1
            self.summary.written += len(message.values or ())
            self.summary.lag_s = lag
            self.summary.longest_lag_s = max(lag, self.summary.longest_lag_s)
            self._told(message)
        elif self.is_awaited:
            self._gone_on.append(message)


def group(chains: Sequence[Chain]) -> None:
    """Number the groups of pipelines that hand messages on to each other."""
    by_name = {chain.summary.name: chain for chain in chains}
    for number, chain in enumerate(chains):
        chain.group = number
    for chain in chains:
        for name in chain.pipeline.upstream:
            old, new = by_name[name].group, chain.group
            for one in chains:
                one.group = new if one.group == old else one.group


def placed_error(text: str, error: Exception) -> Exception:
    """The same error with its place before what it says; of other libraries a `RunError`."""
    if isinstance(error, DtedaskError):
        placed = type(error)(text, hint=error.hint)
        placed.__dict__.update({key: value for key, value in vars(error).items() if key not in ("message", "hint")})
    else:
        placed = RunError(text)
    placed.__cause__ = error
    return placed
