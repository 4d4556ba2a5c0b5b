"""How the run of a batch job hears that it must end."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from dtedask.cluster.batch.allocation import Allocation

_TERMINATED_S = 20.0  # SLURM kills 30 s after SIGTERM, unless its configuration says otherwise
_LAST_S = 10.0


class Ending:
    """Signals of SLURM, and what they mean for a run.

    SIGUSR1 comes before the walltime, up to a minute too early. When the time has come, what waits for input ends after
    the commit under way; everything else goes on until the last seconds. SIGTERM comes when the job is cancelled or
    requeued: what waits ends as before, everything else at once. SLURM may send it to the script and to this process,
    so that it comes twice.

    Parameters
    ----------
    seconds_left : callable, optional
        Says how long the job may still run; None if nobody knows.
    """

    def __init__(self, seconds_left: Callable[[], float | None] = lambda: None) -> None:
        self.stop = threading.Event()
        self.reason: Literal["", "walltime", "terminated"] = ""
        self.finishes = False  # whether the event ends the run soon
        self.grace_s = 60.0
        self.allocation: Allocation | None = None
        self._seconds_left = seconds_left
        self._is_over = False
        self._interrupted = False
        self._warned = False
        self._is_heard = False
        self._timers: list[threading.Timer] = []

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hear signals of this process."""
        before = {
            number: signal.signal(number, handler)
            for number, handler in ((signal.SIGUSR1, self._near), (signal.SIGTERM, self._now))
        }
        self._is_heard = True
        try:
            yield
        finally:
            self._is_heard = False
            # A signal that comes now would mean what it meant before: the end of the process.
            for timer in self._timers:
                timer.cancel()
            for number, found in before.items():
                signal.signal(number, found)

    @contextmanager
    def stopping(self) -> Iterator[threading.Event]:
        """Give the event that stops the run."""
        yield self.stop

    def _near(self, _number: int, _frame: object) -> None:
        if not self._warned:
            self._warned = True
            threading.Thread(target=self._await_walltime, name="walltime", daemon=True).start()

    def _await_walltime(self) -> None:
        left = self._seconds_left()
        left = self.grace_s if left is None else left
        _write(f"The walltime ends in {left:.0f} s.\n")
        self._later(max(left - self.grace_s, 0.0), self._stop, "walltime")
        self._later(max(left - _LAST_S, left / 2), self._end)

    def _now(self, _number: int, _frame: object) -> None:
        lost = self.allocation is not None and self.allocation.lost is not None
        if lost or self._is_over or not self.finishes:
            self._interrupt(lost=lost)
        elif self.reason != "terminated":
            self._stop("terminated")
            self._later(_TERMINATED_S, self._end)

    def _stop(self, reason: Literal["walltime", "terminated"]) -> None:
        if self.finishes:
            self.reason = reason
            self.stop.set()
            _write("Stopping after the commit that is under way.\n")

    def _end(self) -> None:
        if not self._is_heard:
            return
        self._is_over = True
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)  # wakes it from whatever it waits for

    def _interrupt(self, *, lost: bool) -> None:
        if self._interrupted:
            return
        self._interrupted = True
        if not lost:
            self.reason = self.reason or ("walltime" if self._is_over else "terminated")
            _write("There is no time left: the run is given up. What was committed stays.\n")
        raise KeyboardInterrupt

    def _later(self, seconds: float, function: Callable[..., None], *arguments: object) -> None:
        timer = threading.Timer(seconds, function, arguments)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()


def _write(text: str) -> None:
    """Past Python's buffers: the signal may have come while this thread was writing to one, which then refuses us."""
    with suppress(OSError, ValueError):
        os.write(sys.stderr.fileno(), text.encode())
