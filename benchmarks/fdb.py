"""The store against the real FDB: the same fields, the same requests, in the same run, both synced to disk.

Run it with `python benchmarks/fdb.py [folder]`; it prints a table, and a JSON object as the last line. It needs pyfdb
with its libraries (`pip install pyfdb`, part of the group `dev`), here or in another environment that has ecCodes and
NumPy: `--fdb-python PATH`. Building takes minutes; a folder that is named is kept, and used again the next time.
Each side runs in processes of its own, which take turns; figures are medians over all rounds.

- Listing: 100,000 fields of a small grid, in ten flushes; all of them, one of them, and the axes. "New" is the first
  call of a process that has imported what it needs, "warm" a later one. FDB gives its elements, dtedask its records.
- Reading: real GRIB of 0.25 degrees, warm. FDB gives a message for a request, and ecCodes decodes it. dtedask gives
  the values for a request, or a dataset, which reads when its values are asked for: all of it, and the values alone.
- Archiving: ten messages a flush, which dtedask decodes and stores as arrays. FDB copies them, so that the decoding,
  which somebody has to do, is added.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from _fdb_side import answer, flushes, requests, timed
from forecasts import write_forecast
from open import DATES, LEVELS, MEMBERS, PARAMETERS, STEPS, write_day

import dtedask
from dtedask.grib import scan

HERE = Path(__file__).parent
GRIB = Path(os.environ.get("DTEDASK_TEST_GRIB", HERE.parents[1] / "shared" / "data" / "grib"))
ROUNDS = 5
FLUSHES = 12
MANY = "class=od,stream=enfo,expver=0001"
RATIOS = {"list, new": 0.5, "list, warm": 0.5, "one field, warm": 0.1, "0.25 degrees, open dataset": 0.4}
RATIOS |= {"0.25 degrees, values": 0.4, "archive 10 of 0.25 degrees": 1.0}
LIMITS_MS = {"axes, warm": 5.0}


class DtedaskSide:
    """A root on local disk, durable: a flush syncs before and after `main` moves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = dtedask.open(folder / "root")

    def build(self, name: str) -> list[float]:
        for path in sorted((self.folder / name).iterdir()):
            self.store.archive(scan(path))
            self.store.flush()
        return []

    def list(self) -> list[float]:
        return [timed(lambda: sum(1 for _ in self.store.list(MANY))) for _ in range(2)]

    def list_keys(self) -> list[float]:
        return [timed(lambda: sum(1 for record in self.store.list(MANY) if record.keys))]

    def one(self) -> list[float]:
        return [timed(lambda r=r: next(iter(self.store.list(r)))) for r in requests(self.folder, "one")]

    def axes(self) -> list[float]:
        return [timed(lambda: self.store.axes(MANY)) for _ in range(5)]

    def read(self) -> list[float]:
        def one(request: Mapping[str, str]) -> None:
            (array,) = self.store.retrieve(request).data_vars.values()
            assert array.to_numpy().size == 1440 * 721

        return [timed(lambda r=r: one(r)) for r in requests(self.folder, "read")]

    def values(self) -> list[float]:
        def one(request: Mapping[str, str]) -> None:
            ((_, values),) = self.store.values(request)
            assert values.size == 1440 * 721

        return [timed(lambda r=r: one(r)) for r in requests(self.folder, "read")]

    def load(self) -> list[float]:
        arrays = [array for r in requests(self.folder, "read") for array in self.store.retrieve(r).data_vars.values()]
        return [timed(array.to_numpy) for array in arrays]

    def archive(self, name: str) -> list[float]:
        def flush(messages: list[bytes]) -> None:
            for message in messages:
                self.store.archive(message)
            self.store.flush()

        return [timed(lambda m=m: flush(m)) for m in flushes(self.folder / name, 10)]


