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
from functools import partial
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
LIMITS_S = {"open": 0.5, "first field": 0.05, "list": 0.5, "list, to_dict": 0.5}


def small_grid(points: int = 24) -> dict[str, object]:
    """Keys of a small global grid and of an ensemble forecast."""
    rows, spacing = points // 2 + 1, 360 // points
    return {
        "Ni": points, "Nj": rows, "iDirectionIncrementInDegrees": spacing, "jDirectionIncrementInDegrees": spacing,
        "latitudeOfFirstGridPointInDegrees": 90, "latitudeOfLastGridPointInDegrees": -90,
        "longitudeOfFirstGridPointInDegrees": 0, "longitudeOfLastGridPointInDegrees": 360 - spacing,
        "stream": "enfo", "type": "pf", "productDefinitionTemplateNumber": 1,
    }  # fmt: skip


def quarter_degree() -> dict[str, object]:
    """Keys of a global grid of 0.25 degrees and of a forecast."""
    return {
        "Ni": 1440, "Nj": 721, "iDirectionIncrementInDegrees": 0.25, "jDirectionIncrementInDegrees": 0.25,
        "latitudeOfFirstGridPointInDegrees": 90, "latitudeOfLastGridPointInDegrees": -90,
        "longitudeOfFirstGridPointInDegrees": 0, "longitudeOfLastGridPointInDegrees": 359.75,
        "stream": "oper", "type": "fc",
    }  # fmt: skip


def message(grid: dict[str, object], date: int) -> int:
    """A message of a smooth field with noise, as a handle."""
    handle = eccodes.codes_grib_new_from_samples("regular_ll_pl_grib2")
    identity = {"tablesVersion": 32, "setLocalDefinition": 1, "class": "od", "expver": "0001"}
    for key, value in {**identity, **grid, "dataDate": date, "bitsPerValue": 16}.items():
        eccodes.codes_set(handle, key, value)
    rows, columns = int(grid["Nj"]), int(grid["Ni"])  # type: ignore[call-overload]
    smooth = np.cos(np.linspace(-1.5, 1.5, rows))[:, np.newaxis] * np.sin(np.linspace(0, 6.28, columns))
    noise = np.random.default_rng(date).standard_normal((rows, columns))
    eccodes.codes_set_values(handle, (280 + 20 * smooth + noise).ravel())
    return int(handle)


def write_day(path: Path, date: int) -> None:
    """Write 10,000 messages of a small grid."""
    handle = message(small_grid(), date)
    with path.open("wb") as file:
        for param, member, step in itertools.product(PARAMETERS, MEMBERS, STEPS):
            eccodes.codes_set(handle, "paramId", param)
            eccodes.codes_set(handle, "number", member)
            eccodes.codes_set(handle, "step", step)
            for level in LEVELS:
                eccodes.codes_set(handle, "level", level)
                file.write(eccodes.codes_get_message(handle))
    eccodes.codes_release(handle)


def write_large(path: Path) -> None:
    """Write 20 messages of 0.25 degrees, packed by CCSDS."""
    handle = message(quarter_degree() | {"packingType": "grid_ccsds"}, DATES[0])
    eccodes.codes_set(handle, "paramId", 130)
    eccodes.codes_set(handle, "level", 500)
    with path.open("wb") as file:
        for step in STEPS:
            eccodes.codes_set(handle, "step", step)
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
    found["retrieve one field"] = timed(
        lambda: store.retrieve("param=v,date=20240603,step=6,number=3,levelist=500").load()
    )
    found["axes"] = timed(store.axes)
    return found


def measure_list(root: Path) -> dict[str, float]:
    """All records; then all again, with nothing to read any more."""
    store = dtedask.open(root)
    return {name: timed(lambda: sum(1 for _ in store.list())) for name in ("list", "list again")}


def measure_keys(root: Path) -> dict[str, float]:
    """All records with their keys, as `dtedask store list --json` prints them."""
    store = dtedask.open(root)
    return {"list, to_dict": timed(lambda: sum(1 for record in store.list() if record.to_dict()))}


def open_and_read(call: Callable[[], xr.Dataset], step: int) -> xr.DataArray:
    return call()["t"].isel(step=step).load()


def measure_large(folder: Path) -> dict[str, float]:
    """One field of 0.25 degrees by both engines, in interleaved rounds of different fields."""
    file, cube = folder / "large.grib2", folder / "large" / "od/oper/0001"
    write_large(file)
    store = dtedask.open(folder / "large")
    store.archive(scan(file))
    store.flush()
    engines: dict[str, Callable[[], xr.Dataset]] = {
        "dtedask": lambda: xr.open_dataset(cube, engine="dtedask", group="fc/pl", cache=False),
        "cfgrib": lambda: xr.open_dataset(file, engine="cfgrib", cache=False, decode_timedelta=True),
    }
    opened = {name: call() for name, call in engines.items()}  # cfgrib writes its index here
    rounds = []
    for step in range(2 * ROUNDS):
        found = {}
        for name, call in engines.items():
            one = opened[name]["t"].isel(step=step)
            found[f"0.25 degrees, read: {name}"] = timed(one.load)
            found[f"0.25 degrees, open and read: {name}"] = timed(partial(open_and_read, call, step))
        rounds.append(found)
    return medians(rounds)


MEASURES = {"cube": measure_cube, "list": measure_list, "keys": measure_keys, "large": measure_large}


def in_new_process(measure: str, root: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, "--measure", measure, str(root)], check=True, capture_output=True, text=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(found[name] for found in rounds) for name in rounds[0]}


def import_all() -> None:
    """Import what the measured calls need, so that none of it is measured."""
    store = dtedask.open("memory://warm")
    store.archive(np_field(), key={"class": "od", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "sfc"})
    store.flush()
    xr.open_dataset("memory://warm", engine="dtedask", chunks={}).load()
    [record.to_dict() for record in store.list()]


def np_field() -> xr.DataArray:
    coordinates = {
        "latitude": [1.0, 0.0],
        "longitude": [0.0, 1.0],
        "forecast_reference_time": np.datetime64("2024-06-01"),
    }
    return xr.DataArray(np.zeros((2, 2), np.float32), dims=("latitude", "longitude"), coords=coordinates, name="2t")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", choices=MEASURES, help="one round, in this process")
    parser.add_argument("root", nargs="?", type=Path, help="a root that was built before, or where to build it")
    arguments = parser.parse_args()
    if arguments.measure:
        import_all()
        print(json.dumps(MEASURES[arguments.measure](arguments.root)))
        return
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.root or Path(folder) / "root"
        if not root.exists():
            start = time.perf_counter()
            count = build(root)
            print(f"built {count} fields in {time.perf_counter() - start:.0f} s")
        results = {}
        for measure in ("cube", "list", "keys"):
            results |= medians([in_new_process(measure, root) for _ in range(ROUNDS)])
        results |= in_new_process("large", Path(folder))
    for name, seconds in results.items():
        limit = f"  (limit {LIMITS_S[name] * 1e3:.0f})" if name in LIMITS_S else ""
        print(f"{name:<40}{seconds * 1e3:>10.1f} ms{limit}")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
