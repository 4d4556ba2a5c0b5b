"""A handle of a root: which state of which cubes it shows."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from dtedask.core.commit import Commit
from dtedask.core.errors import NotFoundError, ReadOnlyError
from dtedask.request import Language, Request
from dtedask.store import retrieval
from dtedask.store.control import Control
from dtedask.store.handles import Head, commits_between, heads_of, pinned_snapshot
from dtedask.store.location import Location
from dtedask.store.repository import BRANCH, snapshot_at
from dtedask.store.root_files import RootFiles
from dtedask.store.roots import RootDocument

if TYPE_CHECKING:
    from dtedask.store.follow import Follower
    from dtedask.store.schema import Schema
    from dtedask.store.snapshot import Snapshot

Names = list[str]
Commits = list[Commit]
RequestLike = Request | str | Mapping[str, Any] | None


class RootHandle:
    """A root and the state of it that is looked at: the newest commits, pinned ones, a branch or the past.

    Parameters
    ----------
    location : Location
        The root.
    schema : Schema, str or path, optional
        Schema of a root that does not exist yet.
    at : str or datetime, optional
        Read cubes as they were.
    branch : str
        The branch that is read, and written.
    heads : mapping of str to Head, optional
        Where each cube stood when the handle looked last.
    is_pinned : bool
        Whether the handle keeps to those heads.
    """

    def __init__(
        self,
        location: Location,
        *,
        schema: Schema | str | os.PathLike[str] | None = None,
        at: str | datetime | None = None,
        branch: str = BRANCH,
        heads: Mapping[str, Head] | None = None,
        is_pinned: bool = False,
    ) -> None:
        self._location = location
        self._schema = schema
        self._at = at
        self._branch = branch
        self._heads = heads
        self._is_pinned = is_pinned

    def _state(self) -> dict[str, Any]:
        return {
            "schema": self._schema,
            "at": self._at,
            "branch": self._branch,
            "heads": self._heads,
            "is_pinned": self._is_pinned,
        }

    def _with(self, **changes: Any) -> Self:
        """Another handle of the same root, without what waits in this one."""
        return type(self)(self._location, **(RootHandle._state(self) | changes))

    def __getstate__(self) -> dict[str, Any]:
        return {"location": self._location, **self._state()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __repr__(self) -> str:
        branch = f" branch {self._branch}" if self._branch != BRANCH else ""
        return f"<dtedask.Store {self.root}{branch}{f' at {self._at}' if self._at else ''}>"

    def _repr_html_(self) -> str:
        from dtedask.store.inspection.overview import store_html

        return store_html(repr(self).strip("<>"), self._location, self._all_snapshots(), self._control().locks())

    @property
    def root(self) -> str:
        """Path or URL of the root."""
        return self._location.url

    @property
    def roots(self) -> tuple[str, ...]:
        """Paths or URLs of all roots behind the handle: one, but for a roots document."""
        return (self.root,)

    def at(self, at: str | datetime) -> Self:
        """Return this root as it was at a moment, snapshot or tag."""
        return self._with(at=at, heads=None, is_pinned=False)

    def pinned(self) -> Self:
        """Return a handle that keeps to the newest commits of now, whatever is committed later.

        It is for reading. `refresh` moves it on. What it reads is the same in every thread and process that it is
        handed to.
        """
        return (
            self if self._at is not None else self._with(heads=heads_of(self._location, self._branch), is_pinned=True)
        )

    def refresh(self) -> Commits:
        """Look at the newest commits, and return those that came since the last look.

        Returns
        -------
        list of Commit
            In order. Handles look for the first time when `refresh` is first called, which returns nothing, or with
            `pinned`.

        Raises
        ------
        ReadOnlyError
            If the handle shows the past, which does not move.
        """
        if self._at is not None:
            raise ReadOnlyError("A store opened with at= shows the past, which does not move.")
        before, self._heads = self._heads, heads_of(self._location, self._branch)
        return [] if before is None else commits_between(self._location, before, self._heads)

    def follow(
        self,
        after: Mapping[str, int] | None = None,
        *,
        cubes: Iterable[str] | None = None,
        stop: threading.Event | None = None,
        timeout_s: float | None = None,
    ) -> Follower:
        """Wait for commits and iterate over them, as soon as they can be read.

        Each commit comes once; those of a cube come in their order, those of several cubes found together by time. The
        root, and any cube, may come into being later.

        Parameters
        ----------
        after : mapping of str to int, optional
            Number of the last known commit of each cube; a cube that it lacks begins with its first one. None begins
            with what is committed from now on. `Follower.position` says where an iteration stands.
        cubes : iterable of str, optional
            Names of cubes; all where it is left out.
        stop : threading.Event, optional
            Ends the iteration when it is set, after what was committed until then.
        timeout_s : float, optional
            Ends the iteration when no commit came for so many seconds.

        Examples
        --------
        >>> import dtedask
        >>> list(dtedask.open("memory://followed").follow(after={}, timeout_s=0))
        []
        """
        from dtedask.store.follow import Follower

        return Follower(self._location, self._branch, after=after, cubes=cubes, stop=stop, timeout_s=timeout_s)

    def cubes(self) -> Names:
        """Names of the cubes, sorted.

        Raises
        ------
        NotFoundError
            If there is no root.
        """
        return self._cubes_of(Request({}))

    def groups(self, cube: str) -> Names:
        """Names of the groups of a cube, sorted."""
        return list(self._snapshot(cube).group_names)

    def _parse(self, request: RequestLike) -> Request:
        """Read a request; None takes everything."""
        return Request.parse(request if request is not None else {}, language=self._language())

    def _language(self) -> Language | None:
        """Keys and types of the root that are not as in MARS."""
        return self._schema_now().language

    def _schema_now(self) -> Schema:
        return RootDocument(self._location).schema(self._schema)

    def _control(self) -> Control:
        return Control(self._location)

    def _snapshot(self, cube: str) -> Snapshot:
        if self._is_pinned:
            return pinned_snapshot(self._location, cube, self._heads or {})
        return snapshot_at(self._location, cube, self._at, self._branch)

    def _snapshots(self, cubes: Names) -> Iterator[tuple[str, Snapshot]]:
        """Cubes with their snapshots; a cube that has none at the wanted place in time is left out, if others have."""
        failed: NotFoundError | None = None
        is_found = False
        for cube in cubes:
            try:
                yield cube, self._snapshot(cube)
                is_found = True
            except NotFoundError as error:
                failed = error
        if failed is not None and not is_found:
            raise failed

    def _all_snapshots(self) -> Iterator[tuple[str, Snapshot]]:
        yield from self._snapshots(self.cubes())

    def _cubes_of(self, request: Request) -> Names:
        """Names of the cubes that can hold fields of a request, sorted; others are not looked at."""

        def matches(name: str) -> bool:
            return retrieval.cube_may_match(name, request)

        if self._is_pinned:
            return sorted(filter(matches, self._heads or {}))
        # A root with a language of its own may write values in several ways.
        named = [request.named("class"), request.named("stream")] if request.language is None else []
        return RootFiles(self._location).cubes(named, matches)
