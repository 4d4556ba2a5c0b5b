"""A virtual cube of 150 fields of 0.25 degrees: from the file to an opened dataset, and to the first value.

Kerchunk (scan_grib, MultiZarrToZarr) and cfgrib (its index) do the same beside it in the same run. Run it with
`python benchmarks/virtual.py`; it prints a table, and a JSON object as the last line. Each figure is the median of
rounds in fresh processes; the file is in the kernel's memory. In "first" the process has imported its libraries and
nothing else, so that ecCodes loads its tables (0.3 s or more on each side); in "warm" it did the same with a file of
one small field before.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

LEVELS = (1000, 850, 700, 500, 250)
STEPS = range(0, 180, 6)
ROUNDS = {"dtedask": 5, "kerchunk": 1, "cfgrib": 3}
Times = tuple[float, float, float, float]  # opened, first value, CPU, and the value
LIMIT_S = 0.5


def write(path: Path, spacing: float, steps: Sequence[int], levels: Sequence[int]) -> None:
    """Fields of t, CCSDS-packed."""
    from dtedask.geo import regular_latlon
    from dtedask.grib import encode

    latitude, longitude = np.arange(90, -90 - spacing / 2, -spacing), np.arange(0, 360, spacing)
    grid = regular_latlon(latitude, longitude)
    smooth = 280 + 20 * np.cos(np.deg2rad(latitude))[:, None] * np.ones((1, len(longitude)))
    noise = np.random.default_rng(1).standard_normal(grid.shape)
    keys = {"class": "od", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "pl", "param": "130"}
    with path.open("wb") as file:
        for step in steps:
            for level in levels:
                own = {**keys, "date": "20240603", "time": "0000", "step": str(step), "levelist": str(level)}
                file.write(encode(smooth + noise + step / 10 + level / 100, own, grid))


def with_dtedask(path: Path, folder: Path) -> Times:
    import dask.array  # noqa: F401 - imported before the clock starts, as the others' libraries are
    import icechunk  # noqa: F401
    import zarr  # noqa: F401

    import dtedask
    import dtedask.store.dataset

    begin, cpu = time.perf_counter(), time.process_time()
    store = dtedask.open(folder)
    store.virtualize(path)
    dataset = store.retrieve("param=t")
    opened = time.perf_counter()
    value = float(dataset["t"].isel(step=-1, level=-1, forecast_reference_time=0)[-1, -1])
    return opened - begin, time.perf_counter() - begin, time.process_time() - cpu, value


def with_kerchunk(path: Path, _folder: Path) -> Times:
    import xarray as xr
    from kerchunk.combine import MultiZarrToZarr
    from kerchunk.grib2 import scan_grib

    begin, cpu = time.perf_counter(), time.process_time()
    combined = MultiZarrToZarr(
        scan_grib(str(path)),
        remote_protocol="file",
        concat_dims=["step", "isobaricInhPa"],
        identical_dims=["latitude", "longitude", "time"],
    ).translate()
    dataset = xr.open_dataset(combined, engine="kerchunk")
    opened = time.perf_counter()
    value = float(dataset["t"].sortby("isobaricInhPa").isel(step=-1, isobaricInhPa=-1).squeeze()[-1, -1])
    return opened - begin, time.perf_counter() - begin, time.process_time() - cpu, value


def with_cfgrib(path: Path, _folder: Path) -> Times:
    import xarray as xr

    begin, cpu = time.perf_counter(), time.process_time()
    dataset = xr.open_dataset(path, engine="cfgrib", backend_kwargs={"indexpath": ""})
    opened = time.perf_counter()
    one = dataset["t"] if "step" not in dataset["t"].dims else dataset["t"].sortby("isobaricInhPa").isel(step=-1)
    value = float((one if one.ndim == 2 else one.isel(isobaricInhPa=-1))[-1, -1])
    return opened - begin, time.perf_counter() - begin, time.process_time() - cpu, value


SIDES = {"dtedask": with_dtedask, "kerchunk": with_kerchunk, "cfgrib": with_cfgrib}


def in_fresh_process(side: str, path: Path, small: Path | str, folder: Path) -> Times:
    command = [sys.executable, __file__, "--side", side, str(path), str(small), str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    opened, first, cpu, value = json.loads(done.stdout.splitlines()[-1])
    return opened, first, cpu, value


def measure(side: str, path: Path, small: str, folder: Path) -> Times:
    """Times of one side in this process, which did the same with a small file before if one is named."""
    if small:
        SIDES[side](Path(small), folder / "small")
    return SIDES[side](path, folder / "root")


def compare() -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as place:
        path, small = Path(place) / "forecast.grib2", Path(place) / "small.grib2"
        write(path, 0.25, STEPS, LEVELS)
        write(small, 10, (0,), (500,))
        path.read_bytes()
        found: dict[str, list[Times]] = {}
        for number in range(max(ROUNDS.values())):
            for side, rounds in ROUNDS.items():
                for state, before in (("first", ""), ("warm", small)):
                    if number < rounds:
                        times = in_fresh_process(side, path, before, Path(place) / f"{side}-{state}-{number}")
                        found.setdefault(f"{side}, {state}", []).append(times)
    values = {round(value, 2) for times in found.values() for *_, value in times}
    if len(values) != 1:
        raise SystemExit(f"the sides read different values: {values}")
    names = ("opened_s", "value_s", "cpu_s")
    return {
        name: {one: statistics.median(t[place] for t in times) for place, one in enumerate(names)}
        for name, times in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", nargs=4, metavar=("SIDE", "FILE", "SMALL", "FOLDER"))
    side = parser.parse_args().side
    if side:
        warnings.simplefilter("ignore")
        print(json.dumps(measure(side[0], Path(side[1]), side[2], Path(side[3]))))
        return
    found = compare()
    print("| | opened, s | first value, s | CPU, s |\n|---|---|---|---|")
    for name, times in found.items():
        print(f"| {name} | {times['opened_s']:.2f} | {times['value_s']:.2f} | {times['cpu_s']:.2f} |")
    ratio = found["kerchunk, warm"]["value_s"] / found["dtedask, warm"]["value_s"]
    print(f"{ratio:.0f} times faster than kerchunk; wanted: opened in {LIMIT_S} s")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
