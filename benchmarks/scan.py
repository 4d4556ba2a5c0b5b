"""Messages a second of scanning, against ecCodes reading eleven keys of every message.

Run it with `python benchmarks/scan.py`; it prints a table, and a JSON object as the last line.
"""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dtedask.grib import scan
from dtedask.grib.library import eccodes
from dtedask.grib.scan import forget

ELEVEN_KEYS = (
    *("paramId", "shortName", "typeOfLevel", "level", "dataDate", "dataTime", "stepRange", "number", "gridType"),
    *("numberOfDataPoints", "edition"),
)
PARAMETERS = (129, 130, 131, 132, 133, 157)
LEVELS = (1000, 850, 700, 500, 300, 250, 50)
STEPS = range(0, 60, 6)
MEMBERS = range(5)
ROUNDS = 5


def octahedral_rows(number: int) -> np.ndarray:
    """Points of each row of an octahedral reduced Gaussian grid, north to south."""
    half = np.array([20 + 4 * row for row in range(number)])
    return np.concatenate([half, half[::-1]])


def write_forecast(path: Path, number: int = 96, edition: int = 2) -> int:
    """Write an ensemble forecast on pressure levels; return the number of messages."""
    rows = octahedral_rows(number)
    handle = eccodes.codes_grib_new_from_samples("reduced_gg_pl_320_grib2")
    last = eccodes.codes_get_gaussian_latitudes(number)[0]
    for key, value in {
        "N": number, "Nj": 2 * number, "latitudeOfFirstGridPointInDegrees": last,
        "latitudeOfLastGridPointInDegrees": -last, "longitudeOfFirstGridPointInDegrees": 0,
        "longitudeOfLastGridPointInDegrees": 360 - 360 / rows.max(), "tablesVersion": 32, "setLocalDefinition": 1,
        "class": "od", "stream": "enfo", "type": "pf", "expver": "0001", "productDefinitionTemplateNumber": 1,
        "numberOfForecastsInEnsemble": 50, "dataDate": 20240603, "bitsPerValue": 16,
    }.items():  # fmt: skip
        eccodes.codes_set(handle, key, value)
    eccodes.codes_set_array(handle, "pl", rows)
    generator = np.random.default_rng(1)
    eccodes.codes_set_values(handle, 280 + 10 * generator.standard_normal(int(rows.sum())))
    if edition == 1:
        eccodes.codes_set(handle, "edition", 1)
    count = 0
    with path.open("wb") as file:
        for member, step, param in itertools.product(MEMBERS, STEPS, PARAMETERS):
            eccodes.codes_set(handle, "paramId", param)
            eccodes.codes_set(handle, "step", step)
            eccodes.codes_set(handle, "number", member + 1)
            for level in LEVELS:
                eccodes.codes_set(handle, "level", level)
                file.write(eccodes.codes_get_message(handle))
                count += 1
    eccodes.codes_release(handle)
    return count


def scan_by_sections(path: Path) -> int:
    """Scan with nothing remembered from before."""
    forget()
    return sum(1 for _ in scan(path))


def scan_by_ecCodes(path: Path) -> int:  # noqa: N802
    """Read eleven keys of every message."""
    count = 0
    with path.open("rb") as file:
        while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
            for key in ELEVEN_KEYS:
                eccodes.codes_get(handle, key)
            eccodes.codes_release(handle)
            count += 1
    return count


def measure(path: Path, ways: dict[str, Callable[[Path], int]]) -> dict[str, float]:
    """Median messages a second of each way, in interleaved rounds."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            count = way(path)
            rates[name].append(count / (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in rates.items()}


def main() -> None:
    ways = {"dtedask": scan_by_sections, "eccodes": scan_by_ecCodes}
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for edition in (2, 1):
            path = Path(folder) / f"o96-{edition}.grib"
            messages = write_forecast(path, edition=edition)
            rates = measure(path, ways)
            results[f"edition {edition}"] = {
                "messages": messages,
                **{f"{name}_per_s": round(rate) for name, rate in rates.items()},
                "ratio": round(rates["dtedask"] / rates["eccodes"], 1),
            }
    print(f"{'O96':<12}{'messages':>10}{'dtedask/s':>12}{'eccodes/s':>12}{'ratio':>8}")
    for name, row in results.items():
        print(
            f"{name:<12}"
            + "".join(f"{value:>{width}}" for value, width in zip(row.values(), (10, 12, 12, 8), strict=True))
        )
    print(json.dumps(results))


if __name__ == "__main__":
    main()
