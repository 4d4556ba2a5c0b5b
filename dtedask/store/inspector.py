"""Looking at a root: what is locked, its numbers, where it stands and what it consists of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dtedask.store.control import Lock
from dtedask.store.reader import Reader
from dtedask.store.retrieval import cube_may_match
from dtedask.store.root_handle import Names, RequestLike
from dtedask.store.roots import RootDocument

if TYPE_CHECKING:
    from dtedask.store.inspection.about import RootInfo
    from dtedask.store.inspection.dump import CubeDump
    from dtedask.store.inspection.statistics import Statistics
    from dtedask.store.inspection.status import Status

Locks = tuple[Lock, ...]


class Inspector(Reader):
    """The cubes of one root, as those see them who look after it."""

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

    def stats(self, request: RequestLike = None) -> Statistics:
        """Count what each cube holds: groups, fields, commits, bytes, and replaced fields that the past still holds.

        Parameters
        ----------
        request : Request, str or mapping, optional
            Count only fields that it takes. Commits, replaced fields and stored bytes stay those of the whole cube.

        Returns
        -------
        Statistics
            Of what was committed; fields that wait in this handle do not count.
        """
        if self._waiting():
            return self._with().stats(request)
        from dtedask.store.inspection.statistics import statistics_of

        parsed = self._parse(request)
        return statistics_of(self._location, self._snapshots(self._cubes_of(parsed)), parsed)

    def status(self, request: RequestLike = None) -> Status:
        """Say where each cube stands: newest commit, who uses it now, and locks that can be on fields of a request."""
        from dtedask.store.inspection.status import status_of

        parsed = self._parse(request)
        if waiting := self._waiting():
            asked = {cube: count for cube, count in waiting.items() if cube_may_match(cube, parsed)}
            return self._with().status(parsed).waiting_for(asked)
        snapshots = self._snapshots(self._cubes_of(parsed))
        return status_of(self._location, snapshots, self._control(), parsed)

    def where(self, request: RequestLike = None) -> Names:
        """Paths or URLs of the cubes that hold fields of a request; of all cubes without one."""
        parsed = self._parse(request)
        found = self.select(parsed) if parsed else ()
        names = dict.fromkeys(selection.cube for selection in found) if parsed else self.cubes()
        return [self._location.cube_url(name) for name in names]

    def info(self) -> RootInfo:
        """Say what there is to know of the root: format, schema, versions, settings, size and age.

        Raises
        ------
        NotFoundError
            If there is no root.
        """
        from dtedask.store.inspection.about import about

        return about(self._location, RootDocument(self._location), self.stats(), len(self.locks()))

    def dump(self, cube: str) -> CubeDump:
        """Show everything that a cube consists of: groups, axes, arrays, codecs, manifests.

        Parameters
        ----------
        cube : str
            Its name, such as ``"od/oper/0001"``.
        """
        from dtedask.store.inspection.dump import dump_of

        if self._waiting():
            return self._with().dump(cube)
        return dump_of(self._location, cube, self._snapshot(cube))

    def _waiting(self) -> dict[str, int]:
        """Fields of each cube that wait for a flush."""
        return {}
