"""The same ingest by threads and on clusters: rates, what a cluster costs, and where its time goes.

Run it with `python benchmarks/cluster.py [--rounds 4] [--scale 1] [--json FILE]`; it prints tables. Where `sbatch` is
found, jobs of SLURM are measured beside the processes of this machine (`eval "$(tests/services/slurm-up)"`).

- threads: two threads of this process
- local 1x2, local 2x1: a LocalCluster of one worker with two threads, and of two with one
- slurm 1x2, slurm 2x1: the same as jobs of SLURM

Rates are of clusters that run already. Every way writes the same file into a new root in each round, in turns; the
first round does not count. A ratio is the time of the threads over that of the cluster, in the same round. "Cold" is a
whole process each: from its first line over `client_for` to the end of the ingest, with all its imports.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).parent
THREADS = 2
FIELDS = {"0.25": 100, "o96": 1400}
LAYOUTS = ("map", "messages")
SHAPES = {"1x2": (1, 2), "2x1": (2, 1)}
LIMITS = {"1x2": 0.85, "2x1": 0.6}
START_S, SHARE = 3.0, 0.05  # what a cluster may cost from its start to the end of the run

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.cluster import Profile


@dataclass
class Way:
    """One way to run: its name, and its client if it has one."""

    name: str
    client: Client | None = None


@dataclass
class Case:
    """One file and layout, and what was measured with it."""

    grid: str
    layout: str
    path: Path
    fields: int
    seconds: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.grid} {self.layout} x {self.fields}"


def profile_of(name: str, folder: Path) -> Profile:
    """The profile of a way such as ``"slurm 2x1"``."""
    from dtedask.cluster import profile

    kind, shape = name.split()
    workers, threads = SHAPES[shape]
    if kind == "local":
        return replace(profile("local-cluster"), workers=workers, threads=threads)
    chosen = profile("slurm")
    job = {"interface": "lo", "cores": threads, "processes": 1, "memory": "4GB", "log-directory": str(folder / "logs")}
    return replace(chosen, workers=workers, job={**chosen.job, **job})


def clusters() -> list[str]:
    """Names of the clusters that can be measured here."""
    kinds = ["local"] + ["slurm"] * bool(shutil.which("sbatch") and os.environ.get("SLURM_CONF"))
    return [f"{kind} {shape}" for kind in kinds for shape in SHAPES]


@contextmanager
def started(name: str, folder: Path) -> Iterator[Way]:
    """A cluster with all its workers."""
    from dtedask.cluster import client_for

    if name == "threads":
        yield Way(name)
        return
    with client_for(profile_of(name, folder)) as client:
        assert client is not None
        client.wait_for_workers(SHAPES[name.split()[1]][0], timeout=120)
        yield Way(name, client)


def ingest_once(case: Case, root: Path, client: Client | None) -> None:
    """Write the file of a case into a new root."""
    import dask.config

    import dtedask
    from dtedask.ingest import ingest
    from dtedask.store import Schema

    with dask.config.set({"dtedask.ingest.threads": THREADS}):
        summary = ingest(case.path, dtedask.open(root, schema=Schema(layout=case.layout)), client=client)
    assert summary.new == case.fields


def processor_s(way: Way) -> float:
    """Seconds of the processor so far: of this process, with the scheduler in it, and of the workers."""
    own = sum(os.times()[:2])
    return own + (sum(way.client.run(time.process_time).values()) if way.client else 0.0)


def one_turn(case: Case, way: Way, folder: Path, *, counts: bool) -> None:
    root = folder / way.name.replace(" ", "-")
    os.sync()
    before = processor_s(way)
    begin = time.perf_counter()
    ingest_once(case, root, way.client)
    seconds = time.perf_counter() - begin
    if counts:
        case.seconds.setdefault(way.name, []).append(seconds)
        case.cpu.setdefault(way.name, []).append(processor_s(way) - before)
    shutil.rmtree(root)


def accounted(case: Case, way: Way, folder: Path) -> dict[str, float]:
    """Where the time of one run goes, in milliseconds."""
    from _account import CLIENT, TASK, WORKER, Times, begin_worker, end_worker, idle, timing

    root = folder / "accounted"
    if way.client:
        way.client.run(begin_worker)
    parts = CLIENT if way.client else {**CLIENT, **WORKER, "task": TASK}
    with timing(parts, Times()) as times:
        begin = time.perf_counter()
        ingest_once(case, root, way.client)
        whole = time.perf_counter() - begin
    shutil.rmtree(root)
    found = list(way.client.run(end_worker).values()) if way.client else [(times.seconds, times.spans, 0.0)]
    spans = [span for _, spans, _ in found for span in spans]
    long, busy, unused = idle(spans, THREADS)
    account = {"whole": whole} | {name: times.seconds.get(name, 0.0) for name in CLIENT}
    account["other"] = whole - sum(account[name] for name in CLIENT)
    account["before and after tasks"] = account["run tasks"] - long
    account["tasks"] = float(len(spans)) / 1e3
    account["thread time"] = busy
    account |= {name: sum(seconds.get(name, 0.0) for seconds, _, _ in found) for name in WORKER}
    account["other in tasks"] = busy - sum(account[name] for name in WORKER)
    account["idle threads"] = unused
    account["processor, client"] = times.cpu
    account["processor, workers"] = sum(cpu for _, _, cpu in found)
    return {name: value * 1e3 for name, value in account.items()}


def cold(arguments: list[str], environment: Mapping[str, str]) -> dict[str, float]:
    """Run once in a process of its own and return the moments that it tells."""
    command = [sys.executable, str(HERE / "cluster.py"), "--cold", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(environment))
    return json.loads(done.stdout.splitlines()[-1])


def be_cold(name: str, grid: str, layout: str, path: str, fields: str, folder: str) -> None:
    """Be such a process: seconds since its first line until each step was done."""
    from _account import Times, timing

    case, place = Case(grid, layout, Path(path), int(fields)), Path(folder)
    root = place / "cold"
    told: dict[str, float] = {}
    with ExitStack() as stack:
        if name == "threads":
            client = None
        else:
            from dtedask.cluster import client_for

            told["profile read"] = time.time() - BEGIN
            import distributed  # noqa: F401 - its time is of interest

            told["distributed imported"] = time.time() - BEGIN
            client = stack.enter_context(client_for(profile_of(name, place)))
        told["connected"] = time.time() - BEGIN
        times = Times()
        with timing({"survey": "dtedask.ingest.run:_surveys"}, times):
            ingest_once(case, root, client)
        told["done"] = time.time() - BEGIN
        told["processor, this process"] = sum(os.times()[:2])
        if client is not None:
            told["processor, workers"] = sum(client.run(time.process_time).values())
            told |= client.run_on_scheduler(arrivals, BEGIN)
        told["survey took"] = times.seconds["survey"]
    told["closed"] = time.time() - BEGIN
    shutil.rmtree(root)
    print(json.dumps(told))


def arrivals(begin: float, dask_scheduler: Any = None) -> dict[str, float]:
    """When the scheduler heard of its first and last worker, and when the first task began and ended."""
    joined = [at for at, event in dask_scheduler.get_events("all") if event.get("action") == "add-worker"]
    return {"first worker": min(joined) - begin, "last worker": max(joined) - begin} if joined else {}


def print_rates(cases: list[Case], names: list[str]) -> dict[str, Any]:
    report: dict[str, Any] = {}
    print(f"{'fields/s, running clusters':<28}" + "".join(f"{name:>20}" for name in ["threads", *names]))
    for case in cases:
        row = report[case.name] = {}
        own = case.seconds["threads"]
        for name in ["threads", *names]:
            taken = case.seconds[name]
            ratio = statistics.median(ours / theirs for ours, theirs in zip(own, taken, strict=True))
            work = statistics.median(a / b for a, b in zip(case.cpu["threads"], case.cpu[name], strict=True))
            row[name] = {
                "seconds": round(statistics.median(taken), 3),
                "fields_per_s": round(case.fields / statistics.median(taken), 1),
                "ratio": round(ratio, 2),
                "ratio_of_processor_time": round(work, 2),
            }
        cells = (f"{found['fields_per_s']:.0f} ({found['ratio']:.2f}; {found['ratio_of_processor_time']:.2f})"
                 for found in row.values())  # fmt: skip
        print(f"{case.name:<28}" + "".join(f"{cell:>20}" for cell in cells), flush=True)
    print("in brackets: ratio to threads of time, and of processor time; at least 0.85 for 1x2 and 0.6 for 2x1")
    return report


def print_accounts(accounts: dict[str, dict[str, dict[str, float]]]) -> None:
    for case, columns in accounts.items():
        print(f"\n{'ms, ' + case:<28}" + "".join(f"{name:>14}" for name in columns))
        for part in next(iter(columns.values())):
            print(f"{part:<28}" + "".join(f"{column[part]:>14.0f}" for column in columns.values()))


def measure_cold(cases: list[Case], names: list[str], rounds: int, folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = {}
    for case in cases:
        if case.layout != "map":
            continue
        told: dict[str, list[dict[str, float]]] = {}
        for _ in range(rounds):
            for name in ["threads", *names]:
                arguments = [name, case.grid, case.layout, str(case.path), str(case.fields), str(folder)]
                told.setdefault(name, []).append(cold(arguments, os.environ))
        medians = {
            name: {step: round(statistics.median(one[step] for one in runs), 2) for step in runs[0]}
            for name, runs in told.items()
        }
        for name in names:
            more = statistics.median(a["done"] - b["done"] for a, b in zip(told[name], told["threads"], strict=True))
            medians[name]["more"] = round(more, 2)
            medians[name]["limit"] = round(START_S + SHARE * medians["threads"]["done"], 2)
        report[case.name] = medians
        print(f"\n{'cold, s: ' + case.name:<28}" + "".join(f"{name:>14}" for name in medians))
        for step in dict.fromkeys(step for column in medians.values() for step in column):
            cells = (f"{column[step]:.2f}" if step in column else "" for column in medians.values())
            print(f"{step:<28}" + "".join(f"{cell:>14}" for cell in cells), flush=True)
    return report


def make_cases(folder: Path, scale: float) -> list[Case]:
    from forecasts import write_forecast

    cases = []
    for grid, count in FIELDS.items():
        fields = max(int(count * scale) // 50, 1) * 50
        path = folder / f"{grid}.grib2"
        write_forecast(path, grid, fields)
        cases += [Case(grid, layout, path, fields) for layout in LAYOUTS]
    return cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4, help="of running clusters")
    parser.add_argument("--cold-rounds", type=int, default=2)
    parser.add_argument("--scale", type=float, default=1.0, help="0.1 takes a tenth of the fields")
    parser.add_argument("--json", type=Path, help="write all figures into a file too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        cases, names = make_cases(folder, arguments.scale), clusters()
        print(f"load at the beginning: {os.getloadavg()[0]:.1f}", flush=True)
        cold_report = measure_cold(cases, names, arguments.cold_rounds, folder)
        all_ways = [stack.enter_context(started(name, folder)) for name in ["threads", *names]]
        for case in cases:
            for turn in range(arguments.rounds + 1):
                for way in all_ways:
                    one_turn(case, way, folder, counts=turn > 0)
        print()
        rates = print_rates(cases, names)
        accounts = {case.name: {way.name: accounted(case, way, folder) for way in all_ways} for case in cases}
        print_accounts(accounts)
        load = os.getloadavg()
        print(f"\nload at the end: {load[0]:.1f}")
    report = {"rates": rates, "cold": cold_report, "accounts_ms": accounts, "load": load[0]}
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1))


BEGIN = time.time()
if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    os.environ["ICECHUNK_LOG"] = "error"  # of the workers too
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    if sys.argv[1:2] == ["--cold"]:
        be_cold(*sys.argv[2:])
    else:
        main()
