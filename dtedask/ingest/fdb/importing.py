"""Import the fields of an FDB into the cubes of a root."""

from __future__ import annotations

import copy
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from dtedask.core.cores import cores
from dtedask.core.errors import FieldError, GribError, NoMatchError, RequestError, StoreError
from dtedask.core.settings import setting
from dtedask.grib import Message, scan
from dtedask.ingest.fdb.library import Element, Fdb
from dtedask.ingest.fdb.result import FdbImport, Mismatch, NotTaken
from dtedask.request import Request, canonical_keys
from dtedask.store.progress import Progress, Tracker

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.store import Execution, Store

logger = logging.getLogger(__name__)
OnMismatch = Literal["leave", "take"]
_MOST_ENTRIES = 16_384


def import_fdb(
    request: Request | str | Mapping[str, object],
    fdb: str | os.PathLike[str] | None,
    store: Store,
    *,
    on_mismatch: OnMismatch = "leave",
    strict: bool = False,
    dry_run: bool = False,
    execution: Execution | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    message: str = "",
) -> FdbImport:
    """Import fields of an FDB; the FDB is only read.

    Entries are listed by the request and read side by side. Those that are GRIB are archived under the keys of their
    messages, other bytes as they are under the keys of the index. They are committed in portions: of as many bytes as
    the setting ``store.copy-bytes`` says where the files of the FDB are at hand, and else of as many as
    ``ingest.memory-limit`` says. What stands in the root already with equal values is left as it is, so that the same
    call goes on where an import was interrupted.

    Parameters
    ----------
    request : Request, str or mapping
        Which fields.
    fdb : str or path, optional
        The configuration of the FDB; None for that of the environment.
    store : Store
        Where to. Its schema says the layout: with ``layout: messages`` the very bytes are kept.
    on_mismatch : {"leave", "take"}
        What becomes of a message that says other keys than the index: it is only told of, or archived under its own.
    strict : bool
        Whether the first entry that cannot be taken, or a mismatch that is left, ends the import.
    dry_run : bool
        Whether only to list and count.
    execution : Execution, optional
        Where tasks run; its workers must see the files of the FDB. Threads of this process by default.
    on_progress : callable, optional
        Called with `Progress` as entries are read, and after each commit.
    message : str
        What to say of the commits in the history.

    Returns
    -------
    FdbImport
        Counts, commits, and what was not taken and why.

    Raises
    ------
    MissingExtraError
        If pyfdb is not installed.
    NoMatchError
        If the FDB has no such field.
    StoreError
        If the FDB cannot be opened, listed or read.
    FieldError, GribError
        With `strict`, if an entry cannot be taken.
    """
    begin = time.perf_counter()
    parsed = Request.parse(request, language=store.schema().language)
    source = Fdb(fdb)
    entries, size = _count(source.list(parsed))
    if not entries:
        raise NoMatchError(
            f"{source.name} has no field of {str(parsed) or 'any kind'}.", hint="List what it has: `fdb-list`."
        )
    found = FdbImport(str(parsed), source.name, store.root, not dry_run, entries, size)
    if dry_run:
        return found
    tracker = Tracker(entries, size, on_progress)
    importer = _Importer(store, execution, on_mismatch, message or f"import of {source.name}", strict=strict)
    for batch in _batches(source.list(parsed)):
        importer.take(batch)
        tracker.add(len(batch), sum(element.length for element in batch))
    return replace(importer.result(found), seconds=time.perf_counter() - begin)


def _count(elements: Iterator[Element]) -> tuple[int, int]:
    count = size = 0
    for element in elements:
        count += 1
        size += element.length
    return count, size


def _batches(elements: Iterator[Element]) -> Iterator[list[Element]]:
    """Entries that are committed at once: of files only the places are kept, of others the bytes."""
    of_files, held = setting("store.copy-bytes"), setting("ingest.memory-limit") // 2
    batch: list[Element] = []
    filled = 0.0
    for element in elements:
        part = element.length / (of_files if element.path else held)
        if batch and (filled + part > 1 or len(batch) == _MOST_ENTRIES):
            yield batch
            batch, filled = [], 0.0
        batch.append(element)
        filled += part
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class _Read:
    """An entry that was read: the messages in it, or bytes that are no GRIB, or what was wrong."""

    element: Element
    messages: tuple[Message, ...] = ()
    data: bytes = b""
    error: Exception | None = None


