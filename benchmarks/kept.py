"""What a cluster that is kept running costs a run: starting it once, connecting to it each time.

Run it with `python benchmarks/kept.py [--rounds 10] [--profile local-cluster]`; it prints a table of seconds. With
`--profile slurm` (`eval "$(tests/services/slurm-up)"; export DASK_JOBQUEUE__SLURM__INTERFACE=lo`) connections are TLS.

- start: `dtedask cluster start --wait`, from the command to the first worker
- new: `client_for(PROFILE)` to the end of a first task, as a run pays that starts a cluster of its own
- kept: the same with the name of the kept cluster
- status, stop: the commands' work, without the start of Python
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable


def seconds(function: Callable[[], object]) -> float:
    """How long a call takes."""
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def use(name: str) -> None:
    """What a run pays before and after its work."""
    from dtedask.cluster import client_for, wait_for_workers

    with client_for(name) as client:
        assert client is not None
        wait_for_workers(client)
        client.submit(int, pure=False).result()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--profile", default="local-cluster")
    options = parser.parse_args()

    import dask.config
    import distributed  # noqa: F401 (every run imports it once, which is not measured)

    from dtedask.cluster.kept import order_for, start, status, stop, wait_for_number

    def begin() -> None:
        start(order_for(options.profile, name="bench"))
        wait_for_number("bench", 1)

    with tempfile.TemporaryDirectory() as folder, dask.config.set({"dtedask.jobs.folder": folder}):
        found = {"new": [seconds(lambda: use(options.profile)) for _ in range(3)], "start": [seconds(begin)]}
        try:
            found["kept"] = [seconds(lambda: use("bench")) for _ in range(options.rounds)]
            found["status"] = [seconds(lambda: status("bench")) for _ in range(options.rounds)]
        finally:
            found["stop"] = [seconds(lambda: stop("bench", force=True))]
    for name, times in found.items():
        low, middle, high = min(times), statistics.median(times), max(times)
        print(f"{name:<8} {middle:6.3f} s  ({low:.3f} to {high:.3f}, {len(times)} times)")


if __name__ == "__main__":
    main()
