"""One run of a transaction of tiny fields in a process of its own, for `scale.py`: seconds and bytes of every part.

Nothing is decoded, and no chunk is written: tasks only note where one would lie. What is left is what a run costs the
one process that drives it, whatever the fields are. Seconds are of the processor, so that a busy machine does not
count.
"""

from __future__ import annotations

import itertools
import json
import pickle
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial, partialmethod
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dask.config
import icechunk
from _account import CLIENT, Times, timing

import dtedask
from dtedask.grib.library import eccodes
from dtedask.ingest import ingest
from dtedask.store import write
from dtedask.store.attempts import Attempts, Work
from dtedask.store.execute import Execution
from dtedask.store.runners import Graph, Threads
from dtedask.store.write import WriteResult
from dtedask.store.writing import WriteTransaction

POINTS = 6 * 4
STEPS, PARAMETERS, LEVELS = 240, (0, 1, 2, 3, 4), 100


def tiny_messages(count: int) -> Iterator[bytes]:
    """Messages of forecasts: one is made by ecCodes, the others differ in a few bytes of it."""
    handle = eccodes.codes_grib_new_from_samples("regular_ll_pl_grib2")
    for key, value in {
        "tablesVersion": 32, "setLocalDefinition": 1, "class": "od", "stream": "oper", "type": "fc", "expver": "0001",
        "Ni": 6, "Nj": 4, "iDirectionIncrementInDegrees": 60, "jDirectionIncrementInDegrees": 60,
        "latitudeOfFirstGridPointInDegrees": 90, "latitudeOfLastGridPointInDegrees": -90,
        "longitudeOfFirstGridPointInDegrees": 0, "longitudeOfLastGridPointInDegrees": 300,
        "dataDate": 20240601, "dataTime": 0, "bitsPerValue": 8, "paramId": 130, "level": 500, "step": 0,
    }.items():  # fmt: skip
        eccodes.codes_set(handle, key, value)
    eccodes.codes_set_array(handle, "values", [280.0 + number % 7 for number in range(POINTS)])
    message = bytearray(eccodes.codes_get_message(handle))
    eccodes.codes_release(handle)
    cross = itertools.product(range(28), range(STEPS), PARAMETERS, range(LEVELS))
    for day, step, parameter, level in itertools.islice(cross, count):
        message[_DAY] = day + 1
        message[_PARAMETER] = parameter
        message[_STEP : _STEP + 4] = step.to_bytes(4, "big")
        message[_LEVEL : _LEVEL + 4] = (1000 * (level + 1)).to_bytes(4, "big")
        yield bytes(message)


_DAY, _PARAMETER, _STEP, _LEVEL = 31, 135, 144, 150


def cut(items: Sequence[Any], tasks: int) -> list[Sequence[Any]]:
    """Items in so many batches of nearly equal length."""
    edges = [len(items) * number // tasks for number in range(tasks + 1)]
    return [items[begin:end] for begin, end in itertools.pairwise(edges) if end > begin]


def took(call: Any) -> tuple[float, Any]:
    begin = time.process_time()
    result = call()
    return time.process_time() - begin, result


def only_note(fork: bytes | Any, items: Sequence[Any], packs: Any, *, syncs: bool = False) -> Any:  # noqa: ARG001
    """In place of `write_batch`: references to nothing."""
    session = pickle.loads(fork) if isinstance(fork, bytes) else fork
    references: dict[str, list[Any]] = {}
    for item in items:
        path, _, slots = item.key.partition("/c/")
        spec = icechunk.VirtualChunkSpec([*map(int, slots.split("/"))], "file:///nowhere", 0, 96)
        references.setdefault(path, []).append(spec)
    for path, specs in references.items():
        session.store.set_virtual_refs(f"/{path}", specs, validate_containers=False)
    return WriteResult(session, new=[item.key for item in items])


def wait_for_each(seconds: float) -> None:
    """In a worker: tasks note where chunks would lie and wait as long as so many fields would take."""
    write.write_batch = partial(_note_and_wait, seconds)  # type: ignore[assignment]


def _note_and_wait(seconds: float, fork: bytes, items: Sequence[Any], packs: Any, *, syncs: bool = False) -> Any:
    end = time.perf_counter() + seconds * len(items)
    result = only_note(fork, items, packs, syncs=syncs)
    threading.Event().wait(max(end - time.perf_counter(), 0))
    return result


class Looking:
    """Looks at the tasks of a transaction before they run, and at their results."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}
        self.do = Execution.do

    def before(self, work: Work, batches: Sequence[Sequence[Any]]) -> None:
        pieces = Attempts(work, batches, Threads(1).room(), 0).wave().pieces  # type: ignore[union-attr]
        self.found["graph"], _ = took(lambda: Graph(work, "token").tasks(pieces))
        self.found["memory before tasks"] = _peak()
        self._travel("items", [tuple(batch) for batch in batches])
        self.found["bytes of fork"] = len(work.shared)

    def _travel(self, name: str, parts: Sequence[Any]) -> None:
        self.found[f"pickle {name}"], texts = took(lambda: [pickle.dumps(part, 5) for part in parts])
        self.found[f"bytes of {name}"] = sum(map(len, texts))
        self.found[f"unpickle {name}"], _ = took(lambda: [pickle.loads(text) for text in texts])

    def in_place_of_do(self, execution: Execution, work: Work, batches: Any, token: str = "") -> list[Any]:
        taken, _ = took(lambda: self.before(work, batches))
        results = self.do(execution, work, batches, token)
        more, _ = took(lambda: self._travel("results", results))
        self.found["looking"] = taken + more
        return results


def _do(execution: Execution, looking: Looking, *given: Any) -> list[Any]:
    return looking.in_place_of_do(execution, *given)


def measure(fields: int, tasks: int) -> dict[str, float]:
    """Seconds of every part of one commit of so many fields in so many tasks; bytes of what travels; peak memory."""
    looking = Looking()
    with tempfile.TemporaryDirectory(prefix="dtedask-scale-") as place, ExitStack() as stack:
        folder = Path(place)
        stack.enter_context(dask.config.set({"dtedask.ingest.threads": 1, "dtedask.store.durable": False}))
        for name, count in {"one": 1, "all": fields}.items():
            with (folder / f"{name}.grib2").open("wb") as file:
                file.writelines(tiny_messages(count))
        # What is loaded and opened once is not a part of any run.
        ingest(folder / "one.grib2", dtedask.open(folder / "first"))
        at_first = _peak()
        replace = stack.enter_context
        replace(patch.object(WriteTransaction, "_batches", lambda _self, items: cut(items, tasks)))
        replace(patch.object(Execution, "do", partialmethod(_do, looking)))
        replace(patch("dtedask.store.write.write_batch", only_note))
        times = replace(timing(CLIENT, Times(), time.process_time))
        whole, summary = took(lambda: ingest(folder / "all.grib2", dtedask.open(folder / "root")))
    assert summary.new == fields
    found = {"fields": fields, "tasks": tasks, "memory at first": at_first, "memory at last": _peak(), **looking.found}
    found |= {name: times.seconds.get(name, 0.0) for name in CLIENT}
    found["run tasks"] -= found["looking"]
    found["whole"] = whole - found["looking"]
    found["other"] = found["whole"] - sum(found[name] for name in CLIENT)
    return found


def _peak() -> float:
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
