"""How long a map takes: fields of 6.6 million points and of others, drawn and written as PNG, in this process.

    python benchmarks/maps.py

Prints for each case the seconds until the picture is written; the lowest of three.
"""

import io
import time

import numpy as np
import xarray as xr

from dtedask import plot
from dtedask.geo import Grid

CASES = (
    ("O1280", {"projection": "robinson"}),
    ("O1280", {"area": "72/-30/30/50"}),
    ("0.25/0.25", {"projection": "orthographic"}),
    ("H512-nested", {}),
)


def field(name: str) -> xr.DataArray:
    """A smooth field whose points are given by their places alone."""
    latitude, longitude = Grid(name).points()
    values = 280 + 20 * np.cos(np.deg2rad(latitude)) + 5 * np.sin(np.deg2rad(8 * longitude))
    places = {"latitude": ("values", latitude), "longitude": ("values", longitude)}
    words = {"units": "K", "GRIB_shortName": "2t", "long_name": "2 metre temperature"}
    return xr.DataArray(values.astype("float32"), dims="values", coords=places, attrs=words)


def main() -> None:
    for name, options in CASES:
        data = field(name)
        seconds = []
        for _ in range(3):
            begin = time.perf_counter()
            plot.save(data, io.BytesIO(), **options)
            seconds.append(time.perf_counter() - begin)
        print(f"{name:<12} {data.size:>10,} points  {min(seconds):.2f} s  {options}")


if __name__ == "__main__":
    main()
