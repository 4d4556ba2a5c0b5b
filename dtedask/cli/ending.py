"""How the run of a batch job hears that it must end."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from dtedask.cluster.batch.allocation import Allocation

_TERMINATED_S = 20.0  # SLURM kills 30 s after SIGTERM, unless its configuration says otherwise
_LAST_S = 10.0


class Ending:
    """Signals of SLURM, and what they mean for a run.

    SIGUSR1 comes before the walltime: what waits for input ends after the commit under way, everything else goes on
    while there is time. SIGTERM comes when the job is cancelled or requeued: what waits ends as before, everything else
    at once. SLURM may send it to the script and to this process, so that it comes twice.
    """

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.reason: Literal["", "walltime", "terminated"] = ""
        self.finishes = False  # whether the event ends the run soon
        self.grace_s = 60.0
        self.allocation: Allocation | None = None
        self._is_over = False
        self._interrupted = False

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hear signals of this process."""
        before = {
            number: signal.signal(number, handler)
            for number, handler in ((signal.SIGUSR1, self._near), (signal.SIGTERM, self._now))
        }
        try:
            yield
        finally:
            for number, found in before.items():
                signal.signal(number, found)

    @contextmanager
    def stopping(self) -> Iterator[threading.Event]:
        """Give the event that stops the run."""
        yield self.stop

    def _near(self, _number: int, _frame: object) -> None:
        if not self.reason:
            self._begin("walltime", max(self.grace_s - _LAST_S, self.grace_s / 2))

    def _now(self, _number: int, _frame: object) -> None:
        lost = self.allocation is not None and self.allocation.lost is not None
        if lost or self._is_over or not self.finishes:
            self._interrupt(lost=lost)
        elif self.reason != "terminated":
            self._begin("terminated", _TERMINATED_S)

    def _begin(self, reason: Literal["walltime", "terminated"], seconds: float) -> None:
        self.reason = reason
        self.stop.set()
        why = "The walltime is near" if reason == "walltime" else "The job is to end"
        then = "stopping after the commit that is under way" if self.finishes else "going on while there is time"
        _write(f"{why}: {then}.\n")
        timer = threading.Timer(seconds, self._end)
        timer.daemon = True
        timer.start()

    def _end(self) -> None:
        self._is_over = True
        _thread.interrupt_main(signal.SIGTERM)

    def _interrupt(self, *, lost: bool) -> None:
        if self._interrupted:
            return
        self._interrupted = True
        if not lost:
            self.reason = self.reason or "terminated"
            _write("There is no time left: the run is given up. What was committed stays.\n")
        raise KeyboardInterrupt


def _write(text: str) -> None:
    """Past Python's buffers: the signal may have come while this thread was writing to one, which then refuses us."""
    with suppress(OSError, ValueError):
        os.write(sys.stderr.fileno(), text.encode())
