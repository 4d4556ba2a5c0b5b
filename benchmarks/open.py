"""Opening, listing and reading a cube of 100,000 fields, and one field of 0.25 degrees against cfgrib.

Run it with `python benchmarks/open.py`; it prints a table, and a JSON object as the last line. Each figure is the
median of rounds in fresh processes that have imported what they need: nothing is cached but the files, by the kernel.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import eccodes
import numpy as np
import xarray as xr

import dtedask
from dtedask.grib import scan

ROUNDS = 5
CUBE, GROUP = "od/enfo/0001", "pf/pl"
PARAMETERS = (130, 131, 132, 133, 129)
DATES = range(20240601, 20240611)
MEMBERS, STEPS, LEVELS = range(1, 11), range(0, 120, 6), range(100, 1100, 100)
LIMITS_S = {"open": 0.5, "first field": 0.05, "list": 0.5}


def write_day(path: Path, date: int, points: int = 24) -> None:
    """Write 10,000 messages of a small global grid."""
    handle = eccodes.codes_grib_new_from_samples("regular_ll_pl_grib2")
    rows, spacing = points // 2 + 1, 360 // points
    for key, value in {
        "Ni": points, "Nj": rows, "iDirectionIncrementInDegrees": spacing, "jDirectionIncrementInDegrees": spacing,
        "latitudeOfFirstGridPointInDegrees": 90, "latitudeOfLastGridPointInDegrees": -90,
        "longitudeOfFirstGridPointInDegrees": 0, "longitudeOfLastGridPointInDegrees": 360 - spacing,
        "tablesVersion": 32, "setLocalDefinition": 1, "class": "od", "stream": "enfo", "type": "pf", "expver": "0001",
        "productDefinitionTemplateNumber": 1, "dataDate": date, "bitsPerValue": 16,
    }.items():  # fmt: skip
        eccodes.codes_set(handle, key, value)
    generator = np.random.default_rng(date)
    eccodes.codes_set_values(handle, 280 + 10 * generator.standard_normal(points * rows))
    with path.open("wb") as file:
        for param, member, step in itertools.product(PARAMETERS, MEMBERS, STEPS):
            eccodes.codes_set(handle, "paramId", param)
            eccodes.codes_set(handle, "number", member)
            eccodes.codes_set(handle, "step", step)
            for level in LEVELS:
                eccodes.codes_set(handle, "level", level)
                file.write(eccodes.codes_get_message(handle))
    eccodes.codes_release(handle)


def build(root: Path) -> int:
    """Archive 100,000 fields, one commit a day; return their number."""
    store, count = dtedask.open(root), 0
    with tempfile.TemporaryDirectory() as folder:
        for date in DATES:
            path = Path(folder) / f"{date}.grib2"
            write_day(path, date)
            count += store.archive(scan(path))
            store.flush()
            path.unlink()
    return count


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure_cube(root: Path) -> dict[str, float]:
    """Seconds of each operation on a cube that this process has not opened before."""
    store = dtedask.open(root)
    found: dict[str, float] = {}
    opened: list[xr.Dataset] = []
    cube = root / CUBE
    found["open"] = timed(lambda: opened.append(xr.open_dataset(cube, engine="dtedask", group=GROUP)))
    field = opened[0]["t"].isel(forecast_reference_time=5, member=3, step=7, level=4)
    found["first field"] = timed(field.load)
    other = opened[0]["u"].isel(forecast_reference_time=5, member=3, step=7, level=4)
    found["next field"] = timed(other.load)
    found["open chunks={}"] = timed(lambda: xr.open_dataset(cube, engine="dtedask", group=GROUP, chunks={}))
    found["open time=valid"] = timed(lambda: xr.open_dataset(cube, engine="dtedask", group=GROUP, time="valid"))
    found["list, opened before"] = timed(lambda: sum(1 for _ in store.list()))
    found["retrieve one field"] = timed(
        lambda: store.retrieve("param=v,date=20240603,step=6,number=3,levelist=500").load()
    )
    found["axes"] = timed(store.axes)
    return found


def measure_list(root: Path) -> dict[str, float]:
    store = dtedask.open(root)
    found = {"list": timed(lambda: sum(1 for _ in store.list()))}
    found["list, to_dict"] = timed(lambda: [record.to_dict() for record in store.list()])
    return found


MEASURES = {"cube": measure_cube, "list": measure_list}


def in_new_process(measure: str, root: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, "--measure", measure, str(root)], check=True, capture_output=True, text=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(found[name] for found in rounds) for name in rounds[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", choices=MEASURES, help="one round, in this process")
    parser.add_argument("root", nargs="?", type=Path, help="a root that was built before, or where to build it")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(MEASURES[arguments.measure](arguments.root)))
        return
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.root or Path(folder) / "root"
        if not root.exists():
            start = time.perf_counter()
            count = build(root)
            print(f"built {count} fields in {time.perf_counter() - start:.0f} s")
        results = {}
        for measure in MEASURES:
            results |= medians([in_new_process(measure, root) for _ in range(ROUNDS)])
    for name, seconds in results.items():
        limit = f"  (limit {LIMITS_S[name] * 1e3:.0f})" if name in LIMITS_S else ""
        print(f"{name:<24}{seconds * 1e3:>10.1f} ms{limit}")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
