"""Time of a commit and of opening: from 1 to 1,000 commits, over 10,000 with purge, and from 1,000 to 1,000,000 fields.

python benchmarks/commits.py [--commits 1000] [--purged 10000] [--fields 1000 10000 100000 1000000] [--json FILE]

Fields have 24 points. For the cubes of many fields only the axes are archived; the other fields are references that the
repository takes at once. Each figure is the median of rounds; commits are durable, plug-ins run. Opening is a fresh
handle that finds one field and reads it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import dask.config
import icechunk
import numpy as np
import xarray as xr

import dtedask
from dtedask.store import Store
from dtedask.store.location import Location
from dtedask.store.repository import open_repository

CUBE = "rd/enfo/test"
KEYS = {"class": "rd", "stream": "enfo", "expver": "test", "type": "pf", "levtype": "pl", "number": "1", "time": "0000"}
STEPS, LEVELS, PARAMS = 20, 50, ("t", "u", "v", "q", "z")
WINDOW = 40
RATIO = 2.0
LATITUDE, LONGITUDE = np.array([20.0, 10.0, 0.0, -10.0]), np.arange(6) * 10.0


def field(value: float) -> xr.DataArray:
    """A field of 24 points, no two alike."""
    values = np.float32(value) + np.arange(24, dtype="float32").reshape(4, 6) / 32
    coordinates = {"latitude": LATITUDE, "longitude": LONGITUDE}
    return xr.DataArray(values, dims=("latitude", "longitude"), coords=coordinates)


def keys_of(run: int, step: int, level: int = 500, param: str = "t") -> dict[str, str]:
    """Keys of one field."""
    day = (date(2024, 1, 1) + timedelta(days=run)).strftime("%Y%m%d")
    return {**KEYS, "date": day, "step": str(step), "levelist": str(level), "param": param}


def commit_s(store: Store, number: int) -> float:
    """Commit one field of a run of 20 steps, as live ingest does."""
    store.archive(field(number), keys_of(number // STEPS, number % STEPS))
    start = time.perf_counter()
    store.flush()
    return time.perf_counter() - start


def open_s(root: str, keys: dict[str, str]) -> float:
    """Open the root, find one field and read it."""
    start = time.perf_counter()
    dataset = dtedask.open(root).retrieve(keys)
    assert np.isfinite(dataset["t"].to_numpy()).all()
    return time.perf_counter() - start


def many_commits(root: str, count: int) -> Iterator[dict[str, Any]]:
    """Commits without purge; a row at 1, 10, 100, ..."""
    store = dtedask.open(root)
    times, marks = [], {10**power for power in range(1, 7)}
    for number in range(count):
        times.append(commit_s(store, number))
        if number + 1 in marks or number + 1 == count:
            window = times[1:][-WINDOW:]  # the first commit makes the cube
            opened = median(open_s(root, keys_of(number // STEPS, number % STEPS)) for _ in range(7))
            yield row("commits", number + 1, window, opened, root)


def purged_commits(root: str, count: int, every: int = 500) -> Iterator[dict[str, Any]]:
    """Tiny commits to a rolling window of 100 runs, with a purge now and then."""
    store, times, took = dtedask.open(root), [], []
    for number in range(count):
        times.append(commit_s(store, number % (100 * STEPS)))
        if (number + 1) % every == 0:
            start = time.perf_counter()
            store.purge(keep_commits=100)
            took.append(time.perf_counter() - start)
        if number + 1 in {every, count // 2, count}:
            opened = median(open_s(root, keys_of(0, 0)) for _ in range(7))
            yield {**row("purged", number + 1, times[-WINDOW:], opened, root), "purge_s": median(took)}


def many_fields(root: str, count: int) -> dict[str, Any]:
    """A cube of so many fields, and ten commits to it."""
    store = dtedask.open(root)
    runs = max(count // (STEPS * LEVELS * len(PARAMS)), 1)
    levels = min(max(count // (STEPS * len(PARAMS) * runs), 1), LEVELS)
    for param in PARAMS:
        for run, step, level in cross(runs, levels):
            store.archive(field(run), keys_of(run, step, 10 * (level + 1), param))
    store.flush()
    fill(root, runs, levels)
    times = []
    for number in range(11):
        store.archive(field(number), keys_of(runs, number, 10))
        start = time.perf_counter()
        store.flush()
        times.append(time.perf_counter() - start)
    opened = median(open_s(root, keys_of(runs, number, 10)) for number in range(7))
    found = row("fields", runs * STEPS * levels * len(PARAMS), times[1:], opened, root)
    start = time.perf_counter()
    store.purge(keep_commits=1)
    return {**found, "purge_s": time.perf_counter() - start}


def cross(runs: int, levels: int) -> Iterator[tuple[int, int, int]]:
    """So few fields that every label of every axis is there once."""
    yield from dict.fromkeys(
        [(run, 0, 0) for run in range(runs)]
        + [(0, step, 0) for step in range(STEPS)]
        + [(0, 0, level) for level in range(levels)]
    )


def fill(root: str, runs: int, levels: int) -> None:
    """References in place of all other fields, in one snapshot."""
    repo = open_repository(Location.parse(root), CUBE)
    head = next(iter(repo.ancestry(branch="main")))
    session = repo.writable_session("main")
    (group,) = dtedask.open(root).groups(CUBE)
    there = set(cross(runs, levels))
    for param in PARAMS:
        refs = [
            icechunk.VirtualChunkSpec([run, 0, step, level, 0, 0], "file:///gone/pack", 100 * (run + step + level), 96)
            for run, step, level in itertools.product(range(runs), range(STEPS), range(levels))
            if (run, step, level) not in there
        ]
        if refs:
            session.store.set_virtual_refs(f"/{group}/{param}", refs, validate_containers=False)
    session.commit("references", metadata=head.metadata)


def row(kind: str, count: int, commits: list[float], opened: float, root: str) -> dict[str, Any]:
    """One line of the table."""
    stored = sum(path.stat().st_size for path in Path(root).rglob("*") if path.is_file())
    return {"kind": kind, "count": count, "commit_s": median(commits), "open_s": opened, "stored": stored}


def show(rows: list[dict[str, Any]]) -> bool:
    """Print the table; whether every last row is within the limit of the first of its kind."""
    is_flat = True
    print(f"{'':8} {'count':>9} {'commit':>9} {'open':>9} {'stored':>10} {'purge':>8}")
    for kind in dict.fromkeys(one["kind"] for one in rows):
        found = [one for one in rows if one["kind"] == kind]
        for one in found:
            purge = f"{one['purge_s']:6.2f} s" if "purge_s" in one else ""
            print(
                f"{kind:8} {one['count']:9,} {1000 * one['commit_s']:6.1f} ms {1000 * one['open_s']:6.1f} ms "
                f"{one['stored'] / 1e6:7.1f} MB {purge}"
            )
        ratios = [found[-1][name] / found[0][name] for name in ("commit_s", "open_s")]
        print(f"{kind:8} {'ratio':>9} {ratios[0]:9.2f} {ratios[1]:9.2f}   limit {RATIO:g}")
        is_flat &= max(ratios) <= RATIO
    return is_flat


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=1000)
    parser.add_argument("--purged", type=int, default=10_000)
    parser.add_argument("--fields", type=int, nargs="*", default=[1000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    folder = Path(tempfile.mkdtemp(prefix="dtedask-commits-"))
    try:
        with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
            rows += many_commits(str(folder / "commits"), options.commits) if options.commits else []
            rows += purged_commits(str(folder / "purged"), options.purged) if options.purged else []
            rows += [many_fields(str(folder / f"fields-{count}"), count) for count in options.fields]
    finally:
        shutil.rmtree(folder)
    is_flat = show(rows)
    print(json.dumps(rows))
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1))
    return 0 if is_flat else 1


if __name__ == "__main__":
    sys.exit(main())
