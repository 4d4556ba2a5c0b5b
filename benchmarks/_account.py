"""Timers around the parts of a run: in the process that drives it, and in the workers.

Wraps named functions of dtedask, so that the account needs nothing in the product. Used by `cluster.py`.
"""

from __future__ import annotations

import functools
import importlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

# What the client does itself, one after the other; no two of them nest.
CLIENT = {
    "survey": "dtedask.ingest.run:_surveys",
    "addresses": "dtedask.store.archive:Archive.add_messages",
    "open repository": "dtedask.store.writing:create_repository",
    "slots": "dtedask.store.writing:place",
    "items": "dtedask.store.writing:_items",
    "grow": "dtedask.store.writing:grow",
    "batches": "dtedask.store.writing:WriteTransaction._batches",
    "run tasks": "dtedask.store.writing:WriteTransaction._write",
    "check forks": "dtedask.store.writing:_check_forks",
    "merge forks": "icechunk:Session.merge",
    "publish": "dtedask.store.transaction:Transaction._publish",
}
# What tasks do, one after the other.
WORKER = {
    "read": "dtedask.store.write:FileSlice.read",
    "decode": "dtedask.grib:decode",
    "encode": "dtedask.store.layouts.map:ChunkCodec.encode",
    "write": "dtedask.store.chunks:ChunkWriter.write",
    "close packs": "dtedask.store.chunks:ChunkWriter.close",
    "sync": "dtedask.store.syncing:sync_to_disk",
}
TASK = "dtedask.store.write:write_batch"


@dataclass
class Times:
    """Seconds by part, over all threads, and when each task began and ended."""

    seconds: dict[str, float] = field(default_factory=dict)
    spans: list[tuple[float, float]] = field(default_factory=list)
    cpu: float = 0.0
    lock: Any = field(default_factory=threading.Lock, repr=False)

    def add(self, name: str, seconds: float) -> None:
        with self.lock:
            self.seconds[name] = self.seconds.get(name, 0.0) + seconds


def _owner(path: str) -> tuple[Any, str]:
    module, _, names = path.partition(":")
    *parents, name = names.split(".")
    return functools.reduce(getattr, parents, importlib.import_module(module)), name


def _timed(function: Callable[..., Any], name: str, times: Times, clock: Callable[[], float]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        begin = clock()
        try:
            return function(*arguments, **options)
        finally:
            times.add(name, clock() - begin)

    return wrapped


def _spanned(function: Callable[..., Any], times: Times) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        begin = time.time()  # compared between processes of one machine
        try:
            return function(*arguments, **options)
        finally:
            with times.lock:
                times.spans.append((begin, time.time()))

    return wrapped


@contextmanager
def timing(parts: dict[str, str], times: Times, clock: Callable[[], float] = time.perf_counter) -> Iterator[Times]:
    """Time the parts of this process while the block runs."""
    replaced = []
    for name, path in parts.items():
        owner, attribute = _owner(path)
        function = getattr(owner, attribute)
        replaced.append((owner, attribute, function))
        wrapped = _spanned(function, times) if name == "task" else _timed(function, name, times, clock)
        setattr(owner, attribute, wrapped)
    begin = sum(os.times()[:2])
    try:
        yield times
    finally:
        times.cpu = sum(os.times()[:2]) - begin
        for owner, attribute, function in replaced:
            setattr(owner, attribute, function)


_open: list[Any] = []


def begin_worker() -> None:
    """Start timers in a worker process."""
    context = timing({**WORKER, "task": TASK}, Times())
    _open.append((context, context.__enter__()))


def end_worker() -> tuple[dict[str, float], list[tuple[float, float]], float]:
    """Stop them and return seconds by part, spans of tasks, and seconds of the processor."""
    context, times = _open.pop()
    context.__exit__(None, None, None)
    return times.seconds, times.spans, times.cpu


def idle(spans: list[tuple[float, float]], threads: int) -> tuple[float, float, float]:
    """From the first task's begin to the last one's end: seconds, seconds of tasks, and seconds of idle threads."""
    if not spans:
        return 0.0, 0.0, 0.0
    long = max(end for _, end in spans) - min(begin for begin, _ in spans)
    busy = sum(end - begin for begin, end in spans)
    return long, busy, max(long * threads - busy, 0.0)
