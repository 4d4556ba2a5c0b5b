"""The thin loop around the state machine of a kept cluster: hears events, obeys instructions."""

from __future__ import annotations

import asyncio
import itertools
import logging
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from dtedask.cluster.kept.facts import ask_client, unfinished
from dtedask.cluster.kept.machine import (
    Alarm,
    Answer,
    AskedToScale,
    AskedToStop,
    ClientCame,
    ClientLeft,
    End,
    Event,
    Instruction,
    Keeping,
    SchedulerEnded,
    SetWorkers,
    Signalled,
    WakeAt,
    Wanted,
)

if TYPE_CHECKING:
    from distributed import Client

logger = logging.getLogger(__name__)

_LOOK_S = 10.0
_Question = AskedToScale | AskedToStop

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Owner:
    """Owns a cluster that runs.

    Parameters
    ----------
    client : distributed.Client
        Of the scheduler.
    wanted : Wanted
        Workers that were asked for.
    idle_s : float, optional
        How long it lives unused.
    set_workers : callable
        Asks for another number of workers; called with what was wanted, and what that means at this moment.
    """

    def __init__(
        self, client: Client, wanted: Wanted, idle_s: float | None, set_workers: Callable[[Wanted, Wanted], None]
    ) -> None:
        from distributed import Scheduler

        self._client, self._set_workers = client, set_workers
        self._machine = Keeping(wanted, time.monotonic(), idle_s)
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._pending: dict[int, tuple[_Question, Future[Answer]]] = {}
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._wake: float | None = None
        self._scheduler: Any = getattr(client.cluster, "scheduler", None)
        self._is_far = not isinstance(self._scheduler, Scheduler)
        """Whether the scheduler lives in another process, whose end is no event here."""

    @contextmanager
    def hearing(self) -> Iterator[None]:
        """Hear signals, clients that come and go, and the end of the scheduler, from now on."""
        with _signals(self._events):
            self._listen()
            yield

    def run(self) -> End:
        """Keep the cluster; return why it is to end."""
        end = self._obey(self._machine.begin())
        while end is None:
            end = self._obey(self._machine.handle(self._next()))
        if self._client.status == "running":
            self._client.unsubscribe_topic("all")  # the scheduler would tell us of our own leaving
        logger.info("ends because %s", end.text)
        with self._lock:
            for event, waiting in self._pending.values():
                waiting.set_result(self._too_late(event))
        return end

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a question of another process; called in threads."""
        if question["op"] == "status":
            return {"wanted": str(self._machine.wanted), "idle_s": self._machine.idle_s, **ask_client(self._client)}
        answer = self._decide(question)
        logger.info("was asked to %s: %s", question["op"], answer.text or "done")
        return {"done": answer.done, "text": answer.text, "ends": self._machine.ends}

    def _decide(self, question: Mapping[str, Any]) -> Answer:
        asker = next(self._numbers)
        event: _Question
        if question["op"] == "stop":
            force = bool(question["force"])
            event = AskedToStop(asker, 0 if force or self._machine.ends else self._tasks(), force)
        else:
            wanted = Wanted(int(question["minimum"]), int(question["maximum"]))
            event = AskedToScale(time.monotonic(), asker, wanted)
        with self._lock:
            if self._machine.ends:
                return self._too_late(event)
            waiting: Future[Answer] = Future()
            self._pending[asker] = event, waiting
        self._events.put(event)
        return waiting.result()

    def _too_late(self, event: _Question) -> Answer:
        (answer,) = self._machine.handle(event)
        assert isinstance(answer, Answer)
        return answer

    def _next(self) -> Event:
        while True:
            with suppress(queue.Empty):
                return self._events.get(timeout=self._pause())
            if self._is_far and self._client.status == "closed":
                return SchedulerEnded()
            if self._wake is not None and time.monotonic() >= self._wake:
                self._wake = None
                return Alarm(time.monotonic(), self._tasks())

    def _pause(self) -> float | None:
        """How long nothing needs to be looked at."""
        alarm = None if self._wake is None else max(self._wake - time.monotonic(), 0)
        if not self._is_far:
            return alarm
        return _LOOK_S if alarm is None else min(alarm, _LOOK_S)

    def _obey(self, instructions: list[Instruction]) -> End | None:
        end = None
        for one in instructions:
            match one:
                case SetWorkers(wanted):
                    self._set_workers(self._machine.wanted, wanted)
                case WakeAt(moment):
                    self._wake = moment
                case Answer(asker):
                    with self._lock:
                        self._pending.pop(asker)[1].set_result(one)
                case End():
                    end = one
        return end

    def _tasks(self) -> int:
        return int(self._client.run_on_scheduler(unfinished))

    def _listen(self) -> None:
        """Have the scheduler tell of its clients, and of its own end where it lives in this process."""
        self._client.subscribe_topic("all", self._heard)
        loop: Any = self._client.loop
        if not self._is_far:

            async def wait() -> None:
                await self._scheduler.finished()
                self._events.put(SchedulerEnded())

            asyncio.run_coroutine_threadsafe(wait(), loop.asyncio_loop)

    def _heard(self, told: tuple[float, Mapping[str, Any]]) -> None:
        message = told[1]
        client = message.get("client")
        if client == self._client.id:
            return
        if message.get("action") == "add-client":
            self._events.put(ClientCame(str(client)))
        elif message.get("action") == "remove-client":
            self._events.put(ClientLeft(time.monotonic(), str(client)))


@contextmanager
def _signals(events: queue.SimpleQueue[Event]) -> Iterator[None]:
    """Turn the first signal into an event."""

    def on_signal(number: int, _frame: object) -> None:
        events.put(Signalled(signal.Signals(number).name))

    before = {number: signal.signal(number, on_signal) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
