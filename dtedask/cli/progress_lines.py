"""Progress as log lines: what to say at each event, without a clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dtedask.cli.console import plural, size

if TYPE_CHECKING:
    from dtedask.cluster.watching.now import WorkersNow
    from dtedask.core.stages import stage
    from dtedask.store import Progress

LOG_INTERVAL_S = 10.0
PATIENCE_S = 1.0
_REPEAT_S = 60.0


@dataclass
class Lines:
    """Says when a stage begins and ends, how far it has come, and what is waited for; short stages are not told.

    Parameters
    ----------
    interval_s : float
        Time between two lines of progress.
    patience_s : float
        A stage is told of once it has lasted so long, and only the first of its name.
    """

    interval_s: float = LOG_INTERVAL_S
    patience_s: float = PATIENCE_S
    _open: list[tuple[stage, float]] = field(default_factory=list)
    _told: dict[str, stage] = field(default_factory=dict)
    _progress: Progress | None = None
    _progress_at: float | None = None
    _workers: str = ""
    _workers_at: float = 0.0
    _since: float | None = None

    def began(self, stage: stage, now: float) -> list[str]:
        """A stage begins."""
        self._open.append((stage, now))
        return []

    def ended(self, stage: stage, now: float, *, failed: bool = False) -> list[str]:
        """A stage ended."""
        begin = next((begin for one, begin in self._open if one is stage), now)
        self._open = [(one, begun) for one, begun in self._open if one is not stage]
        if self._told.get(stage.name) is not stage:
            return []
        return [f"{stage.name}: {'failed after' if failed else 'done in'} {now - begin:.1f} s"]

    def noted(self, text: str, _now: float) -> list[str]:
        """There is something to know."""
        return [text]

    def progressed(self, progress: Progress, now: float) -> list[str]:
        """An ingest or a copy has come so far."""
        self._progress = progress
        if self._progress_at is None:
            self._progress_at = now - progress.seconds
        return self._progress_line(now)

    def counted(self, workers: WorkersNow, now: float) -> list[str]:
        """So many workers are there: told when it changes, and now and then while they are waited for."""
        if self._since is None:
            self._since = now
        text = f"waiting for workers: {workers}" if not workers.running else f"workers: {workers}"
        is_news = text != self._workers or (workers.are_awaited and now - self._workers_at >= _REPEAT_S)
        if not is_news or (workers.are_awaited and now - self._since < self.patience_s):
            return []
        self._workers, self._workers_at = text, now
        return [text]

    def tick(self, now: float) -> list[str]:
        """Time passed."""
        said = []
        for one, begin in self._open:
            if now - begin >= self.patience_s and one.name not in self._told:
                self._told[one.name] = one
                said.append(f"{one.name}: begins" + (f" ({one.detail})" if one.detail else ""))
        return said

    def _progress_line(self, now: float) -> list[str]:
        assert self._progress is not None
        assert self._progress_at is not None
        if now - self._progress_at < self.interval_s:
            return []
        self._progress_at = now
        return [progress_text(self._progress)]


def progress_text(now: Progress) -> str:
    """How far it has come, in a line."""
    left = "" if now.seconds_left is None else f", {now.seconds_left:.0f} s left"
    speed = f", {size(now.bytes_per_s)}/s" if now.bytes_total else ""
    return f"{now.fields_done:,} of {plural(now.fields_total, now.noun)}{speed}{left}"
