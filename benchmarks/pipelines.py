"""Plans of statistics beside the real MultIO: the same fields, the same plan, in turns, in one run.

Run it with `python benchmarks/pipelines.py [--rounds 7]`; pymultio is in the group `dev`. Prints a table and JSON.

Fields of float64 go through select and statistics (windows of a day, hourly steps, a flush after each step), and their
results into nothing, or as GRIB2 (16 bits, CCSDS) into a file, or with us into a cube. Each round runs MultIO, then us;
ratios are medians of the rounds. Above 1 we are faster.

- keys before: messages and MultIO's metadata are made before the clock runs
- keys in the loop: both are made for every field
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

FOUR = ("average", "minimum", "maximum", "accumulate")
IN_GRIB = ("average", "minimum", "maximum", "instant")  # the sum of temperatures has no parameter
LARGE, SMALL = 542_080, 1_000


@dataclass(frozen=True)
class Case:
    """What is measured, and the least ratio."""

    name: str
    size: int
    fields: int
    steps: int
    operations: tuple[str, ...] = ("average",)
    threads: int = 1
    sink: Literal["", "file", "cube"] = ""
    keys: Literal["before", "in the loop"] = "before"
    limit: float | None = None


CASES = (
    Case("average, one thread", LARGE, 4, 24, limit=1.0),
    Case("average, two threads", LARGE, 4, 24, threads=2, limit=1.8),
    Case("four operations, one thread", LARGE, 4, 24, FOUR, limit=1.5),
    Case("four operations, two threads", LARGE, 4, 24, FOUR, threads=2),
    Case("into a GRIB file, one thread", LARGE, 4, 24, IN_GRIB, sink="file"),
    Case("into a GRIB file, two threads", LARGE, 4, 24, IN_GRIB, threads=2, sink="file", limit=2.0),
    Case("into a cube (MultIO: a GRIB file), one thread", LARGE, 4, 24, IN_GRIB, sink="cube"),
    Case("into a cube (MultIO: a GRIB file), two threads", LARGE, 4, 24, IN_GRIB, threads=2, sink="cube", limit=2.0),
    Case("small fields, keys before", SMALL, 100, 24),
    Case("small fields, keys in the loop", SMALL, 100, 24, keys="in the loop", limit=0.5),
)


def actions_of(case: Case) -> list[dict[str, Any]]:
    """What both do with every field."""
    details = {"disable-strict-mapping": True}
    return [
        {"type": "select", "match": [{"param": ["167"]}]},
        {"type": "statistics", "operations": list(case.operations), "output-frequency": "1d", "options": details},
    ]


class Multio:
    """The real MultIO, in a process of its own."""

    def __init__(self, case: Case, folder: Path) -> None:
        last: list[dict[str, Any]] = [{"type": "null"}]
        if case.sink:
            file = {"type": "file", "path": str(folder / "multio.grib2"), "append": True}
            template = template_of(case.size, folder)
            last = [{"type": "encode", "format": "grib", "template": template}, {"type": "sink", "sinks": [file]}]
        actions = actions_of(case)
        del actions[1]["options"]
        plan = {"plans": [{"name": "bench", "actions": [*actions, *last]}]}
        said = {"plan": plan, "size": case.size, "fields": case.fields, "keys": case.keys}
        side = Path(__file__).parent / "_multio_side.py"
        self._child = subprocess.Popen(
            [sys.executable, str(side)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._ask(json.dumps(said))

    def seconds(self, steps: int) -> float:
        """Write so many steps."""
        return float(self._ask(str(steps)))

    def close(self) -> None:
        """Let it end."""
        self._child.communicate(timeout=60)

    def _ask(self, line: str) -> str:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()
        answer = self._child.stdout.readline()
        if not answer:
            raise SystemExit(f"MultIO failed:\n{self._child.communicate()[1][-2000:]}")
        return answer


class Ours:
    """The same in this process; every call goes on with the steps after those before."""

    def __init__(self, case: Case, folder: Path) -> None:
        from dtedask.pipeline import Plan, Run
        from dtedask.pipeline.runs.threads import Threads

        last: list[dict[str, Any]] = [{"type": "null"}]
        if case.sink == "file":
            file = {"type": "file", "path": str(folder / "ours.grib2"), "append": True}
            last = [{"type": "encode", "bits-per-value": 16}, {"type": "sink", "sinks": [file]}]
        elif case.sink == "cube":
            last = [{"type": "sink", "sinks": [{"type": "cube", "url": str(folder / "data")}]}]
        self._case = case
        self._threads = Threads(case.threads) if case.threads > 1 else None
        plan = Plan.from_yaml({"actions": [*actions_of(case), *last]})
        self._run = Run(plan, compute=self._threads) if self._threads else Run(plan)
        self._description = description_of(case.size)
        shape = self._description.grid.shape
        self._values = np.random.default_rng(0).normal(280, 10, (8, *shape))
        self._step = 0

    def seconds(self, steps: int) -> float:
        """Write so many steps."""
        messages = self._messages(steps)
        if self._case.keys == "before":
            messages = iter(list(messages))
        begin = time.perf_counter()
        for message in messages:
            self._run.feed(message)
        if self._threads is not None:
            self._threads.wait()
        return time.perf_counter() - begin

    def close(self) -> None:
        """End the run."""
        self._run.close()
        if self._threads is not None:
            self._threads.close()

    def _messages(self, steps: int) -> Iterator[Any]:
        from dtedask.pipeline import Message

        for _ in range(steps):
            self._step += 1
            step = str(self._step)
            for number in range(self._case.fields):
                values = self._values[(self._step + number) % 8]
                yield Message.of_field(self._description, values, step=step, number=str(number + 1))
            yield Message.flush("step", step=step)


def description_of(size: int) -> Any:
    """What our fields say of themselves."""
    from dtedask.geo import PointOrder, regular_latlon
    from dtedask.grib import FieldDescription

    rows = next(rows for rows in range(int(size**0.5), 0, -1) if size % rows == 0)
    grid = regular_latlon(np.linspace(80, -80, rows), np.arange(size // rows) * (360 * rows / size))
    keys = {"class": "od", "stream": "enfo", "expver": "0001", "type": "pf", "number": "0", "levtype": "sfc"}
    keys |= {"param": "167", "date": "20240601", "time": "0000", "step": "0"}
    words = {"short_name": "2t", "name": "2 metre temperature", "units": "K", "standard_name": "air_temperature"}
    said: dict[str, Any] = {"step_type": "instant", "interval": None, "step_seconds": 0, "has_bitmap": False}
    said |= {"level_type": "heightAboveGround", "level": 2.0, "edition": 2, "product": (), "attributes": {}}
    packing: dict[str, Any] = {"order": PointOrder(grid.shape), "packing": "grid_ccsds", "bits_per_value": 16}
    return FieldDescription(keys=keys, grid=grid, **words, **said, **packing)


def template_of(size: int, folder: Path) -> str:
    """A message whose headers MultIO's encoder fills in."""
    import eccodes

    rows = next(rows for rows in range(int(size**0.5), 0, -1) if size % rows == 0)
    handle = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib2")
    said = {"centre": "ecmf", "setLocalDefinition": 1, "productDefinitionTemplateNumber": 8}
    for key, value in {**said, "Ni": size // rows, "Nj": rows}.items():
        eccodes.codes_set(handle, key, value)
    eccodes.codes_set_values(handle, np.zeros(size))
    eccodes.codes_set(handle, "packingType", "grid_ccsds")
    eccodes.codes_set(handle, "bitsPerValue", 16)
    path = folder / "template.grib2"
    path.write_bytes(eccodes.codes_get_message(handle))
    eccodes.codes_release(handle)
    return str(path)


def measure(case: Case, rounds: int) -> dict[str, Any]:
    """Run both in turns; the first round, in which both warm up, does not count."""
    with tempfile.TemporaryDirectory() as folder:
        sides: tuple[Multio, Ours] = (Multio(case, Path(folder)), Ours(case, Path(folder)))
        try:
            taken = [[side.seconds(case.steps) for side in sides] for _ in range(rounds + 1)][1:]
        finally:
            for side in sides:
                side.close()
    count = case.fields * case.steps
    theirs, ours = (statistics.median(one[side] for one in taken) for side in (0, 1))
    ratio = statistics.median(one[0] / one[1] for one in taken)
    return {"multio": count / theirs, "ours": count / ours, "ratio": ratio, "limit": case.limit}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="measure cases whose name contains this")
    options = parser.parse_args()
    found = {}
    print(f"{'':46}{'MultIO':>10}{'dtedask':>10}{'ratio':>8}{'limit':>7}   (fields/s)")
    for case in CASES:
        if options.only in case.name:
            found[case.name] = one = measure(case, options.rounds)
            limit = f"{case.limit:7.1f}" if case.limit else " " * 7
            print(f"{case.name:46}{one['multio']:10.0f}{one['ours']:10.0f}{one['ratio']:8.2f}{limit}", flush=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
