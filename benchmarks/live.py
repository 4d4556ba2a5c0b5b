"""From the closing of a file to a running reader that sees it, and what 1,000 commits make of that.

Run it with `python benchmarks/live.py [commits] [steps a run]`; it prints a table, and a JSON object as the last line.
A process watches a folder. A file of 50 fields on O96, one step of a forecast, is written and closed; another process
asks the store for the step again and again until it is there. Sizes of data and metadata are taken on the way.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import icechunk
from forecasts import write_forecast

import dtedask
from dtedask.core.errors import NotFoundError
from dtedask.grib.library import eccodes

FIELDS = 50
STEPS = 50
CUBE = "od/oper/0001"
SAMPLE = 30
POLL_S = 0.004
DEADLINE_S = 60.0
_WATCH = """
import sys, threading
import icechunk
icechunk.set_logs_filter("error")
import dtedask
from dtedask.ingest import watch
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set())).start()
watch(sys.argv[1], dtedask.open(sys.argv[2]), stop=stop)
"""


@contextmanager
def watching(folder: Path, root: Path) -> Iterator[None]:
    command = [sys.executable, "-c", _WATCH, str(folder), str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        yield
        assert process.stdin is not None
        process.stdin.close()


class Model:
    """Writes one step after another, as a model does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        template = folder.parent / "template.grib2"
        write_forecast(template, "o96", FIELDS)
        self._handles = []
        with template.open("rb") as file:
            while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
                self._handles.append(handle)

    def write(self, date: str, step: int) -> float:
        """Return the time at which the file of the step was closed."""
        messages = []
        for handle in self._handles:
            eccodes.codes_set(handle, "dataDate", int(date))
            eccodes.codes_set(handle, "step", step)
            messages.append(eccodes.codes_get_message(handle))
        with (self._folder / f"{date}-{step}.grib2").open("wb") as file:
            for message in messages:
                file.write(message)
        return time.perf_counter()


def wait_until_seen(store: dtedask.Store, date: str, step: int, since: float) -> float:
    """Seconds until a reader finds a step."""
    while time.perf_counter() - since < DEADLINE_S:
        try:
            if next(store.list(f"date={date},step={step},param=130,levelist=500"), None) is not None:
                return time.perf_counter() - since
        except NotFoundError:
            pass
        time.sleep(POLL_S)
    raise TimeoutError(f"step {step} of {date} was not seen")


def sizes(cube: Path) -> dict[str, float]:
    """MB of chunks and of everything else in the cube."""
    data = other = 0
    for place, _, names in os.walk(cube):
        size = sum((Path(place) / name).stat().st_size for name in names)
        if Path(place).name == "chunks":
            data += size
        else:
            other += size
    return {"data_mb": round(data / 1e6, 2), "metadata_mb": round(other / 1e6, 3)}


def main() -> None:
    icechunk.set_logs_filter("error")
    commits = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else STEPS
    latencies, growth = [], []
    with tempfile.TemporaryDirectory() as place:
        folder, root = Path(place) / "input", Path(place) / "root"
        folder.mkdir()
        model, store = Model(folder), dtedask.open(root)
        marks = {max(commits * part // 10, 1) for part in range(1, 11)}
        with watching(folder, root):
            for number in range(commits):
                run, step = divmod(number, steps)
                date = (dt.date(2024, 6, 3) + dt.timedelta(run)).strftime("%Y%m%d")
                latencies.append(wait_until_seen(store, date, step, model.write(date, step)))
                (folder / f"{date}-{step}.grib2").unlink()
                if number + 1 in marks:
                    recent = statistics.median(latencies[-SAMPLE:])
                    growth.append({"commits": number + 1, "median_ms": round(1000 * recent, 1), **sizes(root / CUBE)})
                    print("  ".join(f"{name} {value}" for name, value in growth[-1].items()), flush=True)
    first, last = (
        statistics.median(part) * 1000 for part in (latencies[1 : SAMPLE + 1] or latencies, latencies[-SAMPLE:])
    )
    report = {"first_ms": round(first, 1), "last_ms": round(last, 1), "ratio": round(last / first, 2)}
    print(f"first {SAMPLE}: {first:.0f} ms   last {SAMPLE}: {last:.0f} ms   ratio {last / first:.2f}   (250 ms, 2.0)")
    print(json.dumps(report | {"commits": commits, "growth": growth}))


if __name__ == "__main__":
    main()
