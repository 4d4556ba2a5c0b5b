"""Products of many requirements beside MIR's Python call, one by one: the same fields, grids and areas, in one run.

python benchmarks/products.py [--requirements 1000] [--fields 100] [--source O320] [--each 5] [--sample 40] [--rounds 3]
    [--checked 10000] [--no-mir] [--threads N] [--json FILE]

Each requirement asks for some fields on a grid and an area, as GRIB in one file. MIR reads each field's message, does
it, and writes into the file; its matrices are in memory and its files are not synced. We read requirements, plan, make,
write aside, sync, deliver into a folder and record it; our weights are at hand. MIR does a sample of the requirements
in each round, before and after ours. Figures are medians of the rounds. Exit status is 1 if one is under its limit.

- reads: fields read one by one, against fields that we read
- products/s: ours against MIR's; `made` without writing and delivering, `delivered` with all of it
- of the slowest: the products of one step, read, computed and written together, against the slowest of the three alone
- checked and planned: seconds for many requirements over the same fields
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import dtedask
from dtedask.core.cores import cores
from dtedask.geo import Grid
from dtedask.grib import Encoder
from dtedask.products.deliveries.places import output_of
from dtedask.products.finishing.finishing import Finishing
from dtedask.products.ledger import Ledger
from dtedask.products.making import make
from dtedask.products.planning.inventory import Inventory
from dtedask.products.planning.plan import plan
from dtedask.products.requirements import load_requirements

LIMITS = {"reads": 20.0, "products/s, delivered": 5.0, "of the slowest": 1.5, "checked and planned, s": 5.0}
AT_MOST = ("of the slowest", "checked and planned, s")
KEYS = {"class": "od", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "pl", "param": "130"}
KEYS |= {"date": "20240603", "time": "0000"}
_STEPS_A_ROUND = 3
GRIDS = ((0.25, 0.25), (0.5, 0.5), (1.0, 1.0))
LEVELS = tuple(str(level) for level in (1000, 925, 850, 700, 500, 400, 300, 250, 200, 100))
AREAS = (
    (75, -30, 30, 45), (60, -12, 48, 4), (52, 5, 42, 17), (72, 4, 54, 32), (48, 6, 36, 20), (44, -10, 35, 4),
    (90, -180, -90, 180), (50, -130, 20, -60), (15, -85, -56, -33), (38, -20, -36, 52),
    (46, 60, 0, 150), (-5, 110, -48, 180),
)  # fmt: skip


@dataclass(frozen=True)
class Order:
    """What a requirement asks for."""

    name: str
    fields: tuple[tuple[str, str], ...]
    grid: tuple[float, float]
    area: tuple[float, ...]


def orders_of(count: int, fields: int, each: int) -> list[Order]:
    """Requirements drawn at random, always the same: some levels of one step each."""
    rng = np.random.default_rng(9)
    steps = fields // len(LEVELS)
    found = []
    for number in range(count):
        step = str(6 * int(rng.integers(steps)))
        levels = sorted(rng.choice(len(LEVELS), each, replace=False))
        grid, area = GRIDS[rng.integers(len(GRIDS))], AREAS[rng.integers(len(AREAS))]
        found.append(Order(f"order-{number:05}", tuple((LEVELS[one], step) for one in levels), grid, area))
    return found


def write_fields(folder: Path, source: str, count: int) -> dict[tuple[str, str], Path]:
    """One GRIB file a field, by level and step."""
    grid, found = Grid(source), {}
    points = grid.points()
    height, turn = np.deg2rad(points.latitude), np.deg2rad(points.longitude)
    noise = np.random.default_rng(1).normal(0, 0.3, grid.size)
    for number in range(count):
        level, step = LEVELS[number % len(LEVELS)], str(6 * (number // len(LEVELS)))
        wave = np.cos(height) ** 2 * np.sin((3 + number % 9) * turn + number) + np.sin(2 * height + number)
        keys = {**KEYS, "levelist": level, "step": step}
        path = folder / f"{level}-{step}.grib2"
        path.write_bytes(Encoder().encode((280 + 20 * wave + noise).reshape(grid.shape), keys, grid))
        found[level, step] = path
    return found


def write_requirements(path: Path, orders: Sequence[Order]) -> Path:
    """The orders as a document."""
    defaults = {**{key: value for key, value in KEYS.items() if key not in ("date", "time")}, "owner": "bench"}
    defaults |= {"interpolation": "linear", "format": "grib2", "file": "{name}.grib2"}
    lines = ["defaults:", *(f"  {key}: {json.dumps(value)}" for key, value in defaults.items()), "requirements:"]
    for one in orders:
        levels = ", ".join(level for level, _ in one.fields)
        lines += [f"- name: {one.name}", f"  levelist: [{levels}]", f"  step: {one.fields[0][1]}"]
        lines += [f"  grid: {one.grid[0]}/{one.grid[1]}", f"  area: {list(one.area)}"]
    path.write_text("\n".join(lines) + "\n")
    return path


class Mir:
    """One job a field, one output a product."""

    def __init__(self, paths: dict[tuple[str, str], Path], folder: Path) -> None:
        os.environ["MIR_CACHE_PATH"] = tempfile.mkdtemp(dir=folder)
        import mir

        self._mir, self._paths, self._folder = mir, paths, folder

    def products(self, orders: Sequence[Order]) -> float:
        """Make products, and say how many a second."""
        begin = time.perf_counter()
        with contextlib.redirect_stdout(sys.stderr):
            for order in orders:
                self._one(order)
        return len(orders) / (time.perf_counter() - begin)

    def _one(self, order: Order) -> None:
        job = self._mir.Job()
        for key, values in {"grid": order.grid, "area": order.area}.items():
            job.set(key, "/".join(map(str, values)))
        job.set("interpolation", "linear")
        out = self._mir.GribFileOutput(str(self._folder / f"{order.name}.mir.grib2"))
        for field in order.fields:
            job.execute(self._mir.GribFileInput(str(self._paths[field])), out)


class Ours:
    """All products in one run."""

    def __init__(self, inputs: Path, folder: Path, threads: int) -> None:
        self._inventory = Inventory.open(inputs)
        self._folder, self._threads, self._runs = folder, threads, 0

    def planned(self, document: Path) -> Any:
        """The plan of the requirements in a document."""
        requirements = load_requirements(document)
        assert not requirements.broken, requirements.broken[0]
        found = plan(requirements, self._inventory)
        assert not found.broken, found.broken[0].error
        assert not found.waiting, found.waiting[0]
        return found

    def made(self, planned: Any) -> Any:
        """Make products and let them go."""
        return make(planned, finish=lambda _make, _parts: (), threads=self._threads)

    def delivered(self, planned: Any) -> Any:
        """Make and deliver products."""
        with self.finishing() as finish:
            made = make(planned, finish=finish, threads=self._threads)
        assert not made.failed, made.failed[0].error
        return made

    @contextlib.contextmanager
    def finishing(self) -> Iterator[Finishing]:
        """What writes and delivers, into a new folder."""
        self._runs += 1
        output = output_of(str(self._folder / f"run-{self._runs}"))
        with Finishing(Ledger(self._folder / f"state-{self._runs}"), output=output) as finishing:
            yield finishing


def seconds(function: Callable[[], Any]) -> float:
    """How long a call takes."""
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def one_step(ours: Ours, document: Path, threads: int) -> dict[str, float]:
    """The products of one step: reading, computing and writing each alone, and all together."""
    planned = ours.planned(document)
    reads = list({id(node): node for one in planned.makes for node in behind(one.nodes) if not node.inputs}.values())
    fields: dict[str, Any] = {}

    def read() -> None:
        with ThreadPoolExecutor(threads) as pool:
            found = pool.map(lambda node: node.operation(), reads)
            fields.update(zip((node.key for node in reads), found, strict=True))

    kept: list[tuple[Any, Any]] = []
    took = {"read": seconds(read)}
    held = SimpleNamespace(makes=[with_fields(one, fields) for one in planned.makes])
    took["compute"] = seconds(lambda: make(held, finish=lambda *one: kept.append(one), threads=threads))
    with ours.finishing() as finish, ThreadPoolExecutor(4) as pool:
        took["write"] = seconds(lambda: list(pool.map(lambda one: finish(*one), kept)))
    again = ours.planned(document)
    took["together"] = seconds(lambda: ours.delivered(again))
    return took


def behind(nodes: Sequence[Any]) -> list[Any]:
    """All nodes that some are made of."""
    from dtedask.products.node import inputs_of

    return inputs_of(nodes)


@dataclass(frozen=True)
class Held:
    """Stands for reading: the values are at hand."""

    name = "held"
    bytes_per_point = 4.0
    key: str
    values: Any

    def __hash__(self) -> int:
        return hash(self.key)

    def __call__(self) -> Any:
        return self.values

    batch = property(lambda self: self)


_held: dict[int, Any] = {}


def with_fields(one: Any, fields: dict[str, Any]) -> Any:
    """A make whose input fields are at hand."""
    import dataclasses

    def replaced(node: Any) -> Any:
        if id(node) not in _held:
            operation = Held(node.key, fields[node.key]) if not node.inputs else node.operation
            inputs = tuple(map(replaced, node.inputs))
            _held[id(node)] = (dataclasses.replace(node, operation=operation, inputs=inputs), node)
        return _held[id(node)][0]

    return dataclasses.replace(one, nodes=tuple(map(replaced, one.nodes)))


def measure(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """All figures."""
    (folder / "in").mkdir()
    paths = write_fields(folder / "in", options.source, options.fields)
    orders = orders_of(options.requirements, options.fields, options.each)
    sample = orders[:: max(len(orders) // options.sample, 1)][: options.sample]
    mir = None if options.no_mir else Mir(paths, folder)
    ours = Ours(folder / "in", folder, options.threads)
    if mir is not None:
        mir.products(sample)
    document = write_requirements(folder / "all.yaml", orders)
    warm = ours.made(ours.planned(document))
    found: dict[str, list[float]] = {"reads": [sum(len(one.fields) for one in orders) / warm.counts.read]}
    step = write_requirements(folder / "step.yaml", [one for one in orders if one.fields[0][1] == "0"])
    many = write_requirements(folder / "many.yaml", orders_of(options.checked, options.fields, options.each))

    def note(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)

    for _ in range(options.rounds):
        before = mir.products(sample) if mir else 1.0
        made = len(orders) / seconds(lambda: ours.made(ours.planned(document)))
        delivered = len(orders) / seconds(lambda: ours.delivered(ours.planned(document)))
        rate = (before + (mir.products(sample) if mir else 1.0)) / 2
        for name, value in {"mir": rate, "made": made, "delivered": delivered}.items():
            note(f"{name}, products/s", value)
        note("products/s, made", made / rate)
        note("products/s, delivered", delivered / rate)
        for _ in range(_STEPS_A_ROUND):
            took = one_step(ours, step, options.threads)
            for name, value in took.items():
                note(f"one step, {name}, s", value)
            note("of the slowest", took["together"] / max(took["read"], took["compute"], took["write"]))
        note("checked and planned, s", seconds(partial(Ours(folder / "in", folder, options.threads).planned, many)))
    return {name: statistics.median(values) for name, values in found.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requirements", type=int, default=1000)
    parser.add_argument("--fields", type=int, default=100)
    parser.add_argument("--each", type=int, default=5, help="fields of a requirement")
    parser.add_argument("--source", default="O320")
    parser.add_argument("--sample", type=int, default=40, help="requirements that MIR does")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--checked", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--no-mir", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, dtedask_settings(folder):
        found = measure(options, Path(folder))
    missed = []
    for name, value in found.items():
        limit = LIMITS.get(name)
        is_missed = limit is not None and (value > limit if name in AT_MOST else value < limit)
        missed += [name] * is_missed
        print(f"{name:32}{value:12.2f}{'' if limit is None else f'{limit:10.1f}'}{'  missed' if is_missed else ''}")
    print(json.dumps(found))
    if options.json:
        options.json.write_text(json.dumps(found))
    sys.exit(bool(missed))


def dtedask_settings(folder: str) -> Any:
    """Weights are kept in the folder of this run."""
    import dask

    return dask.config.set({"dtedask.geo.weights-cache": str(Path(folder) / "weights")})


if __name__ == "__main__":
    assert dtedask.__version__
    main()
