"""Progress: a bar at a terminal, log lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dtedask.cli.console import messages, plural, say, size
from dtedask.cli.entry import mode

if TYPE_CHECKING:
    from dtedask.ingest import Progress

Show = Callable[["Progress"], None]
LOG_INTERVAL_S = 10.0


@contextmanager
def progress(title: str = "Ingesting") -> Iterator[Show | None]:
    """Give a function that shows progress, or None where nobody wants to see it."""
    if mode.quiet:
        yield None
    elif sys.stderr.isatty():
        with _bar(title) as show:
            yield show
    else:
        yield log_lines(say)


def log_lines(write: Callable[[str], None], interval_s: float = LOG_INTERVAL_S) -> Show:
    """Make a function that writes a line now and then, by the clock of what it is told."""
    written = [0.0]

    def show(now: Progress) -> None:
        if now.seconds - written[0] >= interval_s:
            written[0] = now.seconds
            write(_line(now))

    return show


def _line(now: Progress) -> str:
    left = "" if now.seconds_left is None else f", {now.seconds_left:.0f} s left"
    return f"{now.fields_done:,} of {now.fields_total:,} fields, {size(now.bytes_per_s)}/s{left}"


@contextmanager
def _bar(title: str) -> Iterator[Show]:
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns: list[Any] = [
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    ]
    # Lines that listeners write go above the bar, unless standard output goes elsewhere.
    both = sys.stdout.isatty()
    with Bar(*columns, console=messages(), transient=True, redirect_stdout=both, redirect_stderr=True) as bar:
        task = bar.add_task(title, total=None, count="", speed="")

        def show(now: Progress) -> None:
            count = f"{now.fields_done:,}/{plural(now.fields_total, 'field')}"
            bar.update(
                task,
                completed=now.fields_done,
                total=now.fields_total or None,
                count=count,
                speed=f"{size(now.bytes_per_s)}/s",
            )

        yield show
