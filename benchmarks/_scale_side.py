"""One run of a transaction of tiny fields in a process of its own, for `scale.py`: seconds and bytes of every part.

Nothing is decoded, and no chunk is written: tasks only note where one would lie. What is left is what a run costs the one
process that drives it, whatever the fields are. Seconds are of the processor, so that a busy machine does not count.
"""

from __future__ import annotations

import itertools
import json
import pickle
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from _account import CLIENT, Times, timing

POINTS = 6 * 4
STEPS, PARAMETERS, LEVELS = 240, (0, 1, 2, 3, 4), 100


def tiny_messages(count: int) -> Iterator[bytes]:
    """Messages of forecasts: one is made by ecCodes, the others differ in a few bytes of it."""
    from dtedask.grib.library import eccodes

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
    import icechunk

    from dtedask.store.write import WriteResult

    session = pickle.loads(fork) if isinstance(fork, bytes) else fork
    references: dict[str, list[Any]] = {}
    for item in items:
        path, _, slots = item.key.partition("/c/")
        spec = icechunk.VirtualChunkSpec([*map(int, slots.split("/"))], "file:///nowhere", 0, 96)
        references.setdefault(path, []).append(spec)
    for path, specs in references.items():
        session.store.set_virtual_refs(f"/{path}", specs, validate_containers=False)
    return WriteResult(session, new=[item.key for item in items])


def measure(fields: int, tasks: int) -> dict[str, float]:
    """Seconds of every part of one commit of so many fields in so many tasks; bytes of what travels; peak memory."""
    import dask.config

    import dtedask
    from dtedask.ingest import ingest
    from dtedask.store.attempts import Attempts, Work
    from dtedask.store.execute import Execution
    from dtedask.store.runners import Graph, Threads
    from dtedask.store.writing import WriteTransaction

    found: dict[str, float] = {"fields": fields, "tasks": tasks}
    do = Execution.do

    def looked_at(self: Execution, work: Work, batches: Sequence[Sequence[Any]], token: str = "") -> list[Any]:
        before = time.process_time()
        pieces = Attempts(work, batches, Threads(1).room(), 0).wave().pieces  # type: ignore[union-attr]
        found["graph"], _ = took(lambda: Graph(work, "token").tasks(pieces))
        found["memory before tasks"] = _peak()
        found["pickle items"], texts = took(lambda: [pickle.dumps(tuple(batch), 5) for batch in batches])
        found["bytes of items"] = sum(map(len, texts))
        if isinstance(work.shared, bytes):
            found["bytes of fork"] = len(work.shared)
        found["unpickle items"], _ = took(lambda: [pickle.loads(text) for text in texts])
        del texts
        found["looking"] = time.process_time() - before
        results = do(self, work, batches, token)
        before = time.process_time()
        found["pickle results"], texts = took(lambda: [pickle.dumps(result, 5) for result in results])
        found["bytes of results"] = sum(map(len, texts))
        found["unpickle results"], _ = took(lambda: [pickle.loads(text) for text in texts])
        found["looking"] += time.process_time() - before
        return results

    folder = Path(tempfile.mkdtemp(prefix="dtedask-scale-"))
    try:
        with (folder / "fields.grib2").open("wb") as file:
            file.writelines(tiny_messages(fields))
        # What is loaded and opened once is not a part of any run.
        with (folder / "one.grib2").open("wb") as file:
            file.writelines(tiny_messages(1))
        with dask.config.set({"dtedask.ingest.threads": 1, "dtedask.store.durable": False}):
            ingest(folder / "one.grib2", dtedask.open(folder / "one"))
            found["memory at first"] = _peak()
            WriteTransaction._batches = lambda _self, items: cut(items, tasks)  # type: ignore[method-assign]
            Execution.do = looked_at  # type: ignore[method-assign]
            dtedask.store.write.write_batch = only_note
            with timing(CLIENT, Times(), time.process_time) as times:
                found["whole"], summary = took(lambda: ingest(folder / "fields.grib2", dtedask.open(folder / "root")))
        assert summary.new == fields
    finally:
        shutil.rmtree(folder)
    found |= {name: times.seconds.get(name, 0.0) for name in CLIENT}
    found["run tasks"] -= found["looking"]
    found["whole"] -= found["looking"]
    found["other"] = found["whole"] - sum(found[name] for name in CLIENT)
    found["memory at last"] = _peak()
    return found


def _peak() -> float:
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
