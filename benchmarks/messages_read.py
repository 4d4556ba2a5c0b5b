"""Reading fields of 0.25 degrees that are kept as GRIB messages, beside bare ecCodes on the same file.

Run it with `python benchmarks/messages_read.py`; it prints a table, and a JSON object as the last line. Bare ecCodes
reads the bytes of a message, makes a handle of them and gets the values, as float64 and in the order of the message;
for many fields two threads do so. The store gives float32 in the order of the grid, and compares the checksum.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import xarray as xr
from forecasts import write_forecast

import dtedask
from dtedask.grib import scan
from dtedask.grib.library import eccodes
from dtedask.store import Schema

FIELDS = 40
ROUNDS = 9
WIDTH = 2


class Bare:
    """ecCodes on the file as it was."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places = [(message.offset, message.length) for message in scan(path)]
        self._pool = ThreadPoolExecutor(WIDTH)

    def one(self, number: int) -> None:
        """Decode one message."""
        offset, length = self._places[number]
        with self._path.open("rb") as file:
            file.seek(offset)
            data = file.read(length)
        handle = eccodes.codes_new_from_message(data)
        eccodes.codes_get_values(handle)
        eccodes.codes_release(handle)

    def many(self) -> None:
        """Decode all messages in two threads."""
        list(self._pool.map(self.one, range(len(self._places))))


class Kept:
    """A cube of layout `messages`."""

    def __init__(self, root: Path, path: Path) -> None:
        store = dtedask.open(root, schema=Schema(layout="messages"))
        store.archive(path)
        store.flush()
        self._variable = next(iter(self._open(root).data_vars))
        self._root = root
        self._dataset = self._open(root)

    @staticmethod
    def _open(root: Path) -> xr.Dataset:
        return dtedask.open(root).retrieve("param=130")

    def one(self, number: int) -> None:
        """Read one field of an open dataset."""
        array = self._dataset[self._variable].variable
        levels = self._dataset.sizes["level"]
        array.isel(step=number // levels, level=number % levels, forecast_reference_time=0).to_numpy()

    def many(self) -> None:
        """Read all fields of a dataset at once."""
        self._open(self._root)[self._variable].to_numpy()


def measure(ways: dict[str, Callable[[int], None]]) -> dict[str, float]:
    """Median seconds of each way, in interleaved rounds."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way(number)
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values[1:]) for name, values in times.items()}


def main() -> None:
    """Measure one field, and forty."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "forecast.grib"
        write_forecast(path, "0.25", FIELDS, parameters=(130,))
        bare, kept = Bare(path), Kept(Path(folder) / "root", path)
        one = measure({"bare": bare.one, "kept": kept.one})
        many = measure({"bare": lambda _: bare.many(), "kept": lambda _: kept.many()})
    size = 1440 * 721 * np.dtype("float32").itemsize / 1e6
    print(f"{'':<12}{'ecCodes':>12}{'messages':>12}{'ratio':>8}")
    print(f"{'one field':<12}{one['bare'] * 1e3:>10.1f}ms{one['kept'] * 1e3:>10.1f}ms{one['kept'] / one['bare']:>8.2f}")
    rates = {name: FIELDS * size / seconds for name, seconds in many.items()}
    print(f"{'forty':<12}{rates['bare']:>8.0f}MB/s{rates['kept']:>8.0f}MB/s{rates['kept'] / rates['bare']:>8.2f}")
    found = {
        "one_field_ms": {name: round(seconds * 1e3, 2) for name, seconds in one.items()},
        "one_field_ratio": round(one["kept"] / one["bare"], 2),
        "forty_mb_per_s": {name: round(rate) for name, rate in rates.items()},
        "forty_ratio": round(rates["kept"] / rates["bare"], 2),
        "cores": os.cpu_count(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
