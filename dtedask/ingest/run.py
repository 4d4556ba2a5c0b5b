"""Ingest files into a store."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from dtedask.core.errors import (
    ClusterError,
    DtedaskError,
    FieldError,
    GribError,
    NotFoundError,
    WorkersMissingError,
)
from dtedask.core.notebook import shown_progress
from dtedask.core.stages import stage
from dtedask.grib.files import Name, SourceFile
from dtedask.ingest.commit import Committer
from dtedask.ingest.errors import failure
from dtedask.ingest.plan import Room, make_plan
from dtedask.ingest.sources import open_sources
from dtedask.ingest.summary import Summary
from dtedask.ingest.survey import FileSurvey, OnError, Unit, UnitName, step_units, survey
from dtedask.store.progress import Progress, Tracker

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.store import Store

logger = logging.getLogger(__name__)


def ingest(
    sources: Name | Iterable[Name],
    store: Store,
    *,
    unit: UnitName = "all",
    on_error: OnError = "raise",
    client: Client | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    message: str = "",
    refers: bool = False,
    again: bool = False,
) -> Summary:
    """Write the fields of GRIB files into the cubes of a store.

    All fields of a unit become visible at once in each cube. Fields that stand there already with equal values are left
    as they are, so the same call twice changes nothing. Fields that came from the very same files (name, size and time)
    and were not replaced, wiped or rolled back since are not even read: broken off, the same call does what is missing.

    Parameters
    ----------
    sources : str, path or iterable of them
        Files, patterns, folders (all GRIB below them; hidden files, ``*.part`` and ``*.tmp`` are left alone), and
        ``"-"`` for standard input.
    store : Store
        Where to; nothing may wait in it for a flush.
    unit : {"all", "file", "step"}
        What is committed at once: everything, each file, or each step over all files.
    on_error : {"raise", "skip"}
        What a bad message does: spoil its file, of which nothing is taken then, or only be counted and listed.
    client : distributed.Client, optional
        Run on its workers, which must see files and store; threads of this process by default.
    on_progress : callable, optional
        Called in this thread or that of a task's end; without it, a notebook shows a bar.
    message : str
        What to say of the commits in the history.
    refers : bool
        Whether the fields are only referred to, and the files stay where they are; see `Store.virtualize`.
    again : bool
        Read and compare every field, whatever the history says.

    Returns
    -------
    Summary
        Counts, commits, and what was skipped.

    Raises
    ------
    NotFoundError
        If a source names nothing.
    GribError, FieldError
        If a file is bad; with ``unit="file"`` `IngestError` instead, after all other files are in.
    PlanError
        If the tasks would need more memory than the setting ``dtedask.ingest.memory-limit``.
    """
    begin = time.perf_counter()
    with shown_progress(on_progress) as told, open_sources(sources) as files:
        if refers and any(file.name == _SPOOLED for file in files):
            raise NotFoundError("Standard input is no file that can be referred to.", hint="Save it to a file first.")
        with stage("survey"):
            surveys = _surveys(files, unit, on_error, client)

        @cache
        def threads() -> int:
            """Workers are waited for when something is to be written, and not before."""
            room = Room.of(client).fitted(surveys)
            return make_plan(surveys, unit, room).check().threads

        committer = Committer(
            store,
            on_error=on_error,
            client=client,
            threads=threads,
            message=message,
            refers=refers,
            again=again,
        )
        tracker = Tracker(sum(found.fields for found in surveys), sum(found.bytes for found in surveys), told)
        total = Summary(skipped=tuple(part for found in surveys for part in found.skipped), files=len(files))
        for part in _units(surveys, unit, on_error):
            total += _commit(part, committer, tracker, goes_on=unit == "file")
    total = replace(total, failed=_failed(surveys) + total.failed, seconds=time.perf_counter() - begin)
    logger.info("%s", total)
    if total.failed:
        raise failure(total)
    return total


def _surveys(files: Sequence[SourceFile], unit: UnitName, on_error: OnError, client: Client | None) -> list[FileSurvey]:
    surveys = []
    for file in files:
        found = survey(file, on_error, with_data=client is not None and file.name == _SPOOLED)
        if found.error is not None and unit != "file":
            raise found.error
        if found.error is not None:
            logger.warning("%s cannot be ingested: %s", file.name, found.error)
        surveys.append(replace(found, messages=()) if unit == "file" and file.name != _SPOOLED else found)
    return surveys


def _units(surveys: Sequence[FileSurvey], unit: UnitName, on_error: OnError) -> Iterator[Unit]:
    if unit == "all":
        yield Unit.of_files(surveys)
    elif unit == "step":
        yield from step_units(surveys)
    else:
        for found in surveys:
            if found.error is None:
                # Only counted before: the messages of all files at once would take memory without bound.
                with stage("survey", detail=found.file.name):
                    whole = found if found.messages else survey(found.file, on_error)
                yield Unit.of_files([whole], message=found.file.name)


def _commit(unit: Unit, committer: Committer, tracker: Tracker, *, goes_on: bool) -> Summary:
    tracker.begin(len(unit.messages), unit.bytes)
    try:
        return committer.commit(unit, tracker.task_done)
    except WorkersMissingError:
        raise
    except ClusterError as error:
        raise _of_unit(error, unit) from error
    except (GribError, FieldError, OSError) as error:
        if not goes_on or (isinstance(error, DtedaskError) and not isinstance(error, GribError | FieldError)):
            raise
        name = unit.complete[0].name
        logger.warning("%s cannot be ingested: %s", name, error)
        return Summary(failed=((name, error),))
    finally:
        tracker.end()


def _of_unit(error: ClusterError, unit: Unit) -> ClusterError:
    """Say what was being written, and that nothing of it is in the cube."""
    what = f"{unit.message!r} ({len(unit.messages)} fields)" if unit.message else f"all {len(unit.messages)} fields"
    return type(error)(
        f"{error.message.rstrip()}\nThis happened while {what} was written, of which nothing can be seen.",
        hint=error.hint or "What was committed before stays: the same again does only what is missing.",
    )


def _failed(surveys: Sequence[FileSurvey]) -> tuple[tuple[str, Exception], ...]:
    return tuple((found.file.name, found.error) for found in surveys if found.error is not None)


_SPOOLED = "standard input"
