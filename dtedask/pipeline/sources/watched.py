"""A folder that a model writes into: each file, or each step, goes through a plan once it is whole."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dtedask.core.errors import GribCutError, GribError, NotFoundError
from dtedask.core.settings import setting
from dtedask.grib import arrivals, scan
from dtedask.grib.arrivals import Arrivals, CommitFile, CommitStep
from dtedask.grib.files import SourceFile
from dtedask.grib.folder import Folder
from dtedask.pipeline.sources.files import unread_of
from dtedask.pipeline.sources.order import moment_key
from dtedask.pipeline.sources.source import DType, Places, Source, numbered, read_ahead

if TYPE_CHECKING:
    from dtedask.grib import Message as GribMessage
    from dtedask.pipeline.message import Message

__all__ = ["WatchedFolder", "watch_folder"]

_LOOK_AT_STOP_S = 0.1
Unit = Literal["file", "step"]


def watch_folder(
    folder: str | os.PathLike[str],
    *,
    unit: Unit = "file",
    stop: threading.Event | None = None,
    idle_s: float = 30.0,
    poll: bool | None = None,
    dtype: DType = "float32",
) -> WatchedFolder:
    """Watch a folder: what stands in it and what arrives.

    Parameters
    ----------
    folder : str or path
        The folder; everything below it counts. Hidden files, ``*.part`` and ``*.tmp`` are left alone.
    unit : {"file", "step"}
        What is complete at once: a file when nobody writes to it any more, or a step when a later one of its run has
        come, or nothing of it for `idle_s` seconds. With files a result is there sooner; a step of several files then
        has several flushes.
    stop : threading.Event, optional
        Ends the stream when it is set, after what was complete by then.
    idle_s : float
        See `unit`.
    poll : bool, optional
        Whether to look again and again; by default where the file system reports no events.
    dtype : {"float32", "float64"}
        As of `open_source`.

    Raises
    ------
    NotFoundError
        If there is no such folder.
    """
    if not Path(folder).is_dir():
        raise NotFoundError(f"There is no folder {os.fspath(folder)!r}.", hint="Make it before the watch begins.")
    stops = stop or threading.Event()
    return WatchedFolder(os.path.abspath(folder), unit, stop=stops, idle_s=idle_s, poll=poll, dtype=dtype)


class WatchedFolder(Source):
    """See `watch_folder`.

    Attributes
    ----------
    failed : dict of str to Exception
        Files that could not be taken, and why.
    """

    def __init__(
        self, folder: str, unit: Unit, *, stop: threading.Event, idle_s: float, poll: bool | None, dtype: DType
    ) -> None:
        self._folder, self._unit, self._stop, self._dtype = folder, unit, stop, dtype
        self._idle_s, self._poll = idle_s, poll
        self._places = Places()
        self._files: dict[str, tuple[SourceFile, list[GribMessage]]] = {}
        self._done: dict[str, None] = {}
        self._current, self._index = "", 0
        self.failed: dict[str, Exception] = {}

    @property
    def identity(self) -> dict[str, Any]:
        """See `Source`."""
        return {"kind": "folder", "folder": self._folder, "unit": self._unit}

    @property
    def is_over(self) -> bool:
        """See `Source`."""
        return not self._stop.is_set()

    @property
    def position(self) -> dict[str, Any]:
        """See `Source`: files that are done, and steps of others, and how much of what is under way."""
        return {"done": list(self._done), "current": self._current, "index": self._index}

    def messages(self, position: Mapping[str, Any] | None = None) -> Iterator[Message]:
        """See `Source`; waits for files until it is told to stop."""
        begun = dict(position or {})
        self._done = dict.fromkeys(begun.get("done", ()))
        settle_s, interval_s = setting("ingest.settle-time"), setting("ingest.poll-interval")
        machine = Arrivals(self._unit, settle_s=settle_s, retry_s=interval_s, idle_s=self._idle_s)
        with Folder(self._folder, poll=self._poll, interval_s=interval_s) as folder:
            for instruction in self._instructions(machine, folder):
                name = _name(instruction)
                begin = int(begun["index"]) if begun.get("current") == name else 0
                yield from self._unit_messages(instruction, name, begin)

    def _unit_messages(self, instruction: CommitFile | CommitStep, name: str, begin: int) -> Iterator[Message]:
        self._current, self._index = name, begin
        parts = self._parts(instruction)
        fields = [unread_of(message, self._dtype) for _, messages in parts for message in messages]
        for message, index in read_ahead(islice(numbered(self._places, fields), begin, None)):
            self._index = index
            yield message
        self._done.update(dict.fromkeys(part for part, _ in parts))
        self._current, self._index = "", 0
        self._forget(instruction)

    def _instructions(self, machine: Arrivals, folder: Folder) -> Iterator[CommitFile | CommitStep]:
        while not self._stop.is_set():
            deadline = machine.deadline
            left = _LOOK_AT_STOP_S if deadline is None else min(deadline - time.monotonic(), _LOOK_AT_STOP_S)
            for event in folder.changes(left):
                yield from self._feed(machine, event, folder)
            yield from self._feed(machine, arrivals.Tick(), folder)
        yield from self._feed(machine, arrivals.Stopped(), folder)

    def _feed(self, machine: Arrivals, event: arrivals.Event, folder: Folder) -> Iterator[CommitFile | CommitStep]:
        events = deque([event])
        while events:
            for instruction in machine.handle(events.popleft(), time.monotonic()):
                match instruction:
                    case arrivals.Look():
                        answer: arrivals.Event | None = folder.look(instruction.path)
                    case arrivals.Scan():
                        answer = self._scan(instruction, folder)
                    case arrivals.Report():
                        answer = None
                        cut = GribError(f"{instruction.path}: was still written to when the watch ended.")
                        self.failed.setdefault(instruction.path, cut)
                    case _:
                        answer = None
                        yield instruction
                if answer is not None:
                    events.append(answer)

    def _scan(self, instruction: arrivals.Scan, folder: Folder) -> arrivals.Event | None:
        path = instruction.path
        size, mtime_ns = instruction.stamp
        file = SourceFile(path, size, mtime_ns, path)
        if file.tag in self._done:
            return arrivals.Scanned(path, "known")
        try:
            messages = list(scan(path))
        except GribCutError:
            return arrivals.Scanned(path, "growing")
        except (GribError, OSError) as error:
            self.failed[path] = error
            return arrivals.Scanned(path, "bad")
        now = folder.look(path)
        if not isinstance(now, arrivals.Seen) or now.stamp != instruction.stamp:
            return now or arrivals.Gone(path)
        self.failed.pop(path, None)
        self._files[path] = file, messages
        return arrivals.Scanned(path, "whole", tuple(sorted({step_of(message) for message in messages})))

    def _parts(self, instruction: CommitFile | CommitStep) -> Sequence[tuple[str, list[GribMessage]]]:
        """What of which file belongs to a unit, without what was done before; named as in `position`."""
        if isinstance(instruction, CommitFile):
            file, messages = self._files[instruction.path]
            return [(file.tag, messages)]
        found = []
        for path in (*instruction.complete, *instruction.partial):
            file, messages = self._files[path]
            of_step = [message for message in messages if step_of(message) == instruction.step]
            found.append((f"{file.tag} {_name(instruction)}", of_step))
        return [(part, messages) for part, messages in found if part not in self._done]

    def _forget(self, instruction: CommitFile | CommitStep) -> None:
        """Of a file that is done as a whole one name is kept."""
        paths = (instruction.path,) if isinstance(instruction, CommitFile) else instruction.complete
        for path in paths:
            file, _ = self._files.pop(path)
            self._done = {part: None for part in self._done if not part.startswith(f"{file.tag} ")} | {file.tag: None}


def step_of(message: GribMessage) -> arrivals.Step:
    """Run and step of a message: where it is in time, whatever else it is."""
    keys = message.field.keys
    run = "/".join(keys.get(key, "") for key in ("class", "stream", "expver", "model"))
    time_s, date, moment, _ = moment_key(keys)
    return (run, f"{date} {moment}"), time_s


def _name(instruction: CommitFile | CommitStep) -> str:
    if isinstance(instruction, CommitFile):
        return instruction.path
    (run, moment), seconds = instruction.step
    return f"{run} {moment} {seconds}"
