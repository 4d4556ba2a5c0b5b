"""Interpolation with weights at hand: fields a second beside SciPy, MIR and what memory allows; and from cube to cube.

python benchmarks/regrid.py [--source O320] [--target 0.25/0.25] [--method linear] [--fields 64] [--rounds 7]
    [--cube-fields 96] [--no-mir] [--no-cube] [--json FILE]

`memory` reads the bytes of each source field and writes those of each target field, on all cores, and does nothing
else. All cases take turns in each round, so that others who use the machine slow down all of them; figures are the best
of the rounds. `cube to cube` is what it takes to read, interpolate and archive; "of the slowest" compares it with the
slowest of the three by itself. Exit status is 1 if a case is under its limit.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import dtedask
from dtedask import geo
from dtedask.core.cores import cores
from dtedask.geo.application.apply import apply
from dtedask.geo.application.compact import compact

LIMITS = {"fields first": 1000.0, "points first": 2000.0, "cube to cube, of the slowest": 0.6}
KEYS = {"class": "rd", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "sfc", "param": "2t"}
KEYS |= {"date": "20240603", "time": "0000"}
Cases = dict[str, tuple[Callable[[], Any], int]]


def smooth(grid: geo.Grid, count: int) -> np.ndarray:
    """Smooth fields of 16 bits a value, as packed ones are."""
    points = grid.points()
    height, turn = np.deg2rad(points.latitude), np.deg2rad(points.longitude)
    waves = [np.cos(height) ** 2 * np.sin((3 + k) * turn + k) + np.sin(2 * height + k) for k in range(min(count, 8))]
    made = np.stack([np.round(20000 * wave) / 512 + 280 for wave in waves]).astype("float32")
    return made[np.arange(count) % len(made)]


def memory(values: np.ndarray, out: np.ndarray) -> Callable[[], Any]:
    """Copy as many bytes as are read and written: the source as often as it fits into the target."""
    pool, size = ThreadPoolExecutor(cores()), values.shape[1]

    def copy(first: int) -> None:
        for field in range(first, min(first + 4, len(values))):
            for start in range(0, out.shape[1], size):
                part = out[field, start : start + size]
                part[:] = values[field, : len(part)]

    return lambda: list(pool.map(copy, range(0, len(values), 4)))


def of_mir(source: str, target: str, values: np.ndarray) -> Callable[[], Any]:
    """Interpolate by MIR, whose matrix is in memory from the second field on."""
    os.environ["MIR_CACHE_PATH"] = tempfile.mkdtemp()
    import mir

    field, job = values.astype("float64"), mir.Job()
    for key, value in {"grid": target, "interpolation": "linear"}.items():
        job.set(key, value)

    def run() -> None:
        for one in field:
            job.execute(mir.ArrayInput(one, source), mir.ArrayOutput())

    with contextlib.redirect_stdout(sys.stderr):
        run()
    return run


def in_memory(options: argparse.Namespace) -> Cases:
    """What is measured in memory, and how many fields each treats."""
    count = options.fields
    source, target = geo.Grid(options.source), geo.Grid(options.target)
    matrix = geo.weights(source, target, options.method)
    weights, single = compact(matrix), matrix.astype("float32")
    values = smooth(source, count)
    out = np.zeros((count, target.size), "float32")
    points, points_out = np.ascontiguousarray(values.T), np.zeros((target.size, count), "float32")
    gaps = values.copy()
    gaps[:, : source.size // 3] = np.nan
    double, double_out = values[:16].astype("float64"), np.zeros((16, target.size))
    worst = np.abs(apply(weights, values[:8]) - (matrix @ values[:8].T.astype("float64")).T).max()
    print(f"largest difference from float64 by SciPy: {worst:.1e}, of values up to {values.max():.0f}")
    cases: Cases = {
        "memory": (memory(values, out), count),
        "fields first": (lambda: apply(weights, values, out=out), count),
        "points first": (lambda: apply(weights, points.T, out=points_out.T), count),
        "a third missing": (lambda: apply(weights, gaps, out=out), count),
        "float64": (lambda: apply(weights, double, out=double_out), 16),
        "one field": (lambda: apply(weights, values[:1], out=out[:1]), 1),
        "scipy, one by one": (lambda: [single @ one for one in values[:8]], 8),
        "scipy, points first": (lambda: single @ points, count),
    }
    if not options.no_mir:
        cases["mir"] = (of_mir(options.source, options.target.replace("/", "x"), values[:2]), 2)
    return cases


def measure(cases: Cases, rounds: int) -> dict[str, float]:
    """Fields a second of each case."""
    best = dict.fromkeys(cases, 0.0)
    for _ in range(rounds):
        for name, (run, count) in cases.items():
            start = time.perf_counter()
            with contextlib.redirect_stdout(sys.stderr):
                run()
            best[name] = max(best[name], count / (time.perf_counter() - start))
    return best


def cubes(options: argparse.Namespace) -> dict[str, float]:
    """Fields a second of reading, interpolating and writing by themselves, and of all from cube to cube."""
    count, source, target = options.cube_fields, geo.Grid(options.source), geo.Grid(options.target)
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = dtedask.open(f"{folder}/source")
        values = smooth(source, count)
        store.archive(on(source, values), KEYS)
        store.flush()
        for number in range(options.cube_rounds):
            whole = store.retrieve("param=2t")
            timed(best, "cube: read", count, lambda whole=whole: whole["2t"].to_numpy())
            made = timed(best, "cube: apply", count, lambda: geo.regrid(on(source, values), target, options.method))
            timed(best, "cube: write", count, lambda n=number, made=made: write(f"{folder}/write{n}", made, KEYS))
            del made
            timed(
                best, "cube to cube", count, lambda n=number: convert(store, f"{folder}/to{n}", target, options.method)
            )
    slowest = min(best[f"cube: {part}"] for part in ("read", "apply", "write"))
    return best | {"cube to cube, of the slowest": best["cube to cube"] / slowest}


def on(grid: geo.Grid, values: np.ndarray) -> xr.DataArray:
    """Fields of steps on a grid."""
    attributes = {"grid_spec": grid.spec, "units": "K"}
    steps = np.arange(len(values)).astype("timedelta64[h]").astype("timedelta64[ns]")
    return xr.DataArray(values, {"step": steps}, ("step", *grid.dims), "2t", attributes)


def write(root: str, fields: Any, keys: dict[str, str] | None) -> None:
    """Archive fields into a new root."""
    store = dtedask.open(root)
    store.archive(fields, keys)
    store.flush()


def convert(store: Any, root: str, target: geo.Grid, method: str) -> None:
    """Bring a cube to another grid in another root."""
    write(root, geo.regrid(store.retrieve("param=2t"), target, method), None)


def timed(best: dict[str, float], name: str, count: int, run: Callable[[], Any]) -> Any:
    """Keep the best of a case, and return what it made."""
    start = time.perf_counter()
    found = run()
    best[name] = max(best.get(name, 0.0), count / (time.perf_counter() - start))
    return found


def main() -> int:
    """Measure, print, compare with the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", default="O320")
    parser.add_argument("--target", default="0.25/0.25")
    parser.add_argument("--method", default="linear")
    parser.add_argument("--fields", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cube-fields", type=int, default=96)
    parser.add_argument("--cube-rounds", type=int, default=3)
    parser.add_argument("--no-mir", action="store_true")
    parser.add_argument("--no-cube", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{options.source} to {options.target}, {options.method}; load before: {load:.1f}; cores: {cores()}")
    best = measure(in_memory(options), options.rounds)
    best |= {} if options.no_cube else cubes(options)
    for name, rate in best.items():
        share = "" if name.startswith("cube") else f"{rate / best['memory']:8.2f} of memory"
        print(f"{name:30}{rate:12,.2f}{share}")
    if options.json:
        options.json.write_text(json.dumps({"load": load, "fields_per_second": best, "limits": LIMITS}, indent=1))
    under = [name for name, limit in LIMITS.items() if best.get(name, limit) < limit]
    for name in under:
        print(f"under its limit: {name} {best[name]:.2f} < {LIMITS[name]}", file=sys.stderr)
    return 1 if under else 0


if __name__ == "__main__":
    sys.exit(main())
