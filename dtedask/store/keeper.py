"""Keeping a root: its schema, its history and what happens to both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dtedask.core.commit import Commit
from dtedask.store.commits import history_of
from dtedask.store.control import Lock
from dtedask.store.handles import in_order
from dtedask.store.reader import Reader, RequestLike
from dtedask.store.roots import RootDocument

if TYPE_CHECKING:
    from dtedask.store.schema import Schema

Commits = list[Commit]
Locks = tuple[Lock, ...]


class Keeper(Reader):
    """The cubes of one root, with their past and what keeps them in order."""

    def history(self, cube: str | None = None, *, after: int = 0) -> Commits:
        """Commits of the branch, oldest first; of one cube, or of all in order of time.

        Parameters
        ----------
        cube : str, optional
            Name of the cube; all where it is left out.
        after : int
            Only those that follow the commit of this number in the history of their cube.
        """
        names = [cube] if cube is not None else self.cubes()
        return in_order([history_of(self._location, name, after=after, branch=self._branch) for name in names])

    def lock(self, request: RequestLike, verbs: Iterable[str] = ("archive", "wipe"), reason: str = "") -> Lock:
        """Lock fields, those that exist and those to come: every process refuses to touch any of them.

        Parameters
        ----------
        request : Request, str or mapping
            The fields; None or an empty one takes all of the root.
        verbs : iterable of {"list", "retrieve", "archive", "wipe"}
            What is refused.
        reason : str
            Why, for those who meet the lock.

        Returns
        -------
        Lock
            Its `id` takes it away again.

        Raises
        ------
        NotFoundError
            If there is no root.
        InvalidValueError
            If a verb is unknown.
        """
        return self._control().add(self._parse(request), verbs, reason)

    def unlock(self, request: RequestLike) -> Locks:
        """Take away locks, and return them.

        Parameters
        ----------
        request : str, Request or mapping
            The identifier of a lock, or the request of it: exactly the same one.

        Raises
        ------
        NoMatchError
            If there is no such lock.
        """
        named = request if isinstance(request, str) and request.isalnum() else self._parse(request)
        return self._control().remove(named)

    def locks(self, request: RequestLike = None) -> Locks:
        """Locks that can be on fields of a request, oldest first; all without one."""
        return self._control().locks(self._parse(request))

    def schema(self) -> Schema:
        """The schema of the root; what it would get where it does not exist."""
        return RootDocument(self._location).schema(self._schema)
