"""One plan in the real MultIO, in a process of its own; used by `pipelines.py`.

Reads the plan and the shape of the stream as JSON on the first line. Each further line is a number of steps to write;
the seconds that they took come back as one line. Keys are made before the clock runs, as a model does it that writes
the same fields again and again, or with every field, as Python users do.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, TextIO

import numpy as np


def keys_of(step: int, number: int, size: int) -> dict[str, Any]:
    """What MultIO's statistics and its encoder want to know of a field."""
    latitudes = next(rows for rows in range(int(size**0.5), 0, -1) if size % rows == 0)
    place = {"param": "167", "paramId": 167, "levtype": "sfc", "level": number, "levelist": number}
    time_of = {"date": 20240601, "time": 0, "startDate": 20240601, "startTime": 0, "step": step, "timeStep": 3600}
    grid = {"gridType": "regular_ll", "Ni": size // latitudes, "Nj": latitudes, "north": 90.0, "south": -90.0}
    grid |= {"west": 0.0, "east": 359.0, "west_east_increment": 1.0, "south_north_increment": 1.0}
    form = {"precision": "double", "misc-precision": "double", "globalSize": size, "misc-globalSize": size}
    labels = {"class": "od", "stream": "oper", "type": "fc", "expver": "0001", "step-frequency": 1}
    return {**labels, **place, **time_of, **grid, **form}


def main(answers: TextIO) -> None:
    """Write as many steps as are asked for, until input ends."""
    said = json.loads(sys.stdin.readline())
    os.environ["MULTIO_PLANS"] = json.dumps(said["plan"])
    import multio

    handle = multio.Multio()
    handle.open_connections()
    size, fields = said["size"], said["fields"]
    values = np.random.default_rng(0).normal(280, 10, (8, size))
    print("ready", file=answers, flush=True)
    step = 0
    for line in sys.stdin:
        last = step + int(line)
        keys: dict[tuple[int, int], Any] = {}
        if said["keys"] == "before":
            wanted = [(one, number) for one in range(step + 1, last + 1) for number in range(fields)]
            keys = {(one, number): multio.Metadata(handle, keys_of(one, number, size)) for one, number in wanted}
        begin = time.perf_counter()
        while step < last:
            step += 1
            for number in range(fields):
                written = keys.get((step, number)) or keys_of(step, number, size)
                handle.write_field(written, values[(step + number) % 8])
            handle.flush({"step": step})
        print(time.perf_counter() - begin, file=answers, flush=True)
    handle.close_connections()


if __name__ == "__main__":
    clean = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # MultIO prints
    main(clean)
