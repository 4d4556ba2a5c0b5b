"""Keeping several roots: what looks after each of them, and says what it found in all."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from dtedask.core.errors import NoMatchError
from dtedask.request import Request
from dtedask.store.control import Control
from dtedask.store.handles import in_order
from dtedask.store.several.members import Member, names_of
from dtedask.store.several.reading import Commits
from dtedask.store.several.writing import RootsWriter

if TYPE_CHECKING:
    from dtedask.store.control import Lock
    from dtedask.store.inspection.statistics import Statistics
    from dtedask.store.inspection.status import Status
    from dtedask.store.past.tag_file import Tag
    from dtedask.store.root_handle import Names, RequestLike
    from dtedask.store.upkeep.findings import Verification, VerifyProgress
    from dtedask.store.upkeep.report import Purge
    from dtedask.store.upkeep.retention import Duration
    from dtedask.store.views.hidden import Hidden


class SeveralRoots(RootsWriter):
    """Several roots behind one handle: what looks after roots goes over all of them, one after the other.

    What can only be done with one root, such as a rollback, asks for it by `SeveralRootsError`.
    """

    def history(
        self,
        cube: str | None = None,
        *,
        after: int = 0,
        request: RequestLike = None,
        source: str = "",
        author: str = "",
    ) -> Commits:
        """Commits of all roots in order of time; see `Keeper.history`. Numbers are those of each root's own cube."""
        parsed = self._parse(request)

        def read(member: Member) -> Commits:
            if cube is not None and cube not in member.store.cubes():
                return []
            return member.store.history(cube, after=after, request=parsed, source=source, author=author)

        found = self._ask(parsed, read)
        holders = [member for member, commits in found if commits]
        if after and len(holders) > 1:
            self._needs_one(
                f"Numbers count the commits of {cube or 'a cube'} in {names_of(holders)} apart: history(after=)"
            )
        return in_order([commits for _, commits in found])

    def tags(self) -> tuple[Tag, ...]:
        """Tags of all roots, by name."""
        found = self._ask(Request({}), lambda member: member.store.tags())
        return tuple(sorted((tag for _, tags in found for tag in tags), key=lambda tag: tag.name))

    def lock(self, request: RequestLike, verbs: Iterable[str] = ("archive", "wipe"), reason: str = "") -> Lock:
        """Lock fields in every root that can hold them, under one identifier; see `Inspector.lock`."""
        parsed = self._parse(request)
        named, verbs = uuid.uuid4().hex[:8], tuple(verbs)
        members = self._ready([one for one in self._members if one.may_hold(parsed)], strict=True)
        locks = [Control(member.location).add(parsed, verbs, reason, name=named) for member in members]
        if not locks:
            raise NoMatchError(f"No space of {self.root!r} takes fields of {parsed}.", hint="Name others.")
        return locks[0]

    def unlock(self, request: RequestLike) -> tuple[Lock, ...]:
        """Take away locks of all roots, and return them; see `Inspector.unlock`."""
        removed: list[Lock] = []
        missing: NoMatchError | None = None
        for member in self._ready(self._members, strict=True):
            try:
                removed += member.store.unlock(request)
            except NoMatchError as error:
                missing = error
        if missing is not None and not removed:
            raise missing
        return tuple(removed)

    def locks(self, request: RequestLike = None) -> tuple[Lock, ...]:
        """Locks of all roots that can be on fields of a request, oldest first."""
        parsed = self._parse(request)
        found = self._ask(parsed, lambda member: member.store.locks(parsed))
        each = {(lock.id, lock.request): lock for _, locks in found for lock in locks}
        return tuple(sorted(each.values(), key=lambda lock: lock.time))

    def hide(self, request: RequestLike, *, reason: str = "", doit: bool = False) -> Hidden:
        """Hide fields in every root that can hold them, under one identifier; see `Inspector.hide`."""
        from dtedask.store.views.hidden import Hidden

        parsed = self._parse(request)
        found = list(self.select(parsed))
        members = self._ready([one for one in self._members if one.may_hold(parsed)], strict=True)
        name = uuid.uuid4().hex[:8]
        entries = [Control(member.location).hide(parsed, reason, name=name) for member in members] if doit else []
        cubes = tuple(dict.fromkeys(part.cube for part in found))
        return Hidden(parsed, doit, sum(len(part.slots) for part in found), cubes, tuple(entries[:1]))

    def unhide(self, request: RequestLike, *, doit: bool = False) -> Hidden:
        """Show hidden fields of every root again; see `Inspector.unhide`."""
        found: list[Hidden] = []
        missing: NoMatchError | None = None
        for member in self._ready(self._members, strict=True):
            try:
                found.append(member.store.unhide(request, doit=doit))
            except NoMatchError as error:
                missing = error
        if missing is not None and not found:
            raise missing
        cubes = tuple(dict.fromkeys(cube for one in found for cube in one.cubes))
        return replace(found[0], fields=sum(one.fields for one in found), cubes=cubes)

    def hidden(self, request: RequestLike = None) -> tuple[Lock, ...]:
        """What is hidden in any root and can be among fields of a request, oldest first."""
        return tuple(lock for lock in self.locks(request) if "hide" in lock.verbs)

    def stats(self, request: RequestLike = None) -> Statistics:
        """Count what the cubes of each root hold, with fields in the shadow of others; see `Inspector.stats`."""
        from dtedask.store.inspection.statistics import Statistics

        parsed = self._parse(request)
        found = self._ask(parsed, lambda member: member.store.stats(parsed))
        cubes = [replace(one, cube=_named(member, one.cube)) for member, stats in found for one in stats.cubes]
        return Statistics(self.root, tuple(cubes))

    def status(self, request: RequestLike = None) -> Status:
        """Say where the cubes of each root stand; see `Inspector.status`."""
        from dtedask.store.inspection.status import Status

        parsed = self._parse(request)
        found = self._ask(parsed, lambda member: member.store.status(parsed))
        cubes = [replace(one, cube=_named(member, one.cube)) for member, status in found for one in status.cubes]
        return Status(self.root, tuple(cubes))

    def where(self, request: RequestLike = None) -> Names:
        """Paths or URLs of the cubes that hold fields of a request, root by root; of all cubes without one."""
        parsed = self._parse(request)
        if parsed:
            return list(dict.fromkeys(part.snapshot.url for part in self.select(parsed)))
        found = self._ask(parsed, lambda member: member.store.where())
        return [path for _, paths in found for path in paths]

    def purge(
        self,
        *,
        keep: Duration | None = None,
        keep_commits: int | None = None,
        cubes: Sequence[str] | None = None,
        dry_run: bool = False,
    ) -> Purge:
        """Purge every root that can be written; see `Keeper.purge`.

        Raises
        ------
        RootUnavailableError
            If one does not answer. None is purged then.
        """
        from dtedask.store.upkeep.report import Purge

        done = []
        for member in self._ready([one for one in self._members if one.writable], strict=True):
            names = None if cubes is None else [cube for cube in cubes if cube in member.store.cubes()]
            found = member.store.purge(keep=keep, keep_commits=keep_commits, cubes=names, dry_run=dry_run)
            done.append(replace(found, cubes=tuple(replace(one, cube=_named(member, one.cube)) for one in found.cubes)))
        rules = dict.fromkeys(one.rule for one in done)
        return Purge(self.root, "; ".join(rules), dry_run, tuple(cube for one in done for cube in one.cubes))

    def verify(
        self,
        request: RequestLike = None,
        *,
        all_snapshots: bool = False,
        quick: bool = False,
        threads: int | None = None,
        on_progress: Callable[[VerifyProgress], None] | None = None,
    ) -> Verification:
        """Look for damage in every root; see `Keeper.verify`."""
        from dtedask.store.upkeep.findings import Verification

        parsed = self._parse(request)
        total = Verification(self.root, quick=quick)
        for member in self._ready([one for one in self._members if one.may_hold(parsed)], strict=True):
            found = member.store.verify(
                parsed, all_snapshots=all_snapshots, quick=quick, threads=threads, on_progress=on_progress
            )
            total = replace(
                total,
                findings=(*total.findings, *found.findings),
                snapshots=total.snapshots + found.snapshots,
                objects=total.objects + found.objects,
                size_bytes=total.size_bytes + found.size_bytes,
                undigested=(*total.undigested, *found.undigested),
            )
        return total

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keep purges of all roots from taking what this handle shows; see `Keeper.reading`."""
        with ExitStack() as stack:
            for member in self._ready(self._members):
                stack.enter_context(member.store.reading())
            yield


def _named(member: Member, cube: str) -> str:
    """What a cube is called where several roots have one of its name."""
    return member.location.cube_url(cube)
