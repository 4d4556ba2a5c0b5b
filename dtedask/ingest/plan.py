"""What an ingest would do, and whether it fits into memory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dtedask.cluster import workers_now
from dtedask.core.cores import cores
from dtedask.core.errors import PlanError
from dtedask.core.settings import setting
from dtedask.grib.files import Name
from dtedask.ingest.sources import open_sources
from dtedask.ingest.survey import FileSurvey, OnError, UnitName, step_units, survey

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.store import Store

_BYTES_PER_POINT = 8 + 4 + 4  # ecCodes' float64, the values that are kept, and the chunk being made of them
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class IngestPlan:
    """What an ingest would do.

    Parameters
    ----------
    files, fields, bytes : int
        Files, fields in them, and bytes of GRIB.
    chunks : int
        Chunks to write: the different fields.
    commits : int
        Units; each makes one commit in every cube that it touches.
    tasks : int
        Tasks over all units, estimated.
    threads : int
        Tasks side by side in one process.
    memory_bytes : int
        What these need at the same time.
    memory_limit : int
        What they may take: the setting ``dtedask.ingest.memory-limit``, or the memory of a worker.
    failed : tuple of (str, Exception)
        Files that cannot be taken.
    on_workers : bool
        Whether it is the workers of a cluster that do it.
    """

    files: int
    fields: int
    bytes: int
    chunks: int
    commits: int
    tasks: int
    threads: int
    memory_bytes: int
    memory_limit: int
    failed: tuple[tuple[str, Exception], ...] = ()
    on_workers: bool = False

    def check(self) -> IngestPlan:
        """Return this plan if its memory suffices.

        Raises
        ------
        PlanError
            If it does not; names both numbers.
        """
        if self.memory_bytes > self.memory_limit:
            from dask.utils import format_bytes

            raise PlanError(
                f"This ingest needs about {format_bytes(self.memory_bytes)} in {self.threads} "
                f"thread{'s' * (self.threads > 1)}{' of a worker' * self.on_workers}, more than its limit of "
                f"{format_bytes(self.memory_limit)}.",
                hint=self._what_to_do(),
            )
        return self

    def _what_to_do(self) -> str:
        enough = f"{math.ceil(self.memory_bytes / _MIB)} MiB or more"
        if self.on_workers:
            return f"Give each worker {enough}: `memory` of the profile."
        fewer = ", or dtedask.ingest.threads lower" if self.threads > 1 else ""
        return f"Set dtedask.ingest.memory-limit to {enough}{fewer}."


@dataclass(frozen=True, slots=True)
class Room:
    """Threads of a process and the memory that they share.

    Parameters
    ----------
    threads : int
        Tasks side by side in one process.
    processes : int
        Processes.
    limit : int
        Bytes of memory for the tasks of one process.
    is_fixed : bool
        Whether the number of threads was asked for; if not, fewer are taken where memory is short.
    on_workers : bool
        Whether the processes are the workers of a cluster.
    """

    threads: int
    processes: int
    limit: int
    is_fixed: bool
    on_workers: bool = False

    @classmethod
    def of(cls, client: Client | None) -> Room:
        """Room of the workers of a client, or of this process."""
        if client is None:
            asked = setting("ingest.threads")
            return cls(asked or cores(), 1, setting("ingest.memory-limit"), asked is not None)
        from dtedask.store.warming import warm_store

        warm_store()  # writing needs it later, and now workers may still be starting
        workers = workers_now(client).values()
        limits = [worker["memory_limit"] for worker in workers if worker.get("memory_limit")]
        threads = max((worker["nthreads"] for worker in workers), default=1)
        return cls(threads, max(len(workers), 1), min(limits, default=setting("ingest.memory-limit")), False, True)

    def fitted(self, surveys: Sequence[FileSurvey]) -> Room:
        """As many threads as memory allows, at least one."""
        if self.is_fixed:
            return self
        each = task_memory(surveys)
        return replace(self, threads=max(min(self.threads, self.limit // max(each, 1)), 1))


def task_memory(surveys: Iterable[FileSurvey]) -> int:
    """Bytes that one task holds at most: encoded chunks, one field while it is decoded and encoded, and its message."""
    from dtedask.store.write import HELD_BYTES

    field = max((found.most_points for found in surveys), default=0)
    longest = max((found.longest for found in surveys), default=0)
    held = min(HELD_BYTES, 4 * sum(found.points for found in surveys))
    return held + _BYTES_PER_POINT * field + longest


def plan_ingest(
    sources: Name | Iterable[Name],
    store: Store,
    *,
    unit: UnitName = "all",
    on_error: OnError = "raise",
    client: Client | None = None,
) -> IngestPlan:
    """Say what `ingest` would do with the same arguments; nothing is decoded or written.

    Parameters
    ----------
    sources, store, unit, on_error, client
        As for `ingest`. Standard input would be used up: save it to a file first.

    Returns
    -------
    IngestPlan
        Its ``check()`` raises when memory does not suffice.
    """
    with open_sources(sources) as files:
        surveys = [survey(file, on_error) for file in files]
    return make_plan(surveys, unit, Room.of(client).fitted(surveys), chunks=_chunks(surveys, store))


def make_plan(surveys: Sequence[FileSurvey], unit: UnitName, room: Room, *, chunks: int = 0) -> IngestPlan:
    """The plan for files that were looked through."""
    good = [found for found in surveys if found.error is None]
    batch_bytes = setting("ingest.batch-bytes")
    if unit == "step":
        units = [(len(part.messages), sum(m.field.grid.size for m in part.messages)) for part in step_units(good)]
    elif unit == "file":
        units = [(found.fields, found.points) for found in good]
    else:
        units = [(sum(found.fields for found in good), sum(found.points for found in good))]
    return IngestPlan(
        files=len(surveys),
        fields=sum(found.fields for found in good),
        bytes=sum(found.bytes for found in good),
        chunks=chunks,
        commits=sum(fields > 0 for fields, _ in units),
        tasks=sum(_tasks(fields, 4 * points, room.threads * room.processes, batch_bytes) for fields, points in units),
        threads=room.threads,
        memory_bytes=room.threads * task_memory(good),
        memory_limit=room.limit,
        on_workers=room.on_workers,
        failed=tuple((found.file.name, found.error) for found in surveys if found.error is not None),
    )


def _tasks(fields: int, size: int, width: int, batch_bytes: int) -> int:
    """As transactions cut them."""
    if not fields:
        return 0
    from dtedask.store.write import task_bytes

    limit = task_bytes(size, width, batch_bytes)
    return math.ceil(fields / max(limit * fields // size, 1))


def _chunks(surveys: Sequence[FileSurvey], store: Store) -> int:
    from dtedask.store.identity import address_of

    schema = store.schema()
    return len({address_of(message.field, schema).identity for found in surveys for message in found.messages})
