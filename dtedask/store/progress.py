"""How far an ingest, a copy or another long command has come."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.store.write import WriteResult


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest or a copy has come.

    Parameters
    ----------
    fields_done, fields_total : int
        Fields written or found unchanged, and fields in all.
    bytes_done, bytes_total : int
        Their bytes: of GRIB for an ingest, decoded for a copy.
    seconds : float
        Time since the first task.
    noun : str
        What is counted, where it is not fields.
    """

    fields_done: int
    fields_total: int
    bytes_done: int
    bytes_total: int
    seconds: float
    noun: str = "field"

    @property
    def bytes_per_s(self) -> float:
        """Bytes a second so far."""
        return self.bytes_done / self.seconds if self.seconds > 0 else 0.0

    @property
    def fields_per_s(self) -> float:
        """Fields a second so far."""
        return self.fields_done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time left at this rate; None as long as nothing is done."""
        left = self.fields_total - self.fields_done
        return left / self.fields_per_s if self.fields_done and self.seconds > 0 else None


class Tracker:
    """Counts what tasks report and passes it on; fields that are sent again after a conflict count once.

    Parameters
    ----------
    fields, size : int
        Fields and bytes in all.
    on_progress : callable, optional
        Who wants to know.
    """

    def __init__(self, fields: int, size: int, on_progress: Callable[[Progress], None] | None) -> None:
        self._fields, self._bytes = fields, size
        self._on_progress = on_progress
        self._begin = time.perf_counter()
        self._before = (0, 0)
        self._unit = (0, 0)
        self._done = 0

    def begin(self, fields: int, size: int) -> None:
        """A unit of so many fields and bytes begins."""
        self._unit, self._done = (fields, size), 0

    def task_done(self, result: WriteResult) -> None:
        """A task of the unit has ended."""
        fields, size = self._unit
        self._done = min(self._done + len(result.new) + len(result.replaced) + len(result.unchanged), fields)
        self._tell(self._before[0] + self._done, self._before[1] + size * self._done // max(fields, 1))

    def add(self, fields: int, size: int) -> None:
        """So many more fields are done, where there are no units."""
        self._before = (self._before[0] + fields, self._before[1] + size)
        self._tell(*self._before)

    def end(self) -> None:
        """The unit is committed, or failed."""
        self._before = (self._before[0] + self._unit[0], self._before[1] + self._unit[1])
        self._unit, self._done = (0, 0), 0
        self._tell(*self._before)

    def _tell(self, fields: int, size: int) -> None:
        if self._on_progress is not None:
            seconds = time.perf_counter() - self._begin
            self._on_progress(Progress(fields, max(self._fields, fields), size, max(self._bytes, size), seconds))
