"""Progress by stage: a display at a terminal, log lines elsewhere, nothing where nobody wants to see it."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dtedask.cli.console import say
from dtedask.cli.entry import mode
from dtedask.cli.progress_lines import LOG_INTERVAL_S, Lines
from dtedask.core.stages import StageListener, listening_to_stages, staged

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.cli.progress_live import Picture
    from dtedask.core.stages import stage
    from dtedask.store import Progress

__all__ = ["LOG_INTERVAL_S", "Display", "progress"]
_TICK_S = 1.0
_COUNT_EVERY_S = 2.0
_END_S = 3.0


@contextmanager
def progress(title: str = "Ingesting", *, is_live: bool = True) -> Iterator[Display]:
    """Show stages, fields and workers of what runs inside.

    Parameters
    ----------
    title : str
        What is done.
    is_live : bool
        Whether a terminal gets a display; else it gets lines, too.

    Yields
    ------
    Display
        Wants to be told of progress and of the client; stages it hears by itself.
    """
    if mode.quiet:
        yield Display(None)
    elif is_live and _is_terminal():
        from dtedask.cli.progress_live import Picture, live

        picture = Picture(title)
        with live(picture), _shown(Display(picture)) as display:
            yield display
    else:
        with _shown(Display(Lines())) as display:
            yield display


def _is_terminal() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


@contextmanager
def _shown(display: Display) -> Iterator[Display]:
    with listening_to_stages(display):
        display.start()
        try:
            yield display
        finally:
            display.stop()


class Display(StageListener):
    """Takes what happens, from any thread, and has it shown.

    Parameters
    ----------
    shows : Lines or Picture, optional
        What shows it; None shows nothing.
    write : callable
        Takes lines.
    clock : callable
        Gives seconds that never go back.
    """

    def __init__(
        self,
        shows: Lines | Picture | None,
        *,
        write: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shows = shows
        self._write = write or _say_with_time
        self._clock = clock
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._counted_at = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    @property
    def on_progress(self) -> Callable[[Progress], None] | None:
        """What an ingest or a copy is to call; None if nobody wants to know."""
        return None if self._shows is None else self._progressed

    def on_client(self, client: Client | None) -> None:
        """Hear of the client whose workers do the work, and that it is gone (None)."""
        self._client = client
        link = _link(client)
        if link and self._shows is not None:
            if isinstance(self._shows, Lines):
                self._tell([f"dashboard: {link}"])
            else:
                self._shows.dashboard = link

    @contextmanager
    def cluster(self, started: AbstractContextManager[Client | None]) -> Iterator[Client | None]:
        """Start a cluster as a stage, and show its workers until it is stopped."""
        with staged("cluster", started) as client:
            self.on_client(client)
            try:
                yield client
            finally:
                self.on_client(None)

    def stage_began(self, stage: stage) -> None:
        """A stage begins."""
        if self._shows is not None:
            with self._lock:
                self._tell(self._shows.began(stage, self._clock()))

    def stage_noted(self, text: str) -> None:
        """There is something to know of it."""
        if self._shows is not None:
            with self._lock:
                self._tell(self._shows.noted(text, self._clock()))

    def stage_ended(self, stage: stage, error: BaseException | None) -> None:
        """A stage ended."""
        if self._shows is not None:
            with self._lock:
                self._tell(self._shows.ended(stage, self._clock(), failed=error is not None))

    def tick(self) -> None:
        """Show that time passed, and count workers now and then."""
        if self._shows is None:
            return
        now = self._clock()
        workers = None
        if self._client is not None and now - self._counted_at >= _COUNT_EVERY_S:
            from dtedask.cluster.watching.now import workers_now

            self._counted_at = now
            workers = workers_now(self._client)  # may take a moment: others must not wait for it
        with self._lock:
            self._tell(self._shows.tick(now))
            if workers is not None:
                self._tell(self._shows.counted(workers, now))

    def start(self) -> None:
        """Begin to look at the clock."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._client = None
        self._end.set()
        self._thread.join(_END_S)

    def _run(self) -> None:
        while not self._end.wait(_TICK_S):
            self.tick()

    def _progressed(self, progress: Progress) -> None:
        with self._lock:
            if self._shows is not None:
                self._tell(self._shows.progressed(progress, self._clock()))

    def _tell(self, lines: list[str] | None) -> None:
        for line in lines or ():
            self._write(line)


def _link(client: Client | None) -> str:
    if client is None:
        return ""
    from dtedask.cluster import started

    behind = started(client)
    return str((behind.dashboard if behind is not None else client.dashboard_link) or "")


def _say_with_time(line: str) -> None:
    say(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}")
