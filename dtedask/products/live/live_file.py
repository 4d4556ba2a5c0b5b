"""What a run leaves in its state folder while it goes on, so that others see whether it does."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dtedask.pipeline.runs.status import process_start

__all__ = ["FILE_NAME", "LiveFile", "LiveRun", "find_live_run"]

FILE_NAME = "live.json"
_EVERY_S = 1.0

LiveState = Literal["running", "done", "failed", "lost"]
"""Its process is there; it ended, as it was told to or by an error; its process is gone without a word."""


class LiveFile:
    """Writes how a run stands, at most once a second, and at its end.

    Parameters
    ----------
    folder : Path
        The state folder.
    head : mapping
        What does not change: inputs and the like.
    clock : callable
        Gives seconds that never go back.
    """

    def __init__(self, folder: Path, head: Mapping[str, Any], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        self._head = {
            "version": 1,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process": process_start(os.getpid()),
            **head,
        }
        self._next = 0.0

    def tick(self, now: Callable[[], Mapping[str, Any]]) -> None:
        """Write, if it is time to."""
        if self._clock() >= self._next:
            self.write("running", now())

    def write(self, status: LiveState, now: Mapping[str, Any], *, error: str = "") -> None:
        """Write how it stands: the whole file at once."""
        self._next = self._clock() + _EVERY_S
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = self._folder / f"{FILE_NAME}.{os.getpid()}.partial"
        partial.write_text(json.dumps({**self._head, "status": status, "error": error, **now}, default=str))
        partial.replace(self._folder / FILE_NAME)


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A run that makes products as the model runs, by its file.

    Parameters
    ----------
    document : mapping
        What the file says.
    """

    document: Mapping[str, Any]

    @property
    def state(self) -> LiveState:
        """How it stands; of a process of another host nobody knows whether it is there, and it is believed."""
        said: LiveState = self.document["status"]
        if said == "running" and self.document["host"] == socket.gethostname():
            is_there = process_start(int(self.document["pid"])) == self.document["process"]
            return "running" if is_there else "lost"
        return said

    @property
    def running(self) -> frozenset[str]:
        """Products that it makes or delivers."""
        return frozenset(self.document.get("running", ()) if self.state == "running" else ())


def find_live_run(folder: str | os.PathLike[str]) -> LiveRun | None:
    """The run that uses a state folder, or used it last; None where there was none."""
    try:
        return LiveRun(json.loads((Path(folder) / FILE_NAME).read_text()))
    except FileNotFoundError:
        return None