class Side:
    """A process that does what one of the sides is asked for."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *words: str) -> list[float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(*words, file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args} ended while it was asked for {words}")
        return list(json.loads(line))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@contextmanager
def sides(folder: Path, fdb_python: str) -> Iterator[dict[str, Side]]:
    """New processes of both."""
    commands = {
        "FDB": [fdb_python, str(HERE / "_fdb_side.py"), str(folder)],
        "dtedask": [sys.executable, str(HERE / "fdb.py"), "--side", str(folder)],
    }
    with ExitStack() as stack:
        found = {name: Side(command) for name, command in commands.items()}
        for side in found.values():
            stack.callback(side.close)
        yield found


def prepare(folder: Path) -> None:
    """Write the input of both sides, and the requests of single fields."""
    for name in ("days", "surface"):
        (folder / name).mkdir(parents=True)
    for date in DATES:
        write_day(folder / "days" / f"{date}.grib2", date)
    os.link(GRIB / "ifs-oper-surface.grib2", folder / "surface" / "a.grib2")
    everywhere = list(itertools.product(DATES, MEMBERS, STEPS, LEVELS, PARAMETERS))
    (folder / "one.json").write_text(json.dumps([enfo(*one) for one in everywhere[:: len(everywhere) // 20]]))
    keys = [message.field.keys for message in scan(folder / "surface" / "a.grib2")]
    (folder / "read.json").write_text(json.dumps([dict(one) for one in keys]))


def enfo(date: int, member: int, step: int, level: int, param: int) -> dict[str, str]:
    keys = {"class": "od", "stream": "enfo", "expver": "0001", "date": str(date), "time": "1200", "type": "pf"}
    keys |= {"levtype": "pl", "number": str(member), "step": str(step), "levelist": str(level), "param": str(param)}
    return keys


def build(folder: Path, fdb_python: str) -> None:
    """Archive the same on both sides."""
    with sides(folder, fdb_python) as both:
        for side in both.values():
            for name in ("days", "surface"):
                side.ask("build", name)


Found = dict[str, dict[str, list[float]]]


def measure(folder: Path, fdb_python: str) -> Found:
    """Seconds of each operation on each side."""
    found: Found = {}

    def note(what: str, side: str, seconds: list[float]) -> None:
        found.setdefault(what, {}).setdefault(side, []).extend(seconds)

    for _ in range(ROUNDS):
        with sides(folder, fdb_python) as both:
            for name, side in both.items():
                first, *later = side.ask("list")
                note("list, new", name, [first])
                note("list, warm", name, later)
                note("list with keys, warm", name, side.ask("list_keys"))
        with sides(folder, fdb_python) as both:
            for name, side in both.items():
                note("one field, new", name, side.ask("one")[:1])
                note("one field, warm", name, side.ask("one"))
                note("axes, warm", name, side.ask("axes")[1:])
                side.ask("read")
                note("0.25 degrees, from a request", name, side.ask("read"))
                note("0.25 degrees, values", name, side.ask("values"))
                note("0.25 degrees, open dataset", name, side.ask("load"))
    with tempfile.TemporaryDirectory(dir=folder) as place:
        for what, grid in (("0.25 degrees", "0.25"), ("O96", "o96")):
            write_forecast(Path(place) / f"{grid}.grib2", grid, 10 * FLUSHES)
            with sides(Path(place), fdb_python) as both:
                for name, side in both.items():
                    note(f"archive 10 of {what}", name, side.ask("archive", f"{grid}.grib2")[2:])
    return found


def report(found: Found) -> dict[str, dict[str, float]]:
    rows = {}
    print(f"{'':<28}{'dtedask':>12}{'FDB':>12}{'ratio':>8}")
    for what, values in found.items():
        ours, theirs = (statistics.median(values[name]) * 1e3 for name in ("dtedask", "FDB"))
        limit = f"  (limit {RATIOS[what]:g})" if what in RATIOS else ""
        limit += f"  (limit {LIMITS_MS[what]:g} ms)" if what in LIMITS_MS else ""
        print(f"{what:<28}{ours:>9.2f} ms{theirs:>9.2f} ms{ours / theirs:>8.3f}{limit}")
        rows[what] = {"dtedask_ms": round(ours, 3), "fdb_ms": round(theirs, 3), "ratio": round(ours / theirs, 4)}
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fdb-python", default=sys.executable, help="interpreter that has pyfdb, eccodes and numpy")
    parser.add_argument("folder", nargs="?", type=Path, help="where to build, or what was built before")
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
    with tempfile.TemporaryDirectory() as place:
        folder = arguments.folder or Path(place)
        if not (folder / "root").exists():
            prepare(folder)
            build(folder, arguments.fdb_python)
        print(json.dumps(report(measure(folder, arguments.fdb_python))))


if __name__ == "__main__":
    main()
