"""Make files of others a part of cubes, by references."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dtedask.core.errors import DtedaskError, FieldError, StoreError
from dtedask.grib import Skipped
from dtedask.store.virtual.entries import entries_of
from dtedask.store.virtual.report import Virtualized
from dtedask.store.virtual.sources import OnError, Scanned

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.grib import Message
    from dtedask.store.moving.fitting import Fitting
    from dtedask.store.store import Store

logger = logging.getLogger(__name__)
_MOST_SOURCES = 1000


@dataclass
class _Found:
    """What was found so far."""

    files: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    cubes: set[str] = field(default_factory=set)
    fields: int = 0
    copied: int = 0
    bytes: int = 0

    def count(self, message: Message) -> None:
        self.fields += 1
        self.copied += message.data is not None
        self.bytes += message.length if message.data is None else 0


def virtualize(
    store: Store, fitting: Fitting, scanned: Iterable[Scanned], *, on_error: OnError, message: str, dry_run: bool
) -> Virtualized:
    """Refer to all messages of files that were scanned, in one commit a cube.

    Parameters
    ----------
    store : Store
        Where to; nothing may wait in it.
    fitting : Fitting
        Places fields in it for a dry run.
    scanned : iterable of Scanned
        The files.
    on_error : {"raise", "skip"}
        What a field does that does not fit.
    message : str
        What the history says.
    dry_run : bool
        Whether only to check and count.
    """
    if store.dirty:
        raise StoreError(f"Fields wait in {store!r} that were archived before.", hint="Call flush() or discard().")
    begin = time.perf_counter()
    found = _Found()
    handle = copy.copy(store)
    take = _Trial(store, fitting) if dry_run else handle.refer
    try:
        _take_all(scanned, take, found, on_error)
    except BaseException:
        handle.discard()
        raise
    if dry_run:
        assert isinstance(take, _Trial)
        return _report(found, (), (), begin, unchanged=0, cubes=take.cubes)
    commits = handle.flush(message, sources=_sources(found.files)) if handle.dirty else []
    cubes = {commit.cube for commit in commits}
    return _report(found, commits, handle.hook_failures, begin, unchanged=handle.unchanged, cubes=cubes)


def _take_all(
    scanned: Iterable[Scanned], take: Callable[[Sequence[Message]], object], found: _Found, on_error: OnError
) -> None:
    for file in scanned:
        found.files.append(f"{file.tag} (referred to)")
        found.skipped += file.report.skipped
        for part in _units(file.messages, on_error):
            try:
                take(part)
            except FieldError as error:
                if on_error == "raise":
                    raise
                found.skipped.append(_skip(part[0], error))
                continue
            for message in part:
                found.count(message)


class _Trial:
    """Places fields, and takes none."""

    def __init__(self, store: Store, fitting: Fitting) -> None:
        self._schema = store.schema()
        self._fitting = fitting
        self.cubes: set[str] = set()

    def __call__(self, messages: Sequence[Message]) -> None:
        for entry, _ in entries_of(messages, self._schema):
            self._fitting.place(entry.address)
            self.cubes.add(entry.address.cube)


def _units(messages: Sequence[Message], on_error: OnError) -> Iterator[Sequence[Message]]:
    """What is taken or refused together."""
    if on_error == "raise":
        yield messages
        return
    for one in messages:
        yield [one]


def _skip(message: Message, error: DtedaskError) -> Skipped:
    logger.warning("skipped a message of %s at offset %d: %s", message.location, message.offset, error)
    return Skipped(message.location, message.offset, message.length, str(error))


def _sources(tags: Sequence[str]) -> list[str]:
    more = [f"{len(tags) - _MOST_SOURCES} more files"] if len(tags) > _MOST_SOURCES else []
    return [*tags[:_MOST_SOURCES], *more]


def _report(
    found: _Found,
    commits: Sequence[Commit],
    hook_failures: Sequence[Exception],
    begin: float,
    *,
    unchanged: int,
    cubes: Iterable[str],
) -> Virtualized:
    return Virtualized(
        fields=found.fields,
        new=sum(commit.new for commit in commits),
        replaced=sum(commit.replaced for commit in commits),
        unchanged=unchanged,
        copied=found.copied,
        files=len(found.files),
        bytes=found.bytes,
        cubes=tuple(sorted(cubes)),
        skipped=tuple(found.skipped),
        commits=tuple(commits),
        hook_failures=tuple(hook_failures),
        seconds=time.perf_counter() - begin,
    )
