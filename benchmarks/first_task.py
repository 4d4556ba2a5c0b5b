"""How long the first task of a worker takes, with what workers load as they start and without.

Run it with `python benchmarks/first_task.py [--rounds 5]`; it prints a table. Each round starts two clusters of one
worker process: in one, workers are left as Dask makes them; in the other they are prepared, and the time that this
takes beside the client's own start, in which a recipe surveys its files, is not counted. Then one field is ingested
into a new root; the client has done the same in its threads before, so that only the worker has something to load.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Client


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "field.grib").write_bytes(_message())
        seconds_to_ingest(folder, None)
        found: dict[str, list[tuple[float, float]]] = {"as Dask makes it": [], "prepared": []}
        for _ in range(rounds):
            for way, figures in found.items():
                figures.append(first_and_second(folder, prepared=way == "prepared"))
    print(f"{'worker':<18} {'first task':>11} {'second task':>12}   (s, median of {rounds})")
    for way, figures in found.items():
        first, second = (statistics.median(column) for column in zip(*figures, strict=True))
        print(f"{way:<18} {first:>11.2f} {second:>12.2f}")


def first_and_second(folder: Path, *, prepared: bool) -> tuple[float, float]:
    """Seconds of the first ingest on a new worker, and of the second."""
    from distributed import Client, LocalCluster

    from dtedask.cluster.workers.plugin import prepare_workers

    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        if prepared:
            prepare_workers(client)
            client.run(_wait_until_loaded)
        return seconds_to_ingest(folder, client), seconds_to_ingest(folder, client)


def seconds_to_ingest(folder: Path, client: Client | None) -> float:
    """Seconds that an ingest of one field takes."""
    import dtedask
    from dtedask.ingest import ingest

    with tempfile.TemporaryDirectory(dir=folder) as root:
        begin = time.perf_counter()
        ingest(folder / "field.grib", dtedask.open(Path(root, "root")), client=client)
        return time.perf_counter() - begin


def _wait_until_loaded() -> None:
    import threading

    for thread in threading.enumerate():
        if thread.name == "dtedask-loads":
            thread.join()


def _message() -> bytes:
    from eccodes import codes_get_message, codes_grib_new_from_samples, codes_release

    handle = codes_grib_new_from_samples("regular_ll_pl_grib2")
    message: bytes = codes_get_message(handle)
    codes_release(handle)
    return message


if __name__ == "__main__":
    main()
