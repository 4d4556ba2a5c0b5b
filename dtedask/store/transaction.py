"""One commit to one cube: lock, prepare, publish; what every change of a cube shares."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from dtedask.core.commit import Commit
from dtedask.core.errors import (
    CommitTimeoutError,
    ConflictError,
    DamagedError,
    DtedaskError,
    OutcomeUnknownError,
    StoreError,
    TransactionError,
)
from dtedask.core.stages import stage
from dtedask.store.author import author
from dtedask.store.clock import wait_until_after
from dtedask.store.commits import Following, following, metadata_of
from dtedask.store.deadline import answer_within
from dtedask.store.failures import first_line, is_full, read_error, storage_error
from dtedask.store.handover import Known, Newest, hand_over, handed_over
from dtedask.store.repository import BRANCH, open_repository, tip_of
from dtedask.store.syncing import sync_branch, sync_to_disk
from dtedask.store.upkeep.digests import keep_digests
from dtedask.store.upkeep.integrity import check_whole
from dtedask.store.upkeep.registry import open_cube

if TYPE_CHECKING:
    import icechunk

    from dtedask.store.location import Location

logger = logging.getLogger(__name__)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Options:
    """How transactions run; resolved from the settings once, on the client."""

    durable: bool
    lock_timeout_s: float
    commit_timeout_s: float
    batch_bytes: int
    attempts: int = 20
    branch: str = BRANCH


@dataclass(frozen=True)
class Prepared:
    """What a transaction wrote and nobody can see yet."""

    repo: icechunk.Repository
    session: icechunk.Session
    head: str
    commit: Commit
    is_head_damaged: bool = False
    known: Known | None = None


@dataclass(frozen=True, kw_only=True)
class Transaction(ABC):
    """A change of one cube that becomes visible as one snapshot, or not at all.

    What the change is, subclasses say in `_prepare`.

    Parameters
    ----------
    location : Location
        The root.
    cube : str
        Name of the cube.
    options : Options
        Durability and time limits.
    message : str
        What to say of the commit in the history.
    sources : tuple of str
        Where the fields came from.
    notes : tuple of (str, str)
        What the commit says to programs.
    """

    location: Location
    cube: str
    options: Options
    message: str = ""
    sources: tuple[str, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()

    def run(self) -> Commit | None:
        """Commit the change; None when it changes nothing.

        Raises
        ------
        FieldError
            If a field does not fit into the cube; nothing is written.
        LockedError
            If another process holds the cube for too long.
        ConflictError
            If others moved the cube again and again.
        TransactionError
            If a check of the written forks fails; nothing is published.
        StoreError
            If the storage fails, such as a disk that is full; nothing is published.
        """
        for attempt in range(self.options.attempts):
            try:
                with self.lock():
                    prepared = self.prepare()
                    return self.publish(prepared) if prepared else None
            except ConflictError:
                logger.info("%s moved while it was written; attempt %d starts anew", self._url, attempt + 2)
        raise ConflictError(
            f"The cube {self._url!r} was moved by others {self.options.attempts} times while it was written.",
            hint="Let fewer writers commit at once, or commit larger units.",
        )

    def lock(self) -> AbstractContextManager[None]:
        """The lock of the cube, to be held from before `prepare` until after `publish`."""
        return open_cube(self.location, self.cube, self.options.lock_timeout_s)

    def prepare(self) -> Prepared | None:
        """Write everything and check it; nobody can see it. None when nothing changes."""
        with self._told_errors():
            return self._prepare()

    def publish(self, prepared: Prepared) -> Commit:
        """Make what was prepared visible, all at once."""
        with self._told_errors(), stage("commit", detail=self.cube):
            return self._publish(prepared)

    @contextmanager
    def _told_errors(self) -> Iterator[None]:
        import icechunk

        try:
            yield
        except DtedaskError:
            raise
        except (icechunk.IcechunkError, OSError) as error:
            raise self._damage(error) or storage_error(error, self._url) from error

    def _damage(self, error: Exception) -> DamagedError | None:
        """The damage of the head behind an error, if that is its reason."""
        if not isinstance(read_error(error, self._url), DamagedError):
            return None
        try:
            head = tip_of(self.location, self.cube, open_repository(self.location, self.cube), self.options.branch)
            if head is not None:
                check_whole(self.location, self.cube, head)
        except DamagedError as damage:
            return damage
        except StoreError:
            return None
        return None

    @property
    def _url(self) -> str:
        return self.location.cube_url(self.cube)

    @abstractmethod
    def _prepare(self) -> Prepared | None:
        """Change a session of the cube's head, and say what the commit will be; None when nothing changes."""

    def _new_commit(self, repo: icechunk.Repository, head: str, message: str) -> Commit:
        """The commit that follows a snapshot, without anything done yet."""
        place = self._following(repo, head)
        return Commit(
            root=self.location.url,
            cube=self.cube,
            snapshot="",
            parent=head,
            sequence=place.sequence,
            time=datetime.now(UTC),
            message=self.message or message,
            sources=self.sources,
            author=author(),
            notes=self.notes,
            events_before=place.events_before,
        )

    def _following(self, repo: icechunk.Repository, head: str) -> Following:
        newest = handed_over(self._url, head)
        return following(repo, head) if newest is None else newest.following

    def _publish(self, prepared: Prepared) -> Commit:
        repo, commit = prepared.repo, prepared.commit
        tip, written_at = self._within_deadline(partial(self._write_snapshot, prepared))
        if self.options.durable:
            sync_to_disk(self.location)
        self._move(repo, tip, prepared.head)
        if self.options.durable:
            try:
                sync_branch(self.location, self.cube, self.options.branch)
            except OSError as error:
                raise self._unknown(f"it can be read, but the disk did not take it ({error})") from error
        hand_over(self._url, Newest(tip, Following.of(commit), written_at, prepared.known))
        return replace(commit, snapshot=tip, time=written_at)

    def _write_snapshot(self, prepared: Prepared) -> tuple[str, datetime]:
        """Write the snapshot, which no branch names yet, and its digests; its name, and when it was written."""
        repo, commit = prepared.repo, prepared.commit
        tip = self._flush(prepared)
        keep_digests(self.location, self.cube, repo, tip, commit.parent, commit.sequence)
        return tip, repo.lookup_snapshot(tip).written_at

    def _flush(self, prepared: Prepared) -> str:
        """Write the snapshot, which no branch names yet."""
        session, commit = prepared.session, prepared.commit
        before = commit.parent if prepared.is_head_damaged else prepared.head
        wait_until_after(prepared.repo.lookup_snapshot(before).written_at, self._url)
        return session.flush(commit.message, metadata_of(commit))

    def _move(self, repo: icechunk.Repository, tip: str, head: str) -> None:
        import icechunk

        try:
            self._within_deadline(lambda: repo.reset_branch(self.options.branch, tip, from_snapshot_id=head))
        except (icechunk.IcechunkError, StoreError) as error:
            self._find_out(repo, tip, head, error)

    def _find_out(self, repo: icechunk.Repository, tip: str, head: str, error: Exception) -> None:
        """The answer to the move was an error or none: return if it happened all the same."""
        import icechunk

        try:
            current = self._within_deadline(lambda: repo.lookup_branch(self.options.branch))
        except (icechunk.IcechunkError, StoreError):
            raise self._unknown(f"the storage went away ({first_line(error)})") from error
        if current == tip:
            return
        if current != head:
            raise ConflictError(f"The cube {self._url!r} moved while it was written.") from error
        if isinstance(error, CommitTimeoutError):
            raise self._unknown("the storage did not answer and may still do it") from error
        if is_full(error):
            raise storage_error(error, self._url) from error
        raise TransactionError(f"The commit to {self._url!r} could not be published: {first_line(error)}.") from error

    def _unknown(self, reason: str) -> OutcomeUnknownError:
        return OutcomeUnknownError(
            f"It is not known whether the commit to {self._url!r} was published: {reason}.",
            hint="When the storage is back, run the same again: what was published stays, only the rest is done.",
        )

    def _within_deadline(self, call: Callable[[], Result]) -> Result:
        limit = self.options.commit_timeout_s
        try:
            return answer_within(limit, call)
        except FutureTimeoutError as error:
            raise CommitTimeoutError(
                f"The storage of {self._url!r} did not answer within {limit:g} s.",
                hint="Look at the storage; run the same again, which does only what is missing.",
            ) from error


def commit_all(transactions: Sequence[Transaction]) -> Iterator[Commit | None]:
    """Commit to several cubes: all are written and checked before the first is published.

    What is wrong with a field of any cube is found while nothing is visible in any of them. Locks are taken in the
    order given, which must be the same for all writers.
    """
    if len(transactions) == 1:
        yield transactions[0].run()
        return
    with ExitStack() as locks:
        for transaction in transactions:
            locks.enter_context(transaction.lock())
        prepared = [transaction.prepare() for transaction in transactions]
        for transaction, ready in zip(transactions, prepared, strict=True):
            yield _publish_or_run(transaction, ready) if ready else None


def _publish_or_run(transaction: Transaction, prepared: Prepared) -> Commit | None:
    try:
        return transaction.publish(prepared)
    except ConflictError:
        # Only an object store lets others in between; the fields are known to be good.
        return transaction.run()
