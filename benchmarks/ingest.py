"""Fields a second of ingest, against a bare loop and against cfgrib, in interleaved rounds.

Run it with `python benchmarks/ingest.py [rounds] [scale]`; it prints a table, and a JSON object as the last line. All
write the same codec (blosc lz4-1 bitshuffle). `scale` 0.1 takes a tenth of the fields.

- threads: `dtedask.ingest` in two threads of this process
- bare: two threads that only decode, encode and write one file a field
- cfgrib: xarray with cfgrib into Icechunk, chunk by chunk
- cluster-1x2, cluster-2x1: `dtedask.ingest` on a LocalCluster of one worker with two threads, and of two with one,
  which run already
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import dask.config
import icechunk
import xarray as xr
from forecasts import write_forecast
from zarr.codecs import BloscCodec

import dtedask
from dtedask.cluster import client_for, profile
from dtedask.grib import decode, scan
from dtedask.ingest import ingest
from dtedask.store.layouts import ChunkCodec

THREADS = 2
CASES = {"0.25": 150, "o96": 2100}
CODEC = ChunkCodec("float32", "lz4", 1, "bitshuffle")
TARGETS = {"0.25": {"bare": 0.65, "cfgrib": 2.0}, "o96": {"bare": 0.35, "cfgrib": 1.5}}
Way = Callable[[Path, Path], None]


def bare(path: Path, root: Path) -> None:
    messages = list(scan(path))
    root.mkdir()

    def one(number: int) -> None:
        message = messages[number]
        (root / str(number)).write_bytes(CODEC.encode(decode(message.read(), message.field.order)))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, range(len(messages))))


def threads(path: Path, root: Path) -> None:
    with dask.config.set({"dtedask.ingest.threads": THREADS}):
        ingest(path, dtedask.open(root))


def cfgrib(path: Path, root: Path) -> None:
    repo = icechunk.Repository.create(icechunk.local_filesystem_storage(str(root)))
    session = repo.writable_session("main")
    field = {"step": 1, "isobaricInhPa": 1}
    ds = xr.open_dataset(path, engine="cfgrib", chunks=field, backend_kwargs={"indexpath": ""}).drop_encoding()
    codec = BloscCodec(cname="lz4", clevel=1, shuffle="bitshuffle", typesize=4)
    chunks = {name: tuple(field.get(dim, size) for dim, size in ds[name].sizes.items()) for name in ds.data_vars}
    encoding = {name: {"compressors": [codec], "chunks": shape} for name, shape in chunks.items()}
    with dask.config.set(scheduler="threads", num_workers=THREADS):
        ds.to_zarr(session.store, consolidated=False, zarr_format=3, encoding=encoding)
    session.commit("cfgrib")


@contextmanager
def cluster(workers: int, threads_each: int) -> Iterator[Way]:
    chosen = replace(profile("local-cluster"), workers=workers, threads=threads_each)
    with client_for(chosen) as client:

        def run(path: Path, root: Path) -> None:
            ingest(path, dtedask.open(root), client=client)

        yield run


def measure(path: Path, ways: dict[str, Way], fields: int, rounds: int) -> dict[str, dict[str, float]]:
    """Medians of each way, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            root = path.parent / f"{name}-{turn}"
            os.sync()
            begin = time.perf_counter()
            way(path, root)
            if turn:
                seconds[name].append(time.perf_counter() - begin)
            shutil.rmtree(root)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        name: {"seconds": round(value, 3), "fields_per_s": round(fields / value, 1)} for name, value in medians.items()
    }


def ratios(grid: str, results: dict[str, dict[str, float]]) -> dict[str, float]:
    ours = results["threads"]
    found = {f"of_{name}": round(results[name]["seconds"] / ours["seconds"], 2) for name in ("bare", "cfgrib")}
    found |= {f"{name}_target": value for name, value in TARGETS[grid].items()}
    for name in ("cluster-1x2", "cluster-2x1"):
        found[f"{name}_more_s"] = round(results[name]["seconds"] - ours["seconds"], 2)
    return found


def main() -> None:
    warnings.filterwarnings("ignore")
    os.environ["ICECHUNK_LOG"] = "error"  # of the workers
    icechunk.set_logs_filter("error")
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    scale = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    report = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        ways: dict[str, Way] = {"threads": threads, "bare": bare, "cfgrib": cfgrib}
        ways["cluster-1x2"] = stack.enter_context(cluster(1, 2))
        ways["cluster-2x1"] = stack.enter_context(cluster(2, 1))
        for grid, count in CASES.items():
            fields = int(count * scale) // 50 * 50
            path = Path(folder) / f"{grid}.grib2"
            write_forecast(path, grid, fields)
            results = measure(path, ways, fields, rounds)
            report[grid] = {"fields": fields, "results": results, "ratios": ratios(grid, results)}
            print(f"{grid} x {fields}".ljust(16) + "".join(f"{name:>14}" for name in results))
            for row in ("fields_per_s", "seconds"):
                print(row.ljust(16) + "".join(f"{found[row]:>14}" for found in results.values()))
            print("  ".join(f"{name} {value}" for name, value in report[grid]["ratios"].items()), flush=True)
            path.unlink()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
