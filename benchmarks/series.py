"""A point over 240 steps from time series beside GribJump, and what it takes to make these.

Run it with `python benchmarks/series.py [folder]`; it prints a table, and a JSON object as the last line. The input are
240 hourly steps of 0.25 degrees. A folder that is named is kept, and used again the next time. GribJump needs pyfdb,
pygribjump and gribjumplib, here or in another environment: `--peer-python PATH`. Without it only dtedask is measured.

- A point: all steps at a random point of the grid, for 20 points, in processes that take turns; medians of all rounds.
  GribJump knows the messages from the first round, which does not count. dtedask is asked by a request each time, and
  from a dataset that is open. The numbers of both are compared.
- Making them: the seconds of `rechunk` in a new process, and its peak of memory, interpreter and libraries included.
  Beside it the same bytes read once and written once: every field decoded as a whole by the store, and as many bytes
  of pieces encoded, appended to a file and synced.
- With `--patches 256 1024 4096` all of it for patches of other sizes, with `--layout messages` of GRIB messages.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from _fdb_side import answer, timed
from fdb import Side
from forecasts import quarter_degree_handle, smooth_field

import dtedask
from dtedask.grib import scan
from dtedask.grib.library import eccodes
from dtedask.store import Layout, Schema

HERE = Path(__file__).parent
STEPS, ROWS, COLUMNS = 240, 721, 1440
POINTS, ROUNDS = 20, 4
LIMITS = {"ratio to GribJump": 0.2, "point_ms": 20.0, "ratio to one pass": 2.0, "peak_mb": 1000.0}
REQUEST = {"class": "od", "stream": "oper", "expver": "0001", "date": "20240603", "time": "0000", "type": "fc"}
REQUEST |= {"levtype": "pl", "levelist": "500", "param": "130"}
_RECHUNK = """
import os, resource, sys, time
os.environ["ICECHUNK_LOG"] = "error"
import dtedask
from dtedask.store.series import array
array.PATCH_POINTS = int(sys.argv[2])
store = dtedask.open(sys.argv[1])
store.rechunk({}, dry_run=True)
start = time.perf_counter()
done = store.rechunk({}, rebuild=True)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(seconds, peak / 1e6, done.memory_bytes / 1e6, done.size_bytes)
"""
_ONE_PASS = """
import os, sys, time
os.environ["ICECHUNK_LOG"] = "error"
from concurrent.futures import ThreadPoolExecutor
import numpy as np
import dtedask
from dtedask.store.layouts import ChunkCodec
store = dtedask.open(sys.argv[1])
codec = ChunkCodec("float32", "lz4", 1, "shuffle")
array = next(iter(store.retrieve({}).data_vars.values()))
array[0, 0].to_numpy()
reading = writing = 0.0
with ThreadPoolExecutor() as pool, open(sys.argv[2], "wb") as file:
    for start in range(0, array.sizes["step"], 60):
        begin = time.perf_counter()
        values = array.isel(step=slice(start, start + 60)).to_numpy().ravel()
        reading += time.perf_counter() - begin
        begin = time.perf_counter()
        parts = [values[first : first + 60 * 1024] for first in range(0, len(values), 60 * 1024)]
        for data in pool.map(codec.encode, parts):
            file.write(data)
        writing += time.perf_counter() - begin
    begin = time.perf_counter()
    file.flush()
    os.fsync(file.fileno())
    writing += time.perf_counter() - begin
print(reading, writing)
"""


class DtedaskSide:
    """A root with time series on local disk."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self.store = dtedask.open(root)
        self.dataset = self.store.retrieve(REQUEST)

    def points(self, _steps: str) -> list[float]:
        return [timed(lambda i=index: self._values(self.store.retrieve(REQUEST), i)) for index in self._indices()]

    def open_points(self, _steps: str) -> list[float]:
        return [timed(lambda i=index: self._values(self.dataset, i)) for index in self._indices()]

    def values(self, _steps: str) -> list[float]:
        return [float(value) for value in self._values(self.dataset, self._indices()[0])]

    def field(self) -> list[float]:
        """Seconds for whole fields."""
        return [timed(lambda s=step: self.dataset["t"].isel(step=s).to_numpy()) for step in range(0, STEPS, 12)]

    def _indices(self) -> list[int]:
        return list(json.loads((self.folder / "points.json").read_text()))

    def _values(self, dataset, index: int) -> np.ndarray:  # noqa: ANN001
        row, column = divmod(index, COLUMNS)
        return np.asarray(dataset["t"].isel(latitude=row, longitude=column).to_numpy()).ravel()


def write_run(path: Path) -> None:
    """Write a forecast whose fields turn slowly into each other, with noise that moves along."""
    handle, points = quarter_degree_handle()
    for key, value in {
        "tablesVersion": 32, "setLocalDefinition": 1, "class": "od", "stream": "oper", "type": "fc", "expver": "0001",
        "dataDate": 20240603, "dataTime": 0, "bitsPerValue": 16, "packingType": "grid_ccsds", "paramId": 130,
        "level": 500,
    }.items():  # fmt: skip
        eccodes.codes_set(handle, key, value)
    first, second = smooth_field(points, 1) - 280, smooth_field(points, 2) - 280
    noise = np.random.default_rng(1).standard_normal(points) * 0.05
    with path.open("wb") as file:
        for step in range(STEPS):
            turn = 2 * np.pi * step / 120
            values = 280 + first * np.cos(turn) + second * np.sin(turn) + np.roll(noise, 997 * step)
            eccodes.codes_set_values(handle, values)
            eccodes.codes_set(handle, "step", step)
            file.write(eccodes.codes_get_message(handle))
    eccodes.codes_release(handle)


