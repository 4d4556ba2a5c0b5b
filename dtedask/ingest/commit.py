"""Commit units of messages, each in one flush."""

from __future__ import annotations

import copy
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from dtedask.core.errors import FieldError, GribError, StoreError
from dtedask.core.stages import stage
from dtedask.ingest.known import Choice, Known
from dtedask.ingest.marks import Mark
from dtedask.ingest.summary import Summary
from dtedask.ingest.survey import OnError, Unit

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.grib import Message, Skipped
    from dtedask.grib.files import SourceFile
    from dtedask.store import Store
    from dtedask.store.write import WriteResult

logger = logging.getLogger(__name__)
_MOST_SOURCES = 10_000


class Committer:
    """Archives and flushes units in a handle of its own, so that a unit that fails leaves nothing behind.

    Parameters
    ----------
    store : Store
        Where to.
    on_error : {"raise", "skip"}
        What a message does that cannot be decoded.
    client : distributed.Client, optional
        Where tasks run.
    threads : int or callable
        Threads of this process, or what gives their number; it is asked when something is to be written.
    message : str
        What to say of commits in the history, before what units say themselves.
    refers : bool
        Whether fields are referred to in their files, and not copied.
    again : bool
        Whether fields are compared that are known to be in the cube.

    Raises
    ------
    StoreError
        If fields wait in the store.
    """

    def __init__(
        self,
        store: Store,
        *,
        on_error: OnError,
        client: Client | None,
        threads: int | Callable[[], int],
        message: str = "",
        refers: bool = False,
        again: bool = False,
    ) -> None:
        if store.dirty:
            raise StoreError(
                f"Fields wait in {store!r} that were archived before.", hint="Call its flush() or discard() first."
            )
        self._store = copy.copy(store)
        self._skips = on_error == "skip"
        self._client = client
        self.threads, self._threads = threads, 1
        self._message = message
        self._refers = refers
        self._take = self._store.refer if refers else self._store.archive
        self.known = Known(self._store, is_asked=not again and not refers)

    def commit(self, unit: Unit, on_done: Callable[[WriteResult], None] | None = None) -> Summary:
        """Make the fields of a unit visible, all or none in each cube.

        Raises
        ------
        GribError, FieldError
            If a message is bad and bad ones are not skipped.
        """
        begin = time.perf_counter()
        with stage("survey"):
            choice = self.known.choose(unit)
        if choice.known:
            logger.info(
                "%d of %d fields are known: %s", choice.known, len(unit.messages), unit.message or "not read again"
            )
        done = Summary(unchanged=choice.known, known=choice.known)
        if not choice.left:
            return done + Summary(seconds=time.perf_counter() - begin)
        self._threads = self.threads() if callable(self.threads) else self.threads
        part = unit.part(choice.left)
        try:
            done += self._flush(part, choice, part.messages, [], on_done)
        except GribError:
            if not self._skips:
                raise
            good, bad = _decodable(part.messages)
            done += self._flush(part, choice, good, bad, on_done)
        return done + Summary(seconds=time.perf_counter() - begin)

    def _flush(
        self,
        unit: Unit,
        choice: Choice,
        messages: Sequence[Message],
        bad: Sequence[Skipped],
        on_done: Callable[[WriteResult], None] | None,
    ) -> Summary:
        from dtedask.store import Execution

        try:
            with stage("survey"):
                skipped = [*bad, *self._archive(messages)]
            if not self._store.dirty:
                return Summary(skipped=tuple(skipped))
            commits = self._store.flush(
                ": ".join(part for part in (self._message, unit.message) if part),
                sources=self._sources(unit, choice, skipped),
                execution=Execution(client=self._client, threads=self._threads, on_done=on_done),
            )
            unchanged = self._store.unchanged
        finally:
            self._store.discard()
        return Summary(
            new=sum(commit.new for commit in commits),
            replaced=sum(commit.replaced for commit in commits),
            unchanged=unchanged,
            skipped=tuple(skipped),
            bytes=sum(message.length for message in messages),
            commits=tuple(commits),
            hook_failures=tuple(self._store.hook_failures),
            units=1,
        )

    def _sources(self, unit: Unit, choice: Choice, skipped: Sequence[Skipped]) -> list[str]:
        """What is in the cubes after this commit, file by file."""
        fields: dict[str, dict[int, bool]] = {}
        for message, number, is_in in zip(unit.messages, unit.numbers, choice.marked, strict=True):
            fields.setdefault(message.location, {})[number] = is_in
        bad = Counter(part.location for part in skipped)
        names = []
        for file in (*unit.complete, *unit.partial):
            total, found = unit.counts.get(file.path, 0), fields.get(file.path)
            if found:
                names.append(str(_mark(file, total, found, bad[file.path], is_referred=self._refers)))
            elif "" in fields and file in unit.complete:  # bytes that travel to workers have left their file
                names.append(file.tag)
        return [*names[:_MOST_SOURCES], *_rest(len(names) - _MOST_SOURCES)]

    def _archive(self, messages: Iterable[Message]) -> list[Skipped]:
        if not self._skips:
            self._take(messages)
            return []
        skipped = []
        for message in messages:
            try:
                self._take([message])
            except FieldError as error:
                skipped.append(_skip(message, error))
        return skipped


def _rest(count: int) -> list[str]:
    return [f"{count} more files"] if count > 0 else []


def _mark(file: SourceFile, total: int, fields: Mapping[int, bool], skipped: int, *, is_referred: bool) -> Mark:
    """What to say of a file.

    Parameters
    ----------
    file : SourceFile
        The file.
    total : int
        Fields in it.
    fields : mapping of (int, bool)
        Places in it of those that were archived, and whether they are in the cube then.
    skipped : int
        How many of them are not.
    is_referred : bool
        Whether they stay in the file.
    """
    numbers = frozenset(number for number, is_in in fields.items() if is_in or skipped)
    return Mark(
        file.tag,
        None if len(numbers) == total else numbers,
        total,
        skipped,
        len(fields) - len(numbers),
        is_referred,
    )


def _decodable(messages: Iterable[Message]) -> tuple[list[Message], list[Skipped]]:
    """Tell messages that can be decoded from those that cannot: the slow way, once something was found to be bad."""
    from dtedask.grib import decode

    good, bad = [], []
    for message in messages:
        try:
            decode(message.read(), message.field.order)
            good.append(message)
        except GribError as error:
            bad.append(_skip(message, error))
    return good, bad


def _skip(message: Message, error: Exception) -> Skipped:
    from dtedask.grib import Skipped

    logger.warning("skipped a message of %s at offset %d: %s", message.location, message.offset, error)
    return Skipped(message.location or "standard input", message.offset, message.length, str(error))
