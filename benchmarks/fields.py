"""Spectral transforms beside MIR, reproducible sums beside numpy's, columns of model levels.

python benchmarks/fields.py [--truncation 639] [--rounds 3]

Best of the rounds, on all cores; MIR with tables of Legendre functions in memory after its first field.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import xarray as xr

from dtedask.geo import Grid, reductions, spectral, vertical
from dtedask.geo.spectral.coefficients import wavenumbers
from dtedask.grib import encode

KEYS = {"class": "od", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "pl", "levelist": "500"}
KEYS |= {"param": "129", "date": "20240603", "time": "0000", "step": "0"}


def best(do: Callable[[], object], rounds: int) -> float:
    """Seconds of the fastest of some rounds, after one that does not count."""
    do()
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        do()
        found.append(time.perf_counter() - started)
    return min(found)


def spectral_fields(truncation: int, rounds: int) -> None:
    """Fields a second of the inverse transform, ours many at a time, MIR's one after the other."""
    total, zonal = wavenumbers(truncation)
    values = np.random.default_rng(1).normal(size=(8, total.size, 2)) / (1.0 + total[:, None]) ** 1.5
    values[:, zonal == 0, 1] = 0
    attrs = {"grid_spec": spectral.spectral_grid(truncation).spec}
    field = xr.DataArray(values.reshape(8, -1), dims=("step", "values"), attrs=attrs)
    message = encode(field[0].to_numpy(), KEYS, spectral.spectral_grid(truncation))
    for grid in ("0.25/0.25", "F320", "O320", "H128"):
        ours = best(lambda grid=grid: spectral.inverse(field, grid), rounds) / 8
        print(f"inverse T{truncation} to {grid:<10} {1 / ours:8.1f} fields/s {_of_mir(message, grid, rounds)}")
    on_points = spectral.inverse(field, "F320")
    back = best(lambda: spectral.direct(on_points, truncation), rounds)
    print(f"direct F320 to T{truncation}        {8 / back:8.1f} fields/s")
    print(f"wind to F320               {8 / best(lambda: spectral.wind(field, field, 'F320'), rounds):8.1f} pairs/s")


def _of_mir(message: bytes, grid: str, rounds: int) -> str:
    try:
        import mir
    except ImportError:
        return ""

    def one() -> None:
        job = mir.Job()
        for name, value in {"grid": grid, "truncation": "none", "intgrid": "none"}.items():
            job.set(name, value)
        job.execute(mir.GribMemoryInput(message), mir.ArrayOutput())

    try:
        return f"(MIR {1 / best(one, rounds):.1f})"
    except RuntimeError:
        return "(MIR: not done)"


def sums(rounds: int) -> None:
    """Seconds of reductions of a field of O1280."""
    grid = Grid("O1280")
    field = xr.DataArray(
        np.random.default_rng(1).normal(280, 20, grid.size), dims="values", attrs={"grid_spec": grid.spec}
    )
    weights = xr.DataArray(grid.areas(), dims="values")
    done = {
        "numpy sum": lambda: field.to_numpy().sum(),
        "total": lambda: reductions.total(field),
        "weighted mean": lambda: reductions.mean(field, weights=weights),
        "statistics": lambda: reductions.statistics(field),
        "checksum": lambda: reductions.checksum(field),
    }
    for name, do in done.items():
        print(f"O1280 {name:<20} {1e3 * best(do, rounds):8.1f} ms")


def columns(rounds: int) -> None:
    """Columns a second on 137 levels."""
    levels = vertical.HybridLevels.named("L137")
    at_ground = xr.DataArray(np.random.default_rng(1).uniform(6e4, 1.02e5, 40_000), dims="values")
    pressure = vertical.pressure(at_ground, levels)
    temperature = (220 + 70 * (pressure / 1e5) ** 0.2).rename("t")
    ground = xr.zeros_like(at_ground)
    integrated = best(lambda: vertical.geopotential(temperature, None, ground, at_ground, levels), rounds)
    interpolated = best(lambda: vertical.to_pressure_levels(temperature, pressure, range(100, 1001, 50)), rounds)
    print(f"geopotential on L137       {40_000 / integrated:12,.0f} columns/s")
    print(f"19 pressure levels of L137 {40_000 / interpolated:12,.0f} columns/s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truncation", type=int, default=639)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    spectral_fields(arguments.truncation, arguments.rounds)
    sums(arguments.rounds)
    columns(arguments.rounds)