def write_input(folder: Path) -> None:
    """Write what both sides take."""
    folder.mkdir(exist_ok=True)
    if not (folder / "run.grib2").exists():
        write_run(folder / "run.grib2")
    (folder / "points.json").write_text(
        json.dumps(np.random.default_rng(0).integers(0, ROWS * COLUMNS, POINTS).tolist())
    )
    (folder / "request.json").write_text(json.dumps({**REQUEST, "domain": "g"}))


def archive(folder: Path, root: Path, layout: Layout) -> None:
    """Archive the run, if that was not done before."""
    if not root.exists():
        store = dtedask.open(root, schema=Schema(layout=layout))
        store.archive(scan(folder / "run.grib2"))
        store.flush()


def numbers(*command: str) -> list[float]:
    done = subprocess.run([sys.executable, "-c", *command], check=True, capture_output=True, text=True)
    return list(map(float, done.stdout.split()))


def making(folder: Path, root: Path, patch: int) -> dict[str, float]:
    """What rechunk takes, beside one pass over the same bytes."""
    rows = []
    for _ in range(3):
        seconds, peak, planned, size = numbers(_RECHUNK, str(root), str(patch))
        reading, writing = numbers(_ONE_PASS, str(root), str(folder / "one-pass"))
        rows.append((seconds, reading + writing, seconds / (reading + writing), peak))
    (folder / "one-pass").unlink()
    seconds, once, ratio, peak = (statistics.median(column) for column in zip(*rows, strict=True))
    found = {"rechunk_s": seconds, "one_pass_s": once, "ratio to one pass": ratio, "peak_mb": peak}
    return found | {"planned_mb": planned, "size_mb": size / 1e6, "decoded_mb": 4 * STEPS * ROWS * COLUMNS / 1e6}


def commands(folder: Path, root: Path, peer: str | None) -> dict[str, list[str]]:
    found = {"dtedask": [sys.executable, str(HERE / "series.py"), str(folder), "--side", str(root)]}
    return found if peer is None else found | {"GribJump": [peer, str(HERE / "_gribjump_side.py"), str(folder)]}


def points(folder: Path, root: Path, peer: str | None) -> dict[str, float]:
    """Medians for a point."""
    sides = {name: Side(command) for name, command in commands(folder, root, peer).items()}
    if peer is not None and not (folder / "fdb").exists():
        sides["GribJump"].ask("build", "run.grib2")
    found: dict[str, list[float]] = {}
    for number in range(ROUNDS + 1):
        for name, side in sides.items():
            taken = {f"{name}, request": side.ask("points", str(STEPS))}
            if name == "dtedask":
                taken["dtedask, open dataset"] = side.ask("open_points", str(STEPS))
                taken["dtedask, a whole field"] = side.ask("field")
            for what, seconds in taken.items() if number else ():
                found.setdefault(what, []).extend(seconds)
    told = [side.ask("values", str(STEPS)) for side in sides.values()]
    assert all(np.allclose(values, told[0], rtol=1e-6) for values in told), "both must give the same numbers"
    for side in sides.values():
        side.close()
    return {what: statistics.median(seconds) * 1e3 for what, seconds in found.items()}


def has_peer(python: str) -> bool:
    done = subprocess.run(
        [python, "-c", "import pygribjump, pyfdb, eccodes"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"There is no GribJump to compare with: {done.stderr.strip().splitlines()[-1]}")
    return done.returncode == 0


def measure(folder: Path, peer: str | None, patches: list[int], layout: Layout) -> dict[str, object]:
    found: dict[str, object] = {}
    for patch in patches:
        root = folder / f"root-{layout}-{patch}"
        archive(folder, root, layout)
        made, read = making(folder, root, patch), points(folder, root, peer)
        row = {**made, **{f"{what} ms": value for what, value in read.items()}, "point_ms": read["dtedask, request"]}
        if peer is not None:
            row["ratio to GribJump"] = read["dtedask, request"] / read["GribJump, request"]
        print(f"patches of {patch} points")
        for what, value in row.items():
            limit = f"  (limit {LIMITS[what]:g})" if what in LIMITS else ""
            print(f"  {what:<30}{value:>12.3f}{limit}")
        found[str(patch)] = {what: round(value, 4) for what, value in row.items()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="where to build, or what was built before")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has pyfdb and pygribjump")
    parser.add_argument("--layout", default="map", choices=["map", "messages"], help="of the fields")
    parser.add_argument("--patches", type=int, nargs="+", default=[1024], help="points of a patch")
    parser.add_argument("--side", type=Path, help="be the side of dtedask, with this root")
    arguments = parser.parse_args()
    if arguments.side:
        answer(DtedaskSide(arguments.folder, arguments.side))
        return
    with tempfile.TemporaryDirectory() as place:
        folder = (arguments.folder or Path(place)).absolute()
        write_input(folder)
        peer = arguments.peer_python if has_peer(arguments.peer_python) else None
        found = measure(folder, peer, arguments.patches, arguments.layout)
        print(json.dumps({"layout": arguments.layout, "limits": LIMITS, **found}))


if __name__ == "__main__":
    main()
