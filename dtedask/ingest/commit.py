"""Commit units of messages, each in one flush."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from dtedask.core.errors import FieldError, GribError, StoreError
from dtedask.core.stages import stage
from dtedask.ingest.summary import Summary
from dtedask.ingest.survey import OnError, Unit

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.grib import Message, Skipped
    from dtedask.store import Store
    from dtedask.store.write import WriteResult

logger = logging.getLogger(__name__)
_MOST_SOURCES = 1000


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
    threads : int
        Threads of this process.
    message : str
        What to say of commits in the history, before what units say themselves.
    refers : bool
        Whether fields are referred to in their files, and not copied.

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
        threads: int,
        message: str = "",
        refers: bool = False,
    ) -> None:
        if store.dirty:
            raise StoreError(
                f"Fields wait in {store!r} that were archived before.", hint="Call its flush() or discard() first."
            )
        self._store = copy.copy(store)
        self._skips = on_error == "skip"
        self._client = client
        self.threads = threads
        self._message = message
        self._take = self._store.refer if refers else self._store.archive

    def commit(self, unit: Unit, on_done: Callable[[WriteResult], None] | None = None) -> Summary:
        """Make the fields of a unit visible, all or none in each cube.

        Raises
        ------
        GribError, FieldError
            If a message is bad and bad ones are not skipped.
        """
        begin = time.perf_counter()
        try:
            done = self._flush(unit, unit.messages, on_done)
        except GribError:
            if not self._skips:
                raise
            good, bad = _decodable(unit.messages)
            done = self._flush(unit, good, on_done) + Summary(skipped=tuple(bad))
        return done + Summary(seconds=time.perf_counter() - begin)

    def _flush(self, unit: Unit, messages: Sequence[Message], on_done: Callable[[WriteResult], None] | None) -> Summary:
        from dtedask.store import Execution

        try:
            with stage("survey"):
                skipped = self._archive(messages)
            if not self._store.dirty:
                return Summary(skipped=tuple(skipped))
            commits = self._store.flush(
                ": ".join(part for part in (self._message, unit.message) if part),
                sources=_sources(unit),
                execution=Execution(client=self._client, threads=self.threads, on_done=on_done),
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


def _sources(unit: Unit) -> Iterator[str]:
    """Whole files by name, size and time; of others only the name, so that nobody takes them for done."""
    names = [file.tag for file in unit.complete] + [f"{file.name} (in part)" for file in unit.partial]
    yield from names[:_MOST_SOURCES]
    if len(names) > _MOST_SOURCES:
        yield f"{len(names) - _MOST_SOURCES} more files"


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
