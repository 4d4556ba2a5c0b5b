"""Logs of notifications alone, without HTTP: writing durably, reading long ones, looking whether there is more.

    python benchmarks/notice_logs.py [--count 1000000] [--folder FOLDER]

The sync of the disk by itself stands beside what is written: nothing that is durable can be faster.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from dtedask.core.commit import Change, Commit
from dtedask.notify.log import NoticeLog
from dtedask.notify.notification import Draft
from dtedask.notify.streams import CommitLog, SqliteEventLog

DRAFT = Draft("flight", {"country": "italy", "number": "3"}, {"gate": "B12", "note": "x" * 50})
TYPES = {"data": ("*",), "cube.7": ("cube/7",), "some": ("cube/1*",)}
CUBES, EVENTS_OF_A_COMMIT = 50, 5


def row(name: str, value: float, unit: str) -> None:
    print(f"{name:58} {value:12,.3f} {unit}")


def spread(name: str, seconds: Sequence[float]) -> None:
    ordered = sorted(seconds)
    row(f"{name}, median", statistics.median(ordered) * 1e3, "ms")
    row(f"{name}, 99th percentile", ordered[int(len(ordered) * 0.99)] * 1e3, "ms")


def timed(call: Callable[..., Any], *arguments: Any, **options: Any) -> float:
    begin = time.perf_counter()
    call(*arguments, **options)
    return time.perf_counter() - begin


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def sync_alone(folder: Path) -> None:
    with (folder / "sync").open("wb", buffering=0) as file:
        seconds = []
        for _ in range(500):
            file.write(bytes(16384))
            seconds.append(timed(os.fdatasync, file.fileno()))
    spread("fdatasync of 16 KiB", seconds)


def replay(log: SqliteEventLog | CommitLog, name: str) -> tuple[int, float]:
    begin, after, count = time.perf_counter(), 0, 0
    while page := log.page(name, after):
        after, count = page[-1].sequence, count + len(page)
    return count, time.perf_counter() - begin


def append_often(log: SqliteEventLog, count: int) -> None:
    for _ in range(count):
        log.append([DRAFT])


def sent(folder: Path, count: int) -> None:
    with SqliteEventLog(folder / "events.sqlite") as log:
        log.append([DRAFT])
        spread("append of one", [timed(log.append, [DRAFT]) for _ in range(1000)])
        for threads in (8, 64):
            each = 12800 // threads
            workers = [threading.Thread(target=append_often, args=(log, each)) for _ in range(threads)]
            begin = time.perf_counter()
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            row(f"append by {threads} threads", threads * each / (time.perf_counter() - begin), "/s")
        row("version()", statistics.median(timed(log.version) for _ in range(1000)) * 1e6, "us")
        for _ in range(count // 10_000):
            log.append([DRAFT] * 10_000)
        before = peak_mib()
        number, seconds = replay(log, "flight")
        row(f"replay of {number:,}", number / seconds, "/s")
        row("memory that it took", peak_mib() - before, "MiB")
        row("number at a time", timed(log.sequence_at, "flight", datetime.now(UTC) - timedelta(seconds=5)) * 1e3, "ms")
        row("trim of half", timed(log.trim, "flight", keep=number // 2), "s")


def committed(folder: Path, count: int) -> None:
    changes = tuple(
        Change(
            "fc/pl/O96",
            f"v{n}",
            (("class", "od"), ("param", str(n)), ("step", "0")),
            4,
            4096,
            "a" * 16,
            (60, -10, 30, 40),
        )
        for n in range(EVENTS_OF_A_COMMIT)
    )
    begin = datetime(2024, 6, 3, tzinfo=UTC)

    def commit(number: int) -> Commit:
        cube, sequence = f"cube/{number % CUBES}", number // CUBES + 1
        time = begin + timedelta(seconds=number)
        return Commit("/root", cube, f"{cube}-{sequence}", "parent", sequence, time, changes=changes)

    with NoticeLog(folder / "notices.sqlite") as notices:
        log = CommitLog(notices, {name: SimpleNamespace(name=name, cubes=cubes) for name, cubes in TYPES.items()})
        commits = count // EVENTS_OF_A_COMMIT // 1000 * 1000
        for number in range(0, commits, 1000):
            notices.append([commit(n) for n in range(number, number + 1000)])
        spread("log a commit of 5 events", [timed(notices.append, [commit(commits + n)]) for n in range(500)])
        row("count the commits of a pattern, once", timed(log.heads), "s")
        heads = log.heads()
        for name in TYPES:
            middle, head = heads[name] // 2, heads[name]
            row(f"{name}: page of 1000 in the middle", timed(log.page, name, middle) * 1e3, "ms")
            row(f"{name}: nothing new", statistics.median(timed(log.page, name, head) for _ in range(200)) * 1e3, "ms")
            row(
                f"{name}: number at a time",
                timed(log.sequence_at, name, begin + timedelta(seconds=commits / 2)) * 1e3,
                "ms",
            )
        before = peak_mib()
        number, seconds = replay(log, "data")
        row(f"data: replay of {number:,}", number / seconds, "/s")
        row("data: memory that it took", peak_mib() - before, "MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--folder", default=".")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        sync_alone(Path(name))
        sent(Path(name), options.count)
        committed(Path(name), options.count)


if __name__ == "__main__":
    main()
