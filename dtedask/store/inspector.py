"""Looking at a root: what is locked, its numbers, where it stands and what it consists of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dtedask.core.errors import StoreError
from dtedask.store.control import Lock
from dtedask.store.reader import Reader
from dtedask.store.retrieval import cube_may_match
from dtedask.store.root_handle import Names, RequestLike
from dtedask.store.roots import RootDocument
from dtedask.store.views.overlays import Overlay

if TYPE_CHECKING:
    from dtedask.store.inspection.about import RootInfo
    from dtedask.store.inspection.dump import CubeDump
    from dtedask.store.inspection.statistics import Statistics
    from dtedask.store.inspection.status import Status
    from dtedask.store.views.hidden import Hidden

Locks = tuple[Lock, ...]
Overlays = tuple[Overlay, ...]


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

    def hide(self, request: RequestLike, *, reason: str = "", doit: bool = False) -> Hidden:
        """Hide fields: they are kept, and neither listed nor read any more; a dry run unless `doit`.

        That holds for fields to come too. What is hidden can be neither archived nor wiped until it is shown again.

        Parameters
        ----------
        request : Request, str or mapping
            The fields; None or an empty one takes all of the root.
        reason : str
            Why, for those who look for them.
        doit : bool
            Whether to do it; else the fields are only counted.

        Returns
        -------
        Hidden
            The number of fields, and the entry that hides them.

        Raises
        ------
        NotFoundError
            If there is no root.
        """
        from dtedask.store.views.hidden import Hidden

        parsed = self._parse(request)
        found = list(self.select(parsed))
        entries = (self._control().hide(parsed, reason),) if doit else ()
        cubes = tuple(dict.fromkeys(part.cube for part in found))
        return Hidden(parsed, doit, sum(len(part.slots) for part in found), cubes, entries)

    def unhide(self, request: RequestLike, *, doit: bool = False) -> Hidden:
        """Show hidden fields again; a dry run unless `doit`.

        Parameters
        ----------
        request : str, Request or mapping
            The identifier of what hides them, or the request of it: exactly the same one.
        doit : bool
            Whether to do it.

        Raises
        ------
        NoMatchError
            If nothing is hidden so.
        """
        from dtedask.store.views.hidden import Hidden, among

        named = request if isinstance(request, str) and request.isalnum() else self._parse(request)
        control = self._control()
        entries = control.named_hidden(named)
        asked = entries[0].request
        found = among(self._matching(asked), entries)
        if doit:
            control.remove(named)
        cubes = tuple(dict.fromkeys(part.cube for part in found))
        return Hidden(asked, doit, sum(len(part.slots) for part in found), cubes, entries)

    def hidden(self, request: RequestLike = None) -> Locks:
        """What is hidden and can be among fields of a request, oldest first: who hid it, when and why."""
        return self._control().hidden(self._parse(request))

    def overlay(
        self, source: RequestLike, target: RequestLike, *, reason: str = "", force: bool = False, doit: bool = False
    ) -> Overlay:
        """Show the fields of a cube under other keys too, without a copy; a dry run unless `doit`.

        Fields that come into the source are seen at once. A cube that has the keys of the target is only covered with
        `force`: its own fields then come first, and what is archived under these keys goes into it.

        Parameters
        ----------
        source : Request, str or mapping
            One value of each key of the cube: class, stream and expver, and what follows them.
        target : Request, str or mapping
            What these keys are to be instead, such as ``class=rd,expver=xyz1``.
        reason : str
            Why.
        force : bool
            Whether a cube may exist under the keys of the target.
        doit : bool
            Whether to do it.

        Raises
        ------
        RequestError
            If it is not clear what is meant.
        NoMatchError
            If there is no such cube.
        StoreError
            If there is an overlay of these keys already, or a cube and no `force`.
        """
        from dtedask.store.views.overlays import new_overlay

        cubes = {name: snapshot.keys for name, snapshot in self._all_snapshots()}
        made = new_overlay(self._parse(source), self._parse(target), cubes, reason)
        if made.target in cubes and not force:
            raise StoreError(
                f"There is a cube {made.target!r} in {self.root!r} already.",
                hint="With force (`--force`) its own fields come first, and the others are seen behind them.",
            )
        if doit:
            self._control().add_overlay(made)
        return made

    def remove_overlay(self, named: str, *, doit: bool = False) -> Overlay:
        """Show the fields of a cube under its own keys alone; a dry run unless `doit`.

        Parameters
        ----------
        named : str
            Identifier of the overlay, or the name of its target such as ``"rd/oper/xyz1"``.
        doit : bool
            Whether to do it.

        Raises
        ------
        NoMatchError
            If there is no such overlay.
        """
        found = next((one for one in self.overlays() if named in (one.id, one.target)), None)
        if doit or found is None:
            return self._control().remove_overlay(named)
        return found

    def overlays(self) -> Overlays:
        """Cubes that are seen under other keys too, oldest first."""
        return self._control().overlays()

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
        if parsed:
            return list(dict.fromkeys(selection.snapshot.url for selection in self.select(parsed)))
        return [self._location.cube_url(name) for name in self.cubes()]

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
