"""What happens in a folder: events of the system where there are any, looking at all files where not."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from dtedask.grib.arrivals import Gone, Seen
from dtedask.grib.files import grib_files, is_grib, is_left_alone

logger = logging.getLogger(__name__)

# Other hosts write to these, and the kernel of this one hears nothing of it.
_SHARED = {"9p", "afs", "beegfs", "ceph", "cifs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "pvfs2"}
_SHARED |= {"smb3", "smbfs", "wekafs", "drvfs"}
_STEP_MS = 10
_DEBOUNCE_MS = 100
_SURE_S = 30.0


class Folder:
    """A folder that is watched; a context manager.

    Parameters
    ----------
    path : str
        The folder; everything below it counts.
    poll : bool, optional
        Whether to look at all files again and again; None does so where the system reports no events.
    interval_s : float
        How often.
    """

    def __init__(self, path: str, *, poll: bool | None, interval_s: float) -> None:
        self._path = path
        self._polls = not has_events(path) if poll is None else poll
        self._interval_s = interval_s if self._polls else _SURE_S
        self._known: set[str] = set()
        self._changes: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self._listed_at = float("-inf")

    def __enter__(self) -> Self:
        if not self._polls:
            ready = threading.Event()
            self._thread = threading.Thread(target=self._listen, args=(ready,), name="watch-folder", daemon=True)
            self._thread.start()
            ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join()

    def look(self, path: str) -> Seen | Gone | None:
        """How a file is now; None for one that is none of ours."""
        try:
            status = os.stat(path)  # noqa: PTH116 - in a hot loop
        except OSError:
            known = path in self._known
            self._known.discard(path)
            return Gone(path) if known else None
        if not self._is_ours(path):
            return None
        self._known.add(path)
        return Seen(path, (status.st_size, status.st_mtime_ns), is_open_for_writing(path))

    def changes(self, timeout_s: float) -> Iterator[Seen | Gone]:
        """Wait for changes and yield them, the oldest first; nothing when none came in time."""
        events = [event for path in self._changed(timeout_s) if (event := self.look(path)) is not None]
        yield from sorted(events, key=lambda event: event.stamp[1] if isinstance(event, Seen) else 0)

    def _changed(self, timeout_s: float) -> list[str]:
        now = time.monotonic()
        left = self._listed_at + self._interval_s - now
        if left <= 0:
            self._listed_at = now
            return list(dict.fromkeys([*grib_files(self._path), *self._known]))
        try:
            paths = [self._changes.get(timeout=max(min(timeout_s, left), 0.0))]
        except queue.Empty:
            return []
        with contextlib.suppress(queue.Empty):
            while True:
                paths.append(self._changes.get_nowait())
        return list(dict.fromkeys(paths))

    def _listen(self, ready: threading.Event) -> None:
        import watchfiles

        changes = watchfiles.watch(
            self._path,
            watch_filter=None,
            debounce=_DEBOUNCE_MS,
            step=_STEP_MS,
            stop_event=self._end,
            rust_timeout=_DEBOUNCE_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
        )
        for found in changes:
            ready.set()
            for _, path in sorted(found):
                for each in grib_files(path) if Path(path).is_dir() else (path,):
                    self._changes.put(each)

    def _is_ours(self, path: str) -> bool:
        parts = Path(path).relative_to(self._path).parts
        if any(part.startswith(".") for part in parts) or is_left_alone(parts[-1]):
            return False
        return path in self._known or (Path(path).is_file() and is_grib(path))


def has_events(folder: str) -> bool:
    """Whether the system tells what happens in a folder: not on network file systems."""
    try:
        mounts = Path("/proc/self/mounts").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return True
    place = os.path.realpath(folder)
    best, kind = "", ""
    for line in mounts:
        _, target, found, *_ = line.split(" ")
        target = target.replace("\\040", " ")
        if len(target) >= len(best) and (place == target or place.startswith(target.rstrip("/") + "/")):
            best, kind = target, found
    return kind not in _SHARED and not kind.startswith("fuse.")


def is_open_for_writing(path: str) -> bool | None:
    """Whether any process has a file open for writing; None where nobody can say.

    Asks the kernel for a read lease, which it grants only when there is no writer, and gives it back at once.
    Works for own files on a local Linux file system.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # Who opens the file for writing right now makes the kernel send a signal: one that does no harm.
        fcntl.fcntl(descriptor, _F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return False


_F_SETSIG = 10
