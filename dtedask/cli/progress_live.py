"""Progress at a terminal: the stage under way, a bar of fields, workers and the link to Dask's dashboard."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from dtedask.cli.console import messages, plural, size

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from dtedask.cluster.watching.now import WorkersNow
    from dtedask.core.stages import stage
    from dtedask.store import Progress

_REFRESH_PER_S = 8


class Picture:
    """What is to be seen now.

    Parameters
    ----------
    title : str
        What is done, such as ``"Ingesting"``.
    """

    def __init__(self, title: str) -> None:
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar
        from rich.spinner import Spinner

        columns: list[Any] = [
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
        ]
        self._bar = Bar(*columns, auto_refresh=False)
        self._task = self._bar.add_task(title, total=None, count="", speed="")
        self._spinner = Spinner("dots")
        self._open: tuple[tuple[stage, float], ...] = ()
        self._now = 0.0
        self._note = ""
        self.workers: WorkersNow | None = None
        self.dashboard = ""

    def began(self, stage: stage, now: float) -> None:
        """A stage begins."""
        self._open, self._note = (*self._open, (stage, now)), ""

    def ended(self, stage: stage, _now: float, *, failed: bool = False) -> None:  # noqa: ARG002 - as `Lines`
        """A stage ended."""
        self._open, self._note = tuple(one for one in self._open if one[0] is not stage), ""

    def noted(self, text: str, _now: float) -> None:
        """There is something to know."""
        self._note = text

    def counted(self, workers: WorkersNow, _now: float) -> None:
        """So many workers are there."""
        self.workers = workers

    def progressed(self, progress: Progress, _now: float) -> None:
        """An ingest or a copy has come so far."""
        self._bar.update(
            self._task,
            completed=progress.fields_done,
            total=progress.fields_total or None,
            count=f"{progress.fields_done:,}/{plural(progress.fields_total, progress.noun)}",
            speed=f"{size(progress.bytes_per_s)}/s" if progress.bytes_total else "",
        )

    def tick(self, now: float) -> None:
        """Time passed."""
        self._now = now

    def __rich__(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        line = Table.grid(padding=(0, 1))
        line.add_row(self._spinner, Text(self._stage, no_wrap=True, overflow="ellipsis"))
        rows: list[RenderableType] = [self._bar.get_renderable(), line]
        if self.workers is not None:
            word = "Waiting for workers" if not self.workers.running else "Workers"
            rows.append(Text(f"  {word}: {self.workers}", no_wrap=True, overflow="ellipsis"))
        if self.dashboard:
            rows.append(Text(f"  Dashboard: {self.dashboard}", no_wrap=True))
        return Group(*rows)

    @property
    def _stage(self) -> str:
        """The stage under way: the innermost that does not run beside the others, if there is one."""
        front = [one for one in self._open if not one[0].beside] or list(self._open)
        if not front:
            return self._note or "…"
        stage, begin = front[-1]
        detail = f" {stage.detail}" if stage.detail else ""
        note = f": {self._note}" if self._note else ""
        return f"{stage.name}{detail}{note}, {max(self._now - begin, 0.0):.0f} s"


def live(picture: Picture) -> Live:
    """A display that is drawn anew until it is left, and is gone then; lines that others write go above it."""
    from rich.live import Live

    return Live(
        picture,
        console=messages(),
        transient=True,
        refresh_per_second=_REFRESH_PER_S,
        redirect_stdout=sys.stdout.isatty(),  # unless standard output goes elsewhere
        redirect_stderr=True,
    )
