"""Meshes and operators: seconds to build them, fields per second, and what a halo costs.

python benchmarks/operators.py [--grid O320] [--fields 20] [--parts 16]

Fields are float32. What is built at the first use, the kernels of numba among it, is not counted.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from dtedask.geo import Grid, Nabla, mesh
from dtedask.geo.halo import apply, exchange, halos, join, split
from dtedask.geo.partition import equal_regions


def timed(label: str, work: Callable[[], Any], *, count: int = 0) -> Any:
    """Do it and print how long it took; with a count, how many a second."""
    start = time.perf_counter()
    found = work()
    seconds = time.perf_counter() - start
    print(f"{label:<28}{seconds:>9.2f} s" + (f"{count / seconds:>12,.0f} a second" if count else ""))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grid", default="O320")
    parser.add_argument("--fields", type=int, default=20)
    parser.add_argument("--parts", type=int, default=16)
    given = parser.parse_args()
    grid = Grid(given.grid)
    found = timed("mesh", lambda: mesh(grid))
    timed("edges", lambda: found.edges)
    nabla = Nabla(found)
    matrices = timed("operators", lambda: nabla.nodes)
    values = np.random.default_rng(0).normal(size=(2, given.fields, found.points)).astype("f4")
    u, v = (xr.DataArray(part, dims=("field", "values")) for part in values)
    nabla.gradient(u), nabla.curl(u, v), nabla.laplacian(u)  # builds what is built once
    timed("gradient", lambda: nabla.gradient(u), count=given.fields)
    timed("curl", lambda: nabla.curl(u, v), count=given.fields)
    timed("laplacian", lambda: nabla.laplacian(u), count=given.fields)
    parts = timed(f"{given.parts} equal regions", lambda: equal_regions(found, given.parts))
    lists = timed("halos", lambda: halos(parts, found))
    on_nodes = values[0][:, np.unique(found.node_of_point, return_index=True)[1]]
    cut = split(lists, on_nodes)
    timed("exchange", lambda: exchange(lists, cut), count=given.fields)
    by_parts = timed("one operator, part by part", lambda: join(lists, apply(lists, matrices.east, cut)))
    whole = timed("one operator, at once", lambda: (matrices.east @ on_nodes.T).T)
    print(f"{'same to the last bit':<28}{np.array_equal(by_parts, whole)!s:>9}")
    print(f"{'peak memory':<28}{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:>9.2f} GB")


if __name__ == "__main__":
    main()
