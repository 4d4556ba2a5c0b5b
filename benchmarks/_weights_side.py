"""One way to build weights in a process of its own: `_weights_side.py dtedask|mir SOURCE TARGET METHOD ROUNDS`.

Prints JSON: seconds of each build, on the clock and of all cores, and the peak memory of the process in bytes. What
compiles does so before, on small grids; libraries are imported before.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable

WORDS_OF_MIR = {"linear": "linear", "conservative": "grid-box-average", "nearest": "nearest-neighbour"}


def ours(method: str) -> Callable[[str, str], int]:
    """Build with dtedask, without the cache; return the number of weights."""
    from dtedask import geo

    def build(source: str, target: str) -> int:
        return int(geo.weights(source, target, method=method, cache=False).nnz)

    build("O8", "10/10")
    return build


def of_mir(method: str) -> Callable[[str, str], int]:
    """Build with MIR, and apply it to one field; return 0."""
    os.environ["MIR_CACHE_PATH"] = tempfile.mkdtemp()
    import mir
    import numpy as np

    def build(source: str, target: str) -> int:
        job = mir.Job()
        for key, value in {"grid": target, "interpolation": WORDS_OF_MIR[method], "caching": "false"}.items():
            job.set(key, value)
        made = mir.ArrayOutput()
        job.execute(mir.ArrayInput(np.zeros(len(mir.Grid(source))), source), made)
        return 0

    return build


def main() -> None:
    """Build as often as asked, and say how long it took."""
    side, source, target, method, rounds = sys.argv[1:6]
    build = {"dtedask": ours, "mir": of_mir}[side](method)
    seconds, of_cores, count = [], [], 0
    with contextlib.redirect_stdout(sys.stderr):
        for _ in range(int(rounds)):
            started, used = time.perf_counter(), time.process_time()
            count = build(source, target)
            seconds.append(time.perf_counter() - started)
            of_cores.append(time.process_time() - used)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sys.stdout.flush()
    print(json.dumps({"seconds": seconds, "core_seconds": of_cores, "peak_bytes": peak, "weights": count}))


if __name__ == "__main__":
    main()
