"""Ending a read that blocks: because somebody wants to stop, or because the server was silent for too long."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import httpx

__all__ = ["Guard"]

_LOOKS_S = 0.1


class Guard:
    """Watches one stream from a thread of its own, and cuts its connection.

    Parameters
    ----------
    answer : httpx.Response
        The stream.
    stop : threading.Event
        Cuts it when it is set.
    first_s, silence_s : float
        How long the first event, and each further one, may take, in seconds.
    """

    def __init__(self, answer: httpx.Response, stop: threading.Event, *, first_s: float, silence_s: float) -> None:
        self._answer = answer
        self._stop = stop
        self._silence_s = silence_s
        self._deadline = time.monotonic() + first_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="dtedask-notify-guard", daemon=True)
        self.was_silent = False

    def heard(self) -> None:
        """Say that the server is alive."""
        self._deadline = time.monotonic() + self._silence_s

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(_LOOKS_S):
            self.was_silent = time.monotonic() > self._deadline
            if self.was_silent or self._stop.is_set():
                break
        if not self._over.is_set():
            stream = self._answer.extensions.get("network_stream")
            place = stream.get_extra_info("socket") if stream is not None else None
            if place is not None:
                with contextlib.suppress(OSError):
                    place.shutdown(socket.SHUT_RDWR)  # unlike close, it wakes whoever reads
