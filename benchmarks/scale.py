"""What a run takes on 10, 100 and 1,000 workers: what can be measured here, a model of it, and what the model gives.

Run it with `python benchmarks/scale.py [--full] [--json FILE]`; it prints tables. `--full` goes up to 1,000,000 fields
and 100,000 tasks, and takes half an hour.

1. What one commit costs the process that drives it, by numbers of fields and of tasks, each of which brings a fork:
   tasks only note where a chunk would lie. Seconds of the processor; a process of its own for each.
2. What Dask's scheduler takes for tasks that do nothing, in graphs of the same shape.
3. What decoding, encoding and writing a field takes one thread, at three grids.
4. A model fitted to 1 and 2, checked against real workers whose tasks wait as long as the work would take.
5. What it predicts.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from _scale_model import AFTER, BEFORE, Kind, Model, Run, fit

HERE = Path(__file__).parent
COMMITS = [(1000, 2), (1000, 100), (1000, 1000), (10_000, 2), (10_000, 10), (10_000, 1000)]
COMMITS += [(30_000, 100), (100_000, 100)]
FULL_COMMITS = [(10_000, 10_000), (100_000, 10_000), (300_000, 1000), (1_000_000, 1000)]
TASKS = [100, 1000, 5000]
FULL_TASKS = [20_000, 100_000]
GRIDS = {"o96": 400, "0.25": 40, "o1280": 6}
WORKERS = (10, 100, 1000)
CHECKED = (1, 2, 4, 8)
CHECKED_FIELDS, CHECKED_WORK_S = 2000, 0.004
TASKS_A_THREAD = 4


def commits(full: bool) -> list[dict[str, float]]:
    """Part 1."""
    rows = []
    for fields, tasks in COMMITS + FULL_COMMITS * full:
        command = [sys.executable, str(HERE / "_scale_side.py"), str(fields), str(tasks)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    return rows


def print_commits(rows: list[dict[str, float]]) -> None:
    names = [name for ones in {**BEFORE, **AFTER}.values() for name in ones] + ["run tasks"]
    heads = (f"{row['fields']:,.0f}/{row['tasks']:,.0f}" for row in rows)
    print(f"{'ms of the driver':<22}" + "".join(f"{head:>17}" for head in heads))
    for name in [*names, "unpickle items"]:
        print(f"{name:<22}" + "".join(f"{1e3 * row[name]:>17.1f}" for row in rows))
    for name in ("bytes of items", "bytes of results"):
        per = "fields" if name == "bytes of items" else "tasks"
        print(f"{f'{name} / {per}':<22}" + "".join(f"{row[name] / row[per]:>17.0f}" for row in rows))
    memory = ((row["memory before tasks"] - row["memory at first"]) / row["fields"] for row in rows)
    print(f"{'bytes of memory/field':<22}" + "".join(f"{one:>17.0f}" for one in memory), flush=True)


def nothing(_items: Sequence[Any]) -> None:
    """A task that does nothing."""


def scheduling(full: bool) -> list[tuple[int, int, float]]:
    """Part 2: workers, tasks and seconds."""
    from distributed import Client, LocalCluster

    rows = []
    for workers in (1, 4):
        options = {"n_workers": workers, "threads_per_worker": 2, "dashboard_address": None}
        with LocalCluster(**options) as cluster, Client(cluster) as client:
            _run_nothing(client, 50)
            counts = TASKS + FULL_TASKS * (full and workers == 4)
            rows += [(workers, tasks, _run_nothing(client, tasks)) for tasks in counts]
    return rows


def _run_nothing(client: Any, tasks: int) -> float:
    from dtedask.store.attempts import Work
    from dtedask.store.execute import Execution

    begin = time.process_time()  # of this process, where client and scheduler are
    Execution(client=client).do(Work("nothing", nothing), [(number,) for number in range(tasks)])
    return time.process_time() - begin


def kinds() -> list[Kind]:
    """Part 3."""
    import dask.config
    from _account import TASK, Times, timing
    from forecasts import write_forecast

    import dtedask
    from dtedask.ingest import ingest

    found = []
    for grid, fields in GRIDS.items():
        with tempfile.TemporaryDirectory() as place, dask.config.set({"dtedask.ingest.threads": 1}):
            path, root = Path(place) / "fields.grib2", Path(place) / "root"
            length = write_forecast(path, grid, fields)
            times = []
            for turn in range(3):
                with timing({"work": TASK}, Times(), time.process_time) as counted:
                    ingest(path, dtedask.open(f"{root}-{turn}"))
                times.append(counted.seconds["work"] / fields)
            stored = sum(one.stat().st_size for one in Path(f"{root}-0").rglob("*") if one.is_file())
        found.append(Kind(grid, _points(grid) * 4, min(times), (length + stored) / fields))
    return found


def _points(grid: str) -> int:
    from forecasts import octahedral_rows

    return 1440 * 721 if grid == "0.25" else int(octahedral_rows(int(grid[1:])).sum())


def task_bytes(total: int, width: int) -> int:
    from dtedask.core.settings import setting
    from dtedask.store import write

    return write.task_bytes(total, width, setting("ingest.batch-bytes"))


def modelled(rows: list[dict[str, float]], scheduled: list[tuple[int, int, float]], bandwidth: float) -> Model:
    """Part 4: the fit."""
    names = [name for ones in {**BEFORE, **AFTER}.values() for name in ones]
    costs = {name: fit([(row["fields"], row["tasks"], row[name]) for row in rows]) for name in names}
    handing = fit([(0, tasks, seconds) for _, tasks, seconds in scheduled])
    running, travel = (
        fit([(row["fields"], row["tasks"], row[name]) for row in rows]) for name in ("run tasks", "unpickle items")
    )
    # What noting a chunk takes is a part of writing one.
    begun = replace(travel, task_s=running.task_s)
    return Model(costs, handing, begun, task_bytes, bandwidth)


def print_model(model: Model) -> None:
    print(f"\n{'fitted':<22}{'fixed, ms':>12}{'µs a field':>12}{'µs a task':>12}{'residual':>12}")
    for name, cost in {**model.costs, "scheduling": model.scheduling, "starting (worker)": model.starting}.items():
        cells = (
            f"{1e3 * cost.fixed_s:.1f}",
            f"{1e6 * cost.field_s:.2f}",
            f"{1e6 * cost.task_s:.1f}",
            f"{cost.residual:.0%}",
        )
        print(f"{name:<22}" + "".join(f"{cell:>12}" for cell in cells))


def checked(model: Model) -> list[dict[str, float]]:
    """Part 4: workers whose tasks wait, against the model."""
    import _scale_side
    from distributed import Client, LocalCluster

    import dtedask
    from dtedask.ingest import ingest
    from dtedask.store.writing import WriteTransaction

    rows = []
    kind = Kind("waiting", 1, CHECKED_WORK_S)
    model = replace(model, task_bytes=lambda total, width: total // (TASKS_A_THREAD * width))
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "fields.grib2"
        with path.open("wb") as file:
            file.writelines(_scale_side.tiny_messages(CHECKED_FIELDS))
        for workers in CHECKED:
            options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
            even = patch.object(
                WriteTransaction, "_batches", lambda _self, items, n=workers: _scale_side.cut(items, TASKS_A_THREAD * n)
            )
            with LocalCluster(**options) as cluster, Client(cluster) as client, even:
                client.run(_scale_side.wait_for_each, CHECKED_WORK_S)
                took = []
                for turn in range(3):
                    begin, busy = time.perf_counter(), time.process_time()
                    ingest(path, dtedask.open(Path(place) / f"root-{workers}-{turn}"), client=client)
                    took.append((time.perf_counter() - begin, time.process_time() - busy))
            predicted = model.run(kind, workers, 1, CHECKED_FIELDS)
            driver = predicted.driver_s + model.scheduling.at(0, predicted.tasks)
            measured = min(took[1:])
            rows.append({"workers": workers, "measured_s": measured[0], "predicted_s": predicted.seconds})
            rows[-1] |= {"driver_measured_s": measured[1], "driver_predicted_s": driver}
    return rows


def print_runs(runs: list[Run]) -> None:
    heads = ("workers", "fields/s", "seconds", "of ideal", "tasks", "GB/s moved")
    print(f"\n{'predicted':<12}" + "".join(f"{one:>12}" for one in heads) + "  most of the rest")
    for run in runs:
        cells = (
            f"{run.workers:>12,}{run.fields_per_s:>12,.0f}{run.seconds:>12.1f}{run.efficiency:>12.2f}{run.tasks:>12,}"
        )
        cells += f"{run.moved_bytes / run.seconds / 1e9:>12.1f}"
        print(f"{run.kind:<12}{cells}  {run.bottleneck}, {run.parts[run.bottleneck]:.1f} s")


def as_json(run: Run) -> dict[str, Any]:
    return {**dataclasses.asdict(run), "efficiency": run.efficiency, "bottleneck": run.bottleneck}


_CHECK = (
    "{workers} workers: measured {measured_s:.2f} s, predicted {predicted_s:.2f} s; "
    "processor of the driver {driver_measured_s:.2f} s, predicted {driver_predicted_s:.2f} s"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="up to 1,000,000 fields and 100,000 tasks")
    parser.add_argument("--fields", type=int, default=100_000, help="of one commit, for the predictions")
    parser.add_argument("--threads", type=int, default=2, help="of a worker, for the predictions")
    parser.add_argument("--bandwidth", type=float, default=math.inf, help="bytes a second that the storage moves")
    parser.add_argument("--json", type=Path, help="write all figures into a file too")
    arguments = parser.parse_args()
    print(f"load at the beginning: {os.getloadavg()[0]:.1f}", flush=True)
    rows = commits(arguments.full)
    print_commits(rows)
    scheduled = scheduling(arguments.full)
    print("\nscheduler, s: " + ", ".join(f"{w} workers, {t:,} tasks {s:.2f}" for w, t, s in scheduled), flush=True)
    grids = kinds()
    print("\nthread time of a field: " + ", ".join(f"{one.name} {1e3 * one.work_s:.2f} ms" for one in grids))
    model = modelled(rows, scheduled, arguments.bandwidth)
    print_model(model)
    checks = checked(model)
    print()
    for row in checks:
        print(_CHECK.format(**row), flush=True)
    runs = [model.run(kind, count, arguments.threads, arguments.fields) for kind in grids for count in WORKERS]
    print_runs(runs)
    load = os.getloadavg()[0]
    print(f"\nload at the end: {load:.1f}")
    if arguments.json:
        costs = {
            name: vars(cost)
            for name, cost in {**model.costs, "scheduling": model.scheduling, "starting": model.starting}.items()
        }
        report = {"commits": rows, "scheduling": scheduled, "kinds": [vars(one) for one in grids], "costs": costs}
        report |= {"checks": checks, "predicted": [as_json(run) for run in runs], "load": load}
        arguments.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    main()
