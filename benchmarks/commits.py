"""Time of a commit and of opening: from 1 to 1,000 commits, over 10,000 with purge, and from 1,000 to 1,000,000 fields.

python benchmarks/commits.py [--commits 1 10 100 1000] [--purged 10000] [--fields 1000 10000 100000 1000000]
    [--rounds 21] [--json FILE]

Fields have 24 points. For the cubes of many fields only the axes are archived; the other fields are references that the
repository takes at once. All roots are made first; then each round commits to and opens each of them in turn, so that
whatever else the machine does meets all alike. Figures are medians of the rounds; commits are durable, plug-ins run.
Opening is a fresh handle that finds one field and reads it.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import dask.config
import icechunk
import numpy as np
import xarray as xr

import dtedask
from dtedask.store.location import Location
from dtedask.store.repository import open_repository

CUBE = "rd/enfo/test"
KEYS = {"class": "rd", "stream": "enfo", "expver": "test", "type": "pf", "levtype": "pl", "number": "1", "time": "0000"}
STEPS, LEVELS, PARAMS = 20, 50, ("t", "u", "v", "q", "z")
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


@dataclass
class Case:
    """One root, and what was measured of it."""

    kind: str
    count: int
    root: str
    run: int
    commits: list[float] = dataclasses.field(default_factory=list)
    opens: list[float] = dataclasses.field(default_factory=list)

    def measure(self, number: int) -> None:
        """Commit twice and open twice; the first of each fills caches that other roots have emptied."""
        store = dtedask.open(self.root)
        for part in range(2):
            keys = keys_of(self.run + number, part)
            store.archive(field(number + part), keys)
            took = timed(store.flush)
        self.commits.append(took)
        self.opens.append(min(timed(lambda: read(self.root, keys)) for _ in range(2)))

    def row(self) -> dict[str, Any]:
        """One line of the table."""
        stored = sum(path.stat().st_size for path in Path(self.root).rglob("*") if path.is_file())
        took = timed(lambda: dtedask.open(self.root).purge(keep_commits=100))
        medians = {"commit_s": median(self.commits), "open_s": median(self.opens)}
        return {"kind": self.kind, "count": self.count, **medians, "stored": stored, "purge_s": took}


def timed(call: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def read(root: str, keys: dict[str, str]) -> None:
    """Open the root, find one field and read it."""
    assert np.isfinite(dtedask.open(root).retrieve(keys)["t"].to_numpy()).all()


def many_commits(root: str, count: int, every: int = 0) -> Case:
    """Commits of one field each, as live ingest does; with a purge now and then, to a window of 100 runs."""
    store = dtedask.open(root)
    for number in range(count):
        place = number % (100 * STEPS) if every else number
        store.archive(field(number), keys_of(place // STEPS, place % STEPS))
        store.flush()
        if every and (number + 1) % every == 0:
            store.purge(keep_commits=100)
    return Case("purged" if every else "commits", count, root, 1000)


def many_fields(root: str, count: int) -> Case:
    """A cube of so many fields in two commits."""
    store = dtedask.open(root)
    runs = max(count // (STEPS * LEVELS * len(PARAMS)), 1)
    levels = min(max(count // (STEPS * len(PARAMS) * runs), 1), LEVELS)
    for param in PARAMS:
        for run, step, level in cross(runs, levels):
            store.archive(field(run), keys_of(run, step, 10 * (level + 1), param))
    store.flush()
    fill(root, runs, levels)
    return Case("fields", runs * STEPS * levels * len(PARAMS), root, runs)


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


def show(rows: list[dict[str, Any]]) -> bool:
    """Print the table; whether the last row of each kind is within the limit of the first row."""
    is_flat = True
    print(f"{'':8} {'count':>9} {'commit':>9} {'open':>9} {'stored':>10} {'purge':>8}")
    for kind in dict.fromkeys(one["kind"] for one in rows):
        found = [one for one in rows if one["kind"] == kind]
        for one in found:
            print(
                f"{kind:8} {one['count']:9,} {1000 * one['commit_s']:6.1f} ms {1000 * one['open_s']:6.1f} ms "
                f"{one['stored'] / 1e6:7.1f} MB {one['purge_s']:6.2f} s"
            )
        ratios = [found[-1][name] / rows[0][name] for name in ("commit_s", "open_s")]
        print(f"{kind:8} {'to first':>9} {ratios[0]:9.2f} {ratios[1]:9.2f}   limit {RATIO:g}")
        is_flat &= max(ratios) <= RATIO
    return is_flat


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, nargs="*", default=[1, 10, 100, 1000])
    parser.add_argument("--purged", type=int, nargs="*", default=[10_000])
    parser.add_argument("--fields", type=int, nargs="*", default=[1000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="dtedask-commits-"))
    try:
        with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
            cases = [many_commits(str(folder / f"commits-{count}"), count) for count in options.commits]
            cases += [many_commits(str(folder / f"purged-{count}"), count, every=500) for count in options.purged]
            cases += [many_fields(str(folder / f"fields-{count}"), count) for count in options.fields]
            for number, case in itertools.product(range(options.rounds), cases):
                case.measure(number)
            rows = [case.row() for case in cases]
    finally:
        shutil.rmtree(folder)
    is_flat = show(rows)
    print(json.dumps(rows))
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1))
    return 0 if is_flat else 1


if __name__ == "__main__":
    sys.exit(main())
