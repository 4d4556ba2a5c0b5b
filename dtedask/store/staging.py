"""What waits for a flush, written as a snapshot that no branch names, so that its writer can read it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.core.errors import NotFoundError
from dtedask.store.branches import start_branch
from dtedask.store.creation import create_repository
from dtedask.store.repository import head_of, open_repository
from dtedask.store.upkeep.registry import registered

if TYPE_CHECKING:
    from dtedask.store.writing import WriteTransaction


@dataclass(frozen=True)
class _Staged:
    head: str | None
    snapshot: str
    registration: ExitStack


class Staging:
    """Snapshots of the cubes that a handle waits to commit to, each made when it is first read."""

    def __init__(self) -> None:
        self._staged: dict[str, _Staged] = {}

    def snapshot(self, transaction: WriteTransaction) -> str:
        """Snapshot of a cube with what a transaction would write into it now.

        It is made anew when somebody else commits to the cube. While it is kept, the cube has an open transaction, so
        that purge leaves it alone.
        """
        cube = transaction.cube
        known, head = self._staged.get(cube), _head(transaction)
        if known is None or known.head != head:
            self.forget(cube)
            self._staged[cube] = known = _stage(transaction, head)
        return known.snapshot

    def forget(self, *cubes: str) -> None:
        """Drop what was staged of these cubes; of all where none are named."""
        for cube in cubes or tuple(self._staged):
            staged = self._staged.pop(cube, None)
            if staged is not None:
                staged.registration.close()


def _head(transaction: WriteTransaction) -> str | None:
    try:
        return head_of(open_repository(transaction.location, transaction.cube), transaction.options.branch)
    except NotFoundError:
        return None


def _stage(transaction: WriteTransaction, head: str | None) -> _Staged:
    if head is None:
        with transaction.lock():  # two that create a cube at once would each get one of their own
            repo = create_repository(transaction.location, transaction.cube, transaction.addresses)
            start_branch(repo, transaction.options.branch)
    with ExitStack() as stack:
        stack.enter_context(registered(transaction.location, transaction.cube))
        base, snapshot = transaction.stage()
        return _Staged(base, snapshot, stack.pop_all())
