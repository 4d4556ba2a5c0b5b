"""Many listeners at once: each is served on its own, so that a slow or a failing one holds up nobody."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from dtedask.core.errors import NoticeError
from dtedask.notify.delivery.carrier import utc_now
from dtedask.notify.delivery.delivered import Delivery

__all__ = ["Crew", "Serves"]

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0

logger = logging.getLogger(__name__)


class Serves(Protocol):
    """Whatever brings one listener its news, such as a `Carrier`."""

    @property
    def name(self) -> str:
        """Name of the listener."""
        ...

    def deliver(self, stop: threading.Event | None = None) -> Delivery:
        """Deliver what there is, and wait for nothing."""
        ...


@dataclass(slots=True)
class _Post:
    """One listener as the crew sees it.

    Parameters
    ----------
    carrier : Serves
        Who serves it.
    is_busy : bool
        Whether a thread is at it.
    is_due : bool
        Whether there may be news.
    due : datetime, optional
        When to come again whatever happens.
    pause_s : float
        Before the next attempt where files or servers cannot be used; 0 while they can.
    """

    carrier: Serves
    is_busy: bool = False
    is_due: bool = True
    due: datetime | None = None
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Done:
    post: _Post
    delivery: Delivery
    error: BaseException | None


class Crew:
    """Threads that serve listeners, as many as there is work for.

    A listener whose trigger waits to be tried again takes no thread meanwhile.

    Parameters
    ----------
    carriers : sequence of Serves
        One for each listener.
    threads : int
        At most so many triggers run at once.
    stop : threading.Event
        Ends all after the triggers that run then.
    is_patient : bool
        Try again where files or servers cannot be used; else that is raised.
    on_delivery : callable, optional
        Hears of what was delivered, in the thread that calls.
    clock : callable
        Gives the time, UTC.
    """

    def __init__(
        self,
        carriers: Sequence[Serves],
        *,
        threads: int,
        stop: threading.Event,
        is_patient: bool = True,
        on_delivery: Callable[[str, Delivery], None] = lambda _name, _delivery: None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.total = Delivery()
        self._posts = [_Post(carrier) for carrier in carriers]
        self._threads = threads
        self._stop = stop
        self._is_patient = is_patient
        self._on_delivery = on_delivery
        self._clock = clock
        self._running: list[threading.Thread] = []
        self._work: queue.SimpleQueue[_Post | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[_Done] = queue.SimpleQueue()

    @property
    def is_idle(self) -> bool:
        """Whether everybody was brought what there was, and nothing is to be tried again."""
        return not any(post.is_busy or post.is_due or post.due for post in self._posts)

    def news(self, names: Container[str] | None = None, *, is_certain: bool = False) -> None:
        """Have listeners looked after; whoever waits for a trigger goes on waiting.

        Parameters
        ----------
        names : container of str, optional
            Which; by default all.
        is_certain : bool
            Whether there is news for certain: then nobody waits any more for a file or a server.
        """
        for post in self._posts:
            post.is_due |= names is None or post.carrier.name in names
            if is_certain and post.pause_s:
                post.due = None
                post.is_due = True

    def turn(self, wait_s: float) -> None:
        """Hand out what is due and take in what was done.

        Parameters
        ----------
        wait_s : float
            How long to wait for something to be done.

        Raises
        ------
        Exception
            What a listener raised that is no failure of a trigger, a file or a server.
        """
        now = self._clock()
        for post in self._posts:
            waits = post.due is not None and post.due > now
            if not post.is_busy and not waits and (post.is_due or post.due is not None) and not self._stop.is_set():
                post.is_busy, post.is_due, post.due = True, False, None
                self._start_one_more()
                self._work.put(post)
        try:
            self._take_in(self._done.get(timeout=wait_s))
            while True:
                self._take_in(self._done.get_nowait())
        except queue.Empty:
            return

    def serve_all(self, *, wait_s: float = 0.05) -> None:
        """Bring everybody what there is, and wait for what is to be tried again."""
        while not self.is_idle and not self._stop.is_set():
            self.turn(wait_s)

    def end(self) -> None:
        """Wait for the triggers that run, and let the threads go."""
        while any(post.is_busy for post in self._posts):
            self._take_in(self._done.get())
        for _ in self._running:
            self._work.put(None)
        for thread in self._running:
            thread.join()

    def _start_one_more(self) -> None:
        busy = sum(post.is_busy for post in self._posts)
        if busy > len(self._running) and len(self._running) < self._threads:
            # Daemons: a second Ctrl-C ends the process whatever the triggers do.
            thread = threading.Thread(target=self._serve, name=f"listener-{len(self._running)}", daemon=True)
            self._running.append(thread)
            thread.start()

    def _serve(self) -> None:
        while (post := self._work.get()) is not None:
            try:
                self._done.put(_Done(post, post.carrier.deliver(self._stop), None))
            except BaseException as error:  # noqa: BLE001 - it is raised again where the threads are waited for
                self._done.put(_Done(post, Delivery(), error))

    def _take_in(self, done: _Done) -> None:
        post, error = done.post, done.error
        post.is_busy = False
        if isinstance(error, NoticeError) and self._is_patient:
            post.pause_s = min(max(FIRST_PAUSE_S, 2 * post.pause_s), LONGEST_PAUSE_S)
            post.due = self._clock() + timedelta(seconds=post.pause_s)
            logger.warning("Listener %r has to wait %g s: %s", post.carrier.name, post.pause_s, error)
            return
        if error is not None:
            raise error
        post.pause_s, post.due = 0.0, done.delivery.due
        self.total += done.delivery
        self._on_delivery(post.carrier.name, done.delivery)
