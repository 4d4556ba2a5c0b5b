"""Keeping a root: its schema, its history and what happens to both."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from dtedask.core.commit import Commit
from dtedask.core.errors import DamagedError, NotFoundError
from dtedask.core.settings import setting
from dtedask.request import Request
from dtedask.store.branches import branches_of, create_branch, delete_branch
from dtedask.store.commits import history_of
from dtedask.store.handles import in_order
from dtedask.store.inspector import Inspector
from dtedask.store.location import Location
from dtedask.store.past.differences import Differences, difference_of
from dtedask.store.past.field_history import FieldHistory
from dtedask.store.past.search import search
from dtedask.store.past.states import states_at
from dtedask.store.past.tag_file import Tag, tags_of
from dtedask.store.past.tags import create_tag, delete_tag
from dtedask.store.root_handle import Names, RequestLike
from dtedask.store.roots import RootDocument
from dtedask.store.schema.update import SchemaUpdate
from dtedask.store.transaction import Options

if TYPE_CHECKING:
    from dtedask.store.schema import Schema
    from dtedask.store.upkeep.findings import Verification, VerifyProgress
    from dtedask.store.upkeep.relocate import Relocation
    from dtedask.store.upkeep.report import Purge
    from dtedask.store.upkeep.retention import Duration, Retention

Commits = list[Commit]
Tags = tuple[Tag, ...]


class Keeper(Inspector):
    """The cubes of one root, with their past and what keeps them in order."""

    def history(
        self,
        cube: str | None = None,
        *,
        after: int = 0,
        request: RequestLike = None,
        source: str = "",
        author: str = "",
    ) -> Commits:
        """Commits of the branch, oldest first; of one cube, or of all in order of time.

        Those that a rollback left behind are among them until they are purged.

        Parameters
        ----------
        cube : str, optional
            Name of the cube; all where it is left out.
        after : int
            Only those that follow the commit of this number in the history of their cube.
        request : Request, str or mapping, optional
            Only those that wrote or wiped fields of the request.
        source : str
            Only those with this source, such as a file; its last part is enough, ``*`` and ``?`` stand for any text.
        author : str
            Only those of this ``user@host`` or user, in the same way.
        """
        parsed = self._parse(request)
        names = [cube] if cube is not None else self._cubes_of(parsed)
        found = in_order([history_of(self._location, name, after=after, branch=self._branch) for name in names])
        return search(found, parsed, source, author)

    def field_history(self, cube: str) -> FieldHistory:
        """When fields of a cube, which need not exist, were written or wiped last, as its history says."""
        return FieldHistory(self._location, cube, self._branch)

    def tag(
        self,
        name: str,
        *,
        at: str | datetime | None = None,
        cubes: Iterable[str] | None = None,
        request: RequestLike = None,
        message: str = "",
    ) -> Tag:
        """Name the state of all cubes, or of some; ``at=name`` opens it, and a purge keeps its data.

        Parameters
        ----------
        name : str
            Letters, digits and ``. _ + = -``; nothing that reads as a moment.
        at : str or datetime, optional
            A moment, another tag or a snapshot; what this handle shows where it is left out.
        cubes : iterable of str, optional
            Names of cubes; all that had fields then where it is left out.
        request : Request, str or mapping, optional
            Only cubes that can hold fields of the request.
        message : str
            What to say of it.

        Raises
        ------
        TagError
            If the name is taken or cannot be one. No cube is tagged then.
        NotFoundError
            If there is no such state.
        """
        names = [cube for cube in self._cubes_of(self._parse(request)) if cubes is None or cube in set(cubes)]
        if at is None:
            published = self._with()  # what waits for a flush has no snapshot of its own yet
            found = dict(published._snapshots(names))  # noqa: SLF001 - of the same class
        else:
            states = states_at(self._location, names, at, self._branch)
            found = {cube: state for cube, state in states.items() if state is not None}
        snapshots = {cube: snapshot.id for cube, snapshot in found.items()}
        if not snapshots:
            raise NotFoundError(f"There is no cube to tag {name!r}.", hint=f"The cubes are {', '.join(self.cubes())}.")
        return create_tag(self._location, name, snapshots, message, setting("store.lock-timeout"))

    def tags(self) -> Tags:
        """Tags of the root, by name."""
        return tags_of(self._location)

    def untag(self, name: str) -> Tag:
        """Take a tag away; the data that it alone kept go with the next purge.

        Raises
        ------
        NotFoundError
            If there is no such tag.
        """
        return delete_tag(self._location, name, setting("store.lock-timeout"))

    def diff(
        self, old: str | datetime | None, new: str | datetime | None = None, *, cube: str | None = None
    ) -> Differences:
        """Compare two states, field by field.

        Parameters
        ----------
        old, new : str or datetime, optional
            Moments, tags or snapshots; None for the newest.
        cube : str, optional
            Name of the cube; all where it is left out. A cube that did not exist yet had no fields.

        Returns
        -------
        Differences
            Fields that were added, removed and replaced, as exact requests by cube, group, variable and step.

        Raises
        ------
        NotFoundError
            If a state does not exist.
        """
        names = [cube] if cube is not None else self.cubes()
        before, after = (states_at(self._location, names, at, self._branch) for at in (old, new))
        pairs = {name: (before[name], after[name]) for name in names if name in before and name in after}
        if not pairs:
            raise NotFoundError(
                f"{old} is a state of {', '.join(before)}, and {new} one of {', '.join(after)}.",
                hint="Compare two states of the same cube; moments and tags are states of all.",
            )
        found = (difference_of(name, *states) for name, states in pairs.items())
        return Differences(tuple(one for one in found if one.added or one.removed or one.replaced))

    def branches(self) -> Names:
        """Names of the branches, sorted, ``main`` among them."""
        return branches_of(self._location)

    def create_branch(self, name: str, at: str | datetime | None = None) -> None:
        """Let a branch begin in every cube of the root.

        ``dtedask.open(root, branch=name)`` reads and writes it. A cube that is made later is empty in the branch until
        something is archived into it there. Listeners and catalogs hear of ``main`` only.

        Parameters
        ----------
        name : str
            Letters, digits, ``-`` and ``_``.
        at : str or datetime, optional
            Where it begins: a snapshot's identifier, a tag or a moment of ``main``; its newest commit where it is left
            out. Cubes that were not there yet lack the branch.

        Raises
        ------
        BranchError
            If the name cannot be one, or the branch exists.
        NotFoundError
            If there is no cube for it.
        """
        create_branch(self._location, name, at, self._options())

    def delete_branch(self, name: str) -> None:
        """Take a branch out of every cube; what only it had becomes garbage that `purge` collects.

        Raises
        ------
        BranchError
            If it is ``main``.
        NotFoundError
            If there is no such branch.
        """
        delete_branch(self._location, name, self._options())

    def purge(
        self,
        *,
        keep: Duration | None = None,
        keep_commits: int | None = None,
        cubes: Sequence[str] | None = None,
        dry_run: bool = False,
    ) -> Purge:
        """Let the past go that a rule does not keep, and collect what nothing refers to any more.

        The newest commit of every branch and all tags stay, and so does what open transactions, readers within the
        setting ``store.longest-reader``, listeners and other plug-ins still need. Writers of a cube wait meanwhile.

        Parameters
        ----------
        keep : str, float or timedelta, optional
            Keep every state of this long, such as ``"7 d"``.
        keep_commits : int, optional
            Keep so many of the newest commits. Of both rules the one that keeps more counts; without either the rule
            of the root does, see `retention`.
        cubes : sequence of str, optional
            Names of the cubes; all by default.
        dry_run : bool
            Only say what would be done.

        Returns
        -------
        Purge
            What was done in each cube.

        Raises
        ------
        LockedError
            If a writer holds a cube for too long.
        StoreError
            If a plug-in does not say what it needs, or the storage fails. What is needed is still there; the same
            again goes on.
        """
        from dtedask.store.upkeep.purge import PurgeOptions, purge_root
        from dtedask.store.upkeep.retention import Retention

        rule = None if keep is None and keep_commits is None else Retention.parse(keep, keep_commits)
        names = self.cubes() if cubes is None else list(cubes)
        return purge_root(self._location, names, rule, PurgeOptions.from_settings(), dry_run=dry_run)

    def verify(
        self,
        request: RequestLike = None,
        *,
        all_snapshots: bool = False,
        quick: bool = False,
        threads: int | None = None,
        on_progress: Callable[[VerifyProgress], None] | None = None,
    ) -> Verification:
        """Look for damage: flipped bits, missing and truncated objects of every kind.

        References, snapshots, transaction logs and manifests are compared with their digests, and every chunk with its
        checksum: fields, labels and coordinates alike. It goes on behind damage, and finds all of it.

        Parameters
        ----------
        request : Request, str or mapping, optional
            Chunks of these fields only; all else of their cubes is verified in any case.
        all_snapshots : bool
            Verify the past too: every kept snapshot, and all branches and tags.
        quick : bool
            Only look whether everything exists and is long enough, which finds no flipped bit.
        threads : int, optional
            Threads; as many as cores by default.
        on_progress : callable, optional
            Told how far it has come.

        Returns
        -------
        Verification
            Its `findings` name the objects, the fields, and what to do.
        """
        from dtedask.store.upkeep.verify import VerifyOptions, verify_root

        try:
            parsed = self._parse(request)
        except DamagedError:  # the document of the root, which is one of the findings
            parsed = Request.parse(request if request is not None else {})
        at = None if self._at is None else str(self._at)
        options = VerifyOptions(parsed, at, all_snapshots, quick, threads, on_progress)
        return verify_root(self._location, self._cubes_of(parsed), options)

    def relocate(self, old: str | os.PathLike[str] | None = None, *, dry_run: bool = False) -> Relocation:
        """Let the cubes of a root that was moved or copied refer to their messages where they are now.

        Every branch gets one commit, in which no field changes. Tags and older states stay as they are, and are read
        from here too. What is done already is not done again.

        Parameters
        ----------
        old : str or path, optional
            Where the root was; wherever cubes refer to whose packs are here, where it is left out.
        dry_run : bool
            Only count what would be changed.

        Returns
        -------
        Relocation
            References that were changed, by cube and branch.

        Raises
        ------
        NotFoundError
            If packs of the old place were not copied.
        """
        from dtedask.store.upkeep.relocate import relocate_root

        before = None if old is None else Location.parse(old)
        return relocate_root(self._location, self.cubes(), before, self._options(), dry_run=dry_run)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keep purge from taking what this handle shows, for reads longer than ``store.longest-reader``.

        Every cube is registered in the root, with the time of the state that the handle shows, until the block ends.

        Raises
        ------
        ReadOnlyError
            If the root cannot be written.
        """
        from dtedask.store.upkeep.registry import registered

        with ExitStack() as stack:
            # Registered first and looked at then: a purge between the two would not know of us.
            for cube in self.cubes():
                stack.enter_context(registered(self._location, cube, "reader"))
            for cube, snapshot in self._snapshots(self.cubes()):
                stack.enter_context(registered(self._location, cube, "reader", since=snapshot.written_at))
            yield

    @property
    def retention(self) -> Retention:
        """How long the past is kept: the rule of the root, or that of the settings where it has none."""
        from dtedask.store.upkeep.retention import RetentionDocument

        return RetentionDocument(self._location).read()

    def keep(self, keep: Duration | None = None, *, commits: int | None = None) -> None:
        """Write into the root how long its past is kept; without arguments all of it is, whatever the settings say."""
        from dtedask.store.upkeep.retention import Retention, RetentionDocument

        RetentionDocument(self._location).write(Retention.parse(keep, commits))

    def schema(self, version: int | None = None) -> Schema:
        """The schema of the root; what it would get where it does not exist.

        Parameters
        ----------
        version : int, optional
            An earlier one, counted from 1.

        Raises
        ------
        NotFoundError
            If there is no such version.
        """
        document = RootDocument(self._location)
        return document.schema(self._schema) if version is None else document.schema_of_version(version)

    def update_schema(self, schema: Schema | str | os.PathLike[str], *, doit: bool = True) -> SchemaUpdate:
        """Give the root another schema, under which every field of every branch and tag is found as before.

        Parameters
        ----------
        schema : Schema, str or path
            The new schema, or its file.
        doit : bool
            False to check and change nothing.

        Returns
        -------
        SchemaUpdate
            Version, changes and number of fields; nothing is written where nothing changes. The schema before stays in
            the root, and fields that were archived under it and not flushed are refused.

        Raises
        ------
        NotFoundError
            If there is no root.
        SchemaError
            If fields would not be found, or would be archived elsewhere; it names them.
        """
        from dtedask.store.schema import load_schema
        from dtedask.store.schema_update import update_schema

        return update_schema(self._location, load_schema(schema), setting("store.lock-timeout"), doit=doit)

    def _options(self) -> Options:
        return Options(
            durable=setting("store.durable"),
            lock_timeout_s=setting("store.lock-timeout"),
            commit_timeout_s=setting("store.commit-timeout"),
            batch_bytes=setting("ingest.batch-bytes"),
            branch=self._branch,
        )
