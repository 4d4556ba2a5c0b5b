"""Maps, points and boxes of a forecast of 0.25 degrees: fields in one chunk, in tiles, and the tiles by zarr-python.

python benchmarks/tiles.py [--steps 240] [--rounds 5] [--tiles 65536 ...] [--shapes 241x240 ...] [--no-zarr]
    [--root s3://bucket/prefix] [--json FILE]

Every kind of storage is archived into a root of its own; then each round reads the same from each of them in turn.
`map` is one chunk a field, `tiles N` is tiles of about N points, `zarr, map` and `zarr, tiles` are the first two read
by zarr-python through Icechunk; `--shapes` adds tiles of a given shape. Indices of tiles are forgotten before a read,
unless it says "again". Figures are medians; ratios are medians over the rounds, to what `map` took in the same round.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import icechunk
import numpy as np
import xarray as xr
import zarr
from forecasts import smooth_field

import dtedask
from dtedask.store.layouts import tile_reader, tiles
from dtedask.store.location import Location
from dtedask.store.repository import open_repository

CUBE = "rd/oper/0001"
KEYS = {"class": "rd", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "sfc", "param": "2t"}
ROWS, COLUMNS = 721, 1440
FIELDS = 8  # different ones
MAPS = 24
BOX = {"latitude": slice(60, 220), "longitude": slice(0, 160)}  # 75 to 35 N, 0 to 40 E
POINT = {"latitude": 160, "longitude": 40}
LIMITS = {"one map": 1.25, "maps": 1.6, "point, all steps": 0.25, "box, all steps": 0.6}
Read = Callable[[Any], np.ndarray]


def field(seed: int) -> np.ndarray:
    """A smooth field as 16 bits a value hold it."""
    values = smooth_field(ROWS * COLUMNS, seed)
    low, high = values.min(), values.max()
    packed = np.round((values - low) / (high - low) * 65535)
    return (packed * ((high - low) / 65535) + low).astype("float32").reshape(ROWS, COLUMNS)


def archive(root: str, written: str, fields: list[np.ndarray], steps: int) -> tuple[float, float]:
    """Archive a forecast; seconds and stored bytes a field."""
    coordinates = {"latitude": np.linspace(90, -90, ROWS), "longitude": np.arange(COLUMNS) * (360 / COLUMNS)}
    store = dtedask.open(root, schema=f"values: {{tiles: {written}}}")
    start = time.perf_counter()
    for step in range(steps):
        array = xr.DataArray(fields[step % FIELDS], dims=("latitude", "longitude"), coords=coordinates)
        store.archive(array, {**KEYS, "date": "20240603", "time": "0000", "step": str(step)})
    store.flush()
    took = (time.perf_counter() - start) / steps
    return took, store.stats().stored_bytes / steps


def of_ours(root: str) -> xr.DataArray:
    """The forecast as dtedask gives it, dimensions step, latitude and longitude."""
    (found,) = dtedask.open(root).retrieve("param=2t").data_vars.values()
    return found.squeeze(drop=True)


def of_zarr(root: str) -> xr.DataArray:
    """The same, read by zarr-python."""
    (record, *_) = dtedask.open(root).list()
    store = open_repository(Location.parse(root), CUBE).readonly_session("main").store
    array = zarr.open_array(store, path=f"{record.group}/{record.variable}", mode="r")
    return xr.DataArray(xr.core.indexing.LazilyIndexedArray(Stored(array)), dims=("step", "latitude", "longitude"))


class Stored(xr.backends.BackendArray):
    """An array of zarr-python, without the dimension of the reference time."""

    def __init__(self, array: zarr.Array) -> None:
        self._array = array
        self.shape, self.dtype = array.shape[1:], array.dtype

    def __getitem__(self, key: Any) -> np.ndarray:
        basic = xr.core.indexing.IndexingSupport.BASIC
        return xr.core.indexing.explicit_indexing_adapter(key, self.shape, basic, lambda part: self._array[(0, *part)])


def cases() -> dict[str, Read]:
    """What is read."""
    return {
        "one map": lambda data: data.isel(step=3).to_numpy(),
        "maps": lambda data: data.isel(step=slice(0, MAPS)).to_numpy(),
        "point, one step": lambda data: data.isel(step=3, **POINT).to_numpy(),
        "box, one step": lambda data: data.isel(step=3, **BOX).to_numpy(),
        "point, all steps": lambda data: data.isel(POINT).to_numpy(),
        "point, all steps, again": lambda data: data.isel(POINT).to_numpy(),
        "box, all steps": lambda data: data.isel(BOX).to_numpy(),
    }


def measure(stores: dict[str, xr.DataArray], rounds: int) -> dict[tuple[str, str], list[float]]:
    """Seconds of every read, by what was read and from where."""
    found: dict[tuple[str, str], list[float]] = {(what, name): [] for what in cases() for name in stores}
    names = list(stores)
    for number in range(rounds + 1):
        for what, read in cases().items():
            expected = None
            for place in range(len(names)):
                name = names[(place + number) % len(names)]  # who comes first changes
                took, values = timed(read, stores[name], warms=what.endswith("again"))
                expected = values if expected is None else expected
                assert np.array_equal(values, expected)
                if number:
                    found[what, name].append(took)
    return found


def timed(read: Read, data: xr.DataArray, *, warms: bool) -> tuple[float, np.ndarray]:
    """Seconds of a read, and what it gave."""
    if warms:
        read(data)
    else:
        tile_reader.forget_indices()
    start = time.perf_counter()
    values = read(data)
    return time.perf_counter() - start, values


def show(found: dict[tuple[str, str], list[float]], written: dict[str, tuple[float, float]]) -> list[dict[str, Any]]:
    """Print tables; the rows of the second."""
    print(f"{'':12} {'archive a field':>16} {'bytes a field':>14}")
    for name, (took, size) in written.items():
        print(f"{name:12} {1000 * took:13.1f} ms {size:14,.0f}   {size / written['map'][1]:.3f}")
    rows = []
    for (what, name), times in found.items():
        ratio = median(took / first for took, first in zip(times, found[what, "map"], strict=True))
        rows.append({"what": what, "from": name, "ms": 1000 * median(times), "ratio": ratio})
        print(f"{what:24} {name:12} {rows[-1]['ms']:9.2f} ms {ratio:7.3f}")
    return rows


def is_within_limits(rows: list[dict[str, Any]], name: str) -> bool:
    """Whether the tiles that the table is about are fast enough."""
    return all(one["ratio"] <= LIMITS.get(one["what"], np.inf) for one in rows if one["from"] == name)


def run(folder: str, options: argparse.Namespace) -> tuple[list[dict[str, Any]], dict[str, tuple[float, float]]]:
    """Archive and measure everything."""
    fields = [field(seed) for seed in range(FIELDS)]
    written = {"map": archive(f"{folder}/map", "none", fields, options.steps)}
    stores = {"map": of_ours(f"{folder}/map")}
    shapes = {f"{text}": tuple(map(int, text.split("x"))) for text in options.shapes}
    for name in [*map(str, options.tiles), *shapes]:
        root = f"{folder}/{name}"
        before = tiles.tile_shape
        shape = shapes.get(name)
        with mock.patch.object(tiles, "tile_shape", before if shape is None else lambda *_, shape=shape: shape):
            written[f"tiles {name}"] = archive(root, str(int(np.prod(shape)) if shape else name), fields, options.steps)
        stores[f"tiles {name}"] = of_ours(root)
    if not options.no_zarr:
        stores["zarr, map"] = of_zarr(f"{folder}/map")
        stores["zarr, tiles"] = of_zarr(f"{folder}/{options.tiles[0]}")
    return show(measure(stores, options.rounds), written), written


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tiles", type=int, nargs="*", default=[tiles.AUTO_POINTS])
    parser.add_argument("--shapes", nargs="*", default=[])
    parser.add_argument("--root", help="where to put roots, such as s3://bucket/prefix; a temporary folder by default")
    parser.add_argument("--no-zarr", action="store_true", help="leave zarr-python out, which takes longest")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    icechunk.set_logs_filter("error")
    folder = options.root or tempfile.mkdtemp(prefix="dtedask-tiles-")
    try:
        rows, written = run(folder, options)
    finally:
        if not options.root:
            shutil.rmtree(folder)
    document = {"reads": rows, "written": written}
    print(json.dumps(document))
    if options.json:
        Path(options.json).write_text(json.dumps(document, indent=1))
    return 0 if is_within_limits(rows, f"tiles {options.tiles[0]}") else 1


if __name__ == "__main__":
    sys.exit(main())
