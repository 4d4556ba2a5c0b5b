"""Progress in a notebook: a bar below the cell with the stage under way."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any, Protocol

from dtedask.core.sizes import size_text
from dtedask.core.stages import StageListener, listening_to_stages, stage

_SHOW_EVERY_S = 0.2


class _Progress(Protocol):
    fields_done: int
    fields_total: int
    bytes_total: int
    noun: str
    seconds_left: float | None

    @property
    def bytes_per_s(self) -> float: ...


class NotebookBar(StageListener):
    """A bar of fields and the stage under way, drawn anew as things happen.

    Parameters
    ----------
    show : callable
        Takes the HTML that is to be seen from now on.
    clock : callable
        Gives seconds that never go back.
    """

    def __init__(self, show: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._show, self._clock = show, clock
        self._begin = clock()
        self._shown_at = float("-inf")
        self._lock = threading.Lock()
        self._open: list[stage] = []
        self._note = ""
        self._progress: _Progress | None = None

    def stage_began(self, stage: stage) -> None:
        """A stage begins."""
        self._open.append(stage)
        self._draw()

    def stage_noted(self, text: str) -> None:
        """There is something to know of it."""
        self._note = text
        self._draw()

    def stage_ended(self, stage: stage, error: BaseException | None) -> None:  # noqa: ARG002 - it is raised anyway
        """A stage ended."""
        self._open = [one for one in self._open if one is not stage]
        self._note = ""

    def progressed(self, now: _Progress) -> None:
        """An ingest has come so far."""
        self._progress = now
        self._draw()

    def end(self, how: str) -> None:
        """Show how it ended."""
        took = f"{how} in {self._clock() - self._begin:.1f} s"
        done = f"{self._progress.fields_done:,} {self._progress.noun}s " if self._progress is not None else ""
        self._show(f"<div>{done}{took}</div>")

    def _draw(self) -> None:
        with self._lock:
            now = self._clock()
            if now - self._shown_at < _SHOW_EVERY_S:
                return
            self._shown_at = now
            self._show(self._html())

    def _html(self) -> str:
        front = [one for one in self._open if not one.beside] or self._open
        said = f"{front[-1].name} {front[-1].detail}".rstrip() if front else "…"
        said += f": {self._note}" if self._note else ""
        progress = self._progress
        if progress is None:
            return f"<div><progress></progress> {escape(said)}</div>"
        left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
        speed = f", {size_text(progress.bytes_per_s)}/s" if progress.bytes_total else ""
        count = f"{progress.fields_done:,} of {progress.fields_total:,} {progress.noun}s{speed}{left}"
        bar = f'<progress value="{progress.fields_done}" max="{max(progress.fields_total, 1)}"></progress>'
        return f"<div>{bar} {count}<br>{escape(said)}</div>"


@contextmanager
def notebook_bar() -> Iterator[NotebookBar | None]:
    """Show a bar below the cell of a notebook while what is inside runs; None where this is no notebook."""
    display = _display()
    if display is None:
        yield None
        return
    handle = display({"text/html": "<div><progress></progress></div>"}, raw=True, display_id=True)
    bar = NotebookBar(lambda html: handle.update({"text/html": html}, raw=True))
    try:
        with listening_to_stages(bar):
            yield bar
    except BaseException:
        bar.end("failed")
        raise
    bar.end("done")


@contextmanager
def shown_progress(on_progress: Callable[[Any], None] | None) -> Iterator[Callable[[Any], None] | None]:
    """Give who is to hear of progress: who wants to, else a bar in a notebook, else nobody."""
    if on_progress is not None:
        yield on_progress
        return
    with notebook_bar() as bar:
        yield None if bar is None else bar.progressed


def _display() -> Any:
    """IPython's `display` in a notebook; None elsewhere, where IPython is not even imported."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is None:
        return None
    from IPython.display import display  # type: ignore[import-not-found, unused-ignore]

    return display
