"""Archiving GRIB messages as they are, against the real FDB: the same messages, in the same run, both synced to disk.

Run it with `python benchmarks/messages.py`; it prints a table, and a JSON object as the last line. It needs pyfdb with
its libraries, here or in another environment that has ecCodes and NumPy: `--fdb-python PATH`.

Both copy the bytes: FDB into its data files, dtedask into packs of the layout `messages`. Each message is one call, as
a model makes it; a flush follows every ten, or all of them. dtedask reads the keys from each message. FDB does so too
("reads keys"), or is told them ("given keys"): then it looks at nothing, and whoever made the message has to know.
dtedask writes a checksum behind each message, publishes a flush as a whole and keeps a log of notices.

Each side runs in a process of its own; they take turns flush by flush, each into a new root every round. The first ten
messages, which make the cube or the database, are left out. Figures are medians over all flushes of all rounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from _fdb_side import answer, copies, timed
from fdb import Side
from forecasts import write_forecast

import dtedask
from dtedask.store import Schema

HERE = Path(__file__).parent
ROUNDS = 5
# Fields of a file, and how often FDB's time (reading keys) has to hold ours: with ten fields a flush, and with all.
GRIDS = {"O96": ("o96", 1010, (2.0, 5.0)), "0.25 degrees": ("0.25", 160, (1.5, 3.0))}
FLUSHES = {"10": 21, "0": None}
SIDES = ("dtedask", "FDB reads keys", "FDB, given keys")


class DtedaskSide:
    """Roots of layout `messages`, durable: a flush syncs before and after `main` moves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, name: str, fields: str, _how: str) -> list[float]:
        store = dtedask.open(tempfile.mkdtemp(dir=self.folder), schema=Schema(layout="messages"))

        def flush(messages: list[bytes]) -> None:
            for message in messages:
                store.archive(message)
            store.flush()

        self.waiting = iter([partial(flush, messages) for messages in copies(self.folder / name, int(fields))])
        return []

    def next(self) -> list[float]:
        before = time.process_time()
        return [timed(next(self.waiting)), time.process_time() - before]


Found = dict[tuple[str, str], dict[str, list[list[float]]]]


def measure(fdb_python: str, rounds: int) -> Found:
    """Seconds of each flush, and of processors in it, by grid and fields a flush, of each side."""
    found: Found = {}
    for _ in range(rounds):
        for grid, (name, fields, _goals) in GRIDS.items():
            for size, flushes in FLUSHES.items():
                with tempfile.TemporaryDirectory() as place:
                    write_forecast(Path(place) / "fields", name, 10 * flushes if flushes else fields)
                    row = found.setdefault((grid, size), {side: [] for side in SIDES})
                    for side, seconds in _turns(Path(place), size, flushes or 2, fdb_python):
                        row[side].append(seconds)
    return found


def _turns(folder: Path, size: str, flushes: int, fdb_python: str) -> Iterator[tuple[str, list[float]]]:
    """Seconds of each flush of each side, but for the first."""
    theirs = [fdb_python, str(HERE / "_fdb_side.py"), str(folder)]
    ours = [sys.executable, str(HERE / "messages.py"), "--side", str(folder)]
    with ExitStack() as stack:
        sides = {side: Side(ours if side == "dtedask" else theirs) for side in SIDES}
        for side, process in sides.items():
            stack.callback(process.close)
            process.ask("begin", "fields", size, "given" if "given" in side else "read")
        for number in range(flushes):
            for side in SIDES[number % 3 :] + SIDES[: number % 3]:
                seconds = sides[side].ask("next")
                if number:
                    yield side, seconds


def report(found: Found) -> dict[str, dict[str, float]]:
    """Print milliseconds of a flush, and how often FDB's holds ours."""
    rows = {}
    print(f"{'':<32}" + "".join(f"{side:>18}" for side in SIDES) + f"{'ratio':>16}{'ratio, given':>14}")
    for (grid, size), times in found.items():
        _, fields, goals = GRIDS[grid]
        what = f"{grid}, flush of {size}" if size != "0" else f"{grid}, one flush of {fields - 10}"
        ours, reads, given = (statistics.median(wall for wall, _ in times[side]) * 1e3 for side in SIDES)
        busy = [statistics.median(cpu for _, cpu in times[side]) * 1e3 for side in SIDES]
        goal = goals[size == "0"]
        cells = "".join(f"{value:>15.1f} ms" for value in (ours, reads, given))
        print(f"{what:<32}{cells}{reads / ours:>7.2f} (of {goal:>3g}){given / ours:>14.2f}")
        print(f"{'  of processors':<32}" + "".join(f"{value:>15.1f} ms" for value in busy))
        rows[what] = {"dtedask_ms": round(ours, 2), "fdb_ms": round(reads, 2), "fdb_given_keys_ms": round(given, 2)}
        rows[what] |= dict(zip(("dtedask_cpu_ms", "fdb_cpu_ms", "fdb_given_cpu_ms"), busy, strict=True))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fdb-python", default=sys.executable, help="interpreter that has pyfdb, eccodes and numpy")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--side", type=Path, help="be the side of dtedask, in this folder")
    arguments = parser.parse_args()
    if arguments.side:
        answer(DtedaskSide(arguments.side))
        return
    command = [arguments.fdb_python, "-c", "import pyfdb, eccodes, numpy"]
    check = subprocess.run(command, capture_output=True, text=True, check=False)
    if check.returncode != 0:
        print(f"There is no pyfdb to compare with: {check.stderr.strip().splitlines()[-1]}")
        print("`pip install pyfdb`, or name an interpreter that has it by --fdb-python. Nothing was measured.")
        return
    print(json.dumps(report(measure(arguments.fdb_python, arguments.rounds))))


if __name__ == "__main__":
    main()
