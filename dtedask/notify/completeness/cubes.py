"""The cubes of a root as expectations look at them: commits since a cursor, and the fields of a run at one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import NotFoundError
from dtedask.notify.completeness.state import Cursor

if TYPE_CHECKING:
    from datetime import datetime

    from dtedask.core.commit import Commit
    from dtedask.notify.completeness.expected import Expected
    from dtedask.store import Store

__all__ = ["Cubes"]

logger = logging.getLogger(__name__)


class Cubes:
    """The cubes of a root.

    Parameters
    ----------
    root : str
        Path or URL of the root, which may come into being later.
    """

    def __init__(self, root: str) -> None:
        self.root = root

    def heads(self) -> dict[str, Cursor]:
        """Give the newest commit of each cube."""
        from dtedask.store.handles import heads_of
        from dtedask.store.location import Location

        found = heads_of(Location.parse(self.root), "main")
        return {cube: Cursor(head.sequence, head.snapshot) for cube, head in found.items()}

    def since(self, cursors: Mapping[str, Cursor], names: Iterable[str] | None = None) -> list[Commit]:
        """Commits of cubes behind cursors, in order.

        Parameters
        ----------
        cursors : mapping of str to Cursor
            The last commit of each cube that is known.
        names : iterable of str, optional
            Cubes that may have commits; names of others are passed over. All where it is left out.
        """
        import dtedask
        from dtedask.store.handles import in_order

        store = dtedask.open(self.root)
        return in_order([_commits(store, cube, cursors) for cube in (_cubes(store) if names is None else names)])

    def present(self, expected: Expected, reference: datetime, at: Mapping[str, Cursor]) -> Iterator[Mapping[str, str]]:
        """Keys of the fields of a run that were there at cursors; of cubes without one, none were.

        Raises
        ------
        NotFoundError
            If a state was purged.
        """
        from dtedask.store import Store
        from dtedask.store.handles import Head
        from dtedask.store.location import Location

        heads = {cube: Head(cursor.snapshot, cursor.sequence) for cube, cursor in at.items() if cursor.sequence}
        store = Store(Location.parse(self.root), heads=heads, is_pinned=True)
        for request in expected.expectation.requests:
            day = {"date": f"{reference:%Y%m%d}", "time": f"{reference:%H%M}"}
            asked: dict[str, Any] = {key: list(values) for key, values in request.items()} | day
            for record in store.list(asked):
                yield record.keys


def _cubes(store: Store) -> Sequence[str]:
    try:
        return store.cubes()
    except NotFoundError:  # nobody has committed yet
        return ()


def _commits(store: Store, cube: str, cursors: Mapping[str, Cursor]) -> list[Commit]:
    last = cursors[cube].sequence if cube in cursors else 0
    try:
        found = store.history(cube, after=last)
    except NotFoundError:  # products and plans have notices in the log, and no cube
        return []
    if found and found[0].sequence > last + 1:
        logger.warning(
            "Commits %d to %d of %s are no longer in its history: what they made complete is not told.",
            last + 1,
            found[0].sequence - 1,
            cube,
        )
    return found
