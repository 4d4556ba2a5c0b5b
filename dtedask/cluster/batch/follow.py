"""Follow a batch run: its state and the lines of its log, as they come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dtedask.cluster.batch.runs import BatchRun, run_in
from dtedask.cluster.folder import ClusterFolder

_ASK_S = 2.0
_ASK_LATER_S = 10.0
_SURE_S = 10.0


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of the log."""

    text: str


class Follower:
    """Looks at a run again and again.

    Its folder is looked at each time; SLURM is asked now and then, since it serves many.

    Parameters
    ----------
    run : BatchRun
        What to follow.
    """

    def __init__(self, run: BatchRun) -> None:
        self.run = run
        self._folder = ClusterFolder(run.folder)
        self._offset = 0
        self._rest = b""
        self._shown: tuple[str, str] | None = None
        self._asked_at = float("-inf")
        self._told: tuple[object, object] = (None, None)
        self._begin: float | None = None
        self._ended_at: float | None = None
        self.is_over = False

    def look(self, now: float) -> Iterator[LogLine | BatchRun]:
        """Yield new lines, and the run where its state is another one; `now` is any clock, in seconds."""
        self._begin = now if self._begin is None else self._begin
        run = self._read(now)
        yield from self._lines()
        if (run.status, run.reason) != self._shown and not run.has_ended:
            self._shown = run.status, run.reason
            yield run
        if run.has_ended and self._is_sure(run, now):
            yield from self._lines(last=True)
            self.is_over = True
            yield run

    def _read(self, now: float) -> BatchRun:
        state = self._folder.state()
        wait = _ASK_S if now - (self._begin or now) < 30 else _ASK_LATER_S
        told = state.get("status"), state.get("begun")
        if told != self._told or now - self._asked_at >= wait:
            self._told, self._asked_at = told, now
            self.run = run_in(self._folder)
        return self.run

    def _is_sure(self, run: BatchRun, now: float) -> bool:
        """What only SLURM says may be overtaken by what the run tells: folders of a network are seen late."""
        if run.status in ("done", "failed") and run.exit_status is not None:
            return True
        self._ended_at = now if self._ended_at is None else self._ended_at
        return run.status in ("cancelled", "interrupted") or now - self._ended_at >= _SURE_S

    def _lines(self, *, last: bool = False) -> Iterator[LogLine]:
        try:
            with self.run.log.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return
        self._offset += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        if last and self._rest:
            whole.append(self._rest)
        for line in whole:
            yield LogLine(line.decode("utf-8", "replace"))
