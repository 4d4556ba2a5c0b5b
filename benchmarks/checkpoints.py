"""States of a run are saved and read again: seconds, memory, and what stays on disk.

python benchmarks/checkpoints.py [--root FOLDER_OR_URL] [--megabytes 4 40 400 1000] [--rounds 4] [--json FILE]

A state is fields of 542,080 points of float64. Each round saves other values; the root is synced each time, as the
setting `store.durable` says. Medians; memory is the most that the process took beyond the state.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from dtedask.pipeline import Saved
from dtedask.pipeline.checkpoint import Checkpoint, Checkpoints, Entry

POINTS = 542_080


def state(megabytes: int) -> dict[str, np.ndarray]:
    """Fields of random values."""
    random = np.random.default_rng(1)
    return {f"field-{number}": random.random(POINTS) for number in range(max(1, megabytes * 10**6 // (8 * POINTS)))}


def peak_bytes() -> int:
    """Most memory that this process ever took."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measured(url: str, megabytes: int, rounds: int) -> dict[str, Any]:
    """Save and read a state of a size."""
    arrays, checkpoints, seconds = state(megabytes), Checkpoints(url), []
    size, before = sum(one.nbytes for one in arrays.values()), peak_bytes()
    for number in range(rounds):
        for array in arrays.values():
            np.add(array, 1.0, out=array)
        entry = Entry("pipeline", number, states=[("statistics", Saved({}, arrays))])
        begin = time.perf_counter()
        checkpoints.write(Checkpoint("run", [], "", {}, [entry]))
        seconds.append(time.perf_counter() - begin)
    extra = peak_bytes() - before
    begin = time.perf_counter()
    found = Checkpoints(url).read()
    read = time.perf_counter() - begin
    assert found is not None
    for name, array in found.entries[0].states[0][1].arrays.items():
        np.testing.assert_array_equal(array, arrays[name])
    return {
        "bytes": size,
        "write_s": median(seconds),
        "read_s": read,
        "extra_bytes": extra,
        "disk_bytes": _on_disk(url),
    }


def _on_disk(url: str) -> int | None:
    if "://" in url:
        return None
    return sum(path.stat().st_size for path in Path(url).rglob("*") if path.is_file())


def main() -> int:
    """Measure, and print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default="")
    parser.add_argument("--megabytes", nargs="+", type=int, default=[4, 40, 400, 1000])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for megabytes in options.megabytes:
            url = f"{(options.root or folder).rstrip('/')}/{megabytes}"
            # A process for each: what one took at most hides what the next takes.
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                found[megabytes] = one = process.submit(measured, url, megabytes, options.rounds).result()
            disk = "" if one["disk_bytes"] is None else f", {one['disk_bytes'] / 1e6:,.0f} MB on disk"
            sys.stdout.write(
                f"{one['bytes'] / 1e6:,.0f} MB: saved in {one['write_s']:.2f} s, read in {one['read_s']:.2f} s, "
                f"{one['extra_bytes'] / 1e6:,.0f} MB more memory{disk}\n"
            )
    if options.json:
        options.json.write_text(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