def _read(element: Element) -> _Read:
    data = element.read()
    if data[:4] != b"GRIB":
        return _Read(element, data=data)
    try:
        messages = tuple(scan(data))
    except GribError as error:
        return _Read(element, error=error)
    if element.path and len(messages) == 1 and messages[0].length == len(data):
        # Only its place is kept: the tasks read it again.
        placed = replace(messages[0], location=element.path, offset=element.offset, data=None)
        return _Read(element, (placed,))
    return _Read(element, tuple(one if one.data is not None else replace(one, data=one.read()) for one in messages))


class _Importer:
    """Archives batches of entries in a handle of its own, and counts.

    Parameters
    ----------
    store, execution, on_mismatch, message, strict
        As for `import_fdb`.
    """

    def __init__(
        self, store: Store, execution: Execution | None, on_mismatch: OnMismatch, message: str, *, strict: bool
    ) -> None:
        if store.dirty:
            raise StoreError(
                f"Fields wait in {store!r} that were archived before.", hint="Call its flush() or discard() first."
            )
        self._store = copy.copy(store)
        self._language = store.schema().language
        self._execution = execution
        self._on_mismatch = on_mismatch
        self._message = message
        self._strict = strict
        self._unchanged = 0
        self._commits: list[Commit] = []
        self._failures: list[Exception] = []
        self._mismatched: list[Mismatch] = []
        self._not_taken: list[NotTaken] = []

    def take(self, elements: Sequence[Element]) -> None:
        """Archive and commit some entries; those that cannot be taken are noted."""
        with ThreadPoolExecutor(_threads(), thread_name_prefix="fdb") as pool:
            found = list(pool.map(_read, elements))
        try:
            self._commit([entry for entry in found if self._may_be_taken(entry)])
        finally:
            self._store.discard()

    def result(self, found: FdbImport) -> FdbImport:
        """What was done until now."""
        return replace(
            found,
            new=sum(commit.new for commit in self._commits),
            replaced=sum(commit.replaced for commit in self._commits),
            unchanged=self._unchanged,
            mismatched=tuple(self._mismatched),
            not_taken=tuple(self._not_taken),
            commits=tuple(self._commits),
            hook_failures=tuple(self._failures),
        )

    def _may_be_taken(self, entry: _Read) -> bool:
        """Whether an entry could be read, and says what the index says, or need not."""
        try:
            if entry.error is not None:
                raise entry.error
            said = canonical_keys(_said(entry.element.keys), language=self._language)
        except (GribError, RequestError) as error:
            self._refuse(entry, error)
            return False
        differing = _differing(said, entry.messages[0].field.keys) if entry.messages else {}
        if not differing:
            return True
        found = Mismatch(dict(entry.element.keys), differing, self._on_mismatch == "take")
        if self._strict and not found.is_taken:
            raise FieldError(
                f"The index of the FDB and a message of it say different keys: {found}.",
                hint="Take it under the keys of the message with on_mismatch='take'.",
            )
        logger.warning("the index of the FDB and a message say different keys: %s", found)
        self._mismatched.append(found)
        return found.is_taken

    def _commit(self, entries: Sequence[_Read]) -> None:
        """Commit entries; where one is bad, it is found by halves, and all others are committed."""
        kept = [entry for entry in entries if self._archive(entry)]
        if not self._store.dirty:
            return
        try:
            commits = self._store.flush(self._message, execution=self._execution)
        except (GribError, FieldError) as error:
            self._store.discard()
            if len(kept) == 1 or self._strict:
                self._refuse(kept[0], error)
                return
            middle = len(kept) // 2
            self._commit(kept[:middle])
            self._commit(kept[middle:])
            return
        self._commits += commits
        self._unchanged += self._store.unchanged
        self._failures += self._store.hook_failures

    def _archive(self, entry: _Read) -> bool:
        try:
            if entry.messages:
                self._store.archive(entry.messages)
            else:
                self._store.archive(entry.data, _said(entry.element.keys))
        except (GribError, FieldError, RequestError) as error:
            self._refuse(entry, error)
            return False
        return True

    def _refuse(self, entry: _Read, error: Exception) -> None:
        if self._strict:
            raise error
        logger.warning("an entry of the FDB cannot be taken: %s: %s", entry.element, error)
        self._not_taken.append(NotTaken(dict(entry.element.keys), str(error)))


def _said(keys: Mapping[str, str]) -> dict[str, str]:
    """Keys of an index without those that say nothing."""
    return {key: value for key, value in keys.items() if value}


def _differing(said: Mapping[str, str], message: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Keys of an index that a message says differently, or not at all."""
    return {key: (value, message.get(key, "")) for key, value in said.items() if message.get(key, "") != value}


def _threads() -> int:
    """Threads that read; one for each core where the settings do not say."""
    return setting("ingest.threads") or cores()
