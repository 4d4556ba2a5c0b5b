"""Reading a root: which fields exist, and the fields themselves."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from dtedask.core.commit import Commit
from dtedask.core.errors import NotFoundError, ReadOnlyError
from dtedask.request import Language, Request
from dtedask.store import missing, ranks, retrieval
from dtedask.store.control import Control, Verb
from dtedask.store.handles import Head, commits_between, heads_of, pinned_snapshot
from dtedask.store.listing import Listing, Place, places
from dtedask.store.location import Location, RootFiles
from dtedask.store.masked import masked_selections
from dtedask.store.opaque import check_fields
from dtedask.store.repository import BRANCH, snapshot_at
from dtedask.store.roots import RootDocument
from dtedask.store.selection import Record, Selection, select

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.store.explain import Explanation
    from dtedask.store.follow import Follower
    from dtedask.store.schema import Schema
    from dtedask.store.snapshot import Snapshot

# `Reader.list` hides the built-in name inside the class.
Names = list[str]
Commits = list[Commit]
Selections = list[Selection]
RequestLike = Request | str | Mapping[str, Any] | None


class Reader:
    """The cubes of one root, as readers see them.

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
        return type(self)(self._location, **(Reader._state(self) | changes))

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

    def select(self, request: RequestLike = None, *, verb: Verb = "list") -> Iterator[Selection]:
        """Fields that a request takes, one selection a variable.

        Parameters
        ----------
        request : Request, str or mapping, optional
            What to select.
        verb : {"list", "retrieve", "wipe"}
            What for.

        Raises
        ------
        RequestError
            If a short name in the request stands for several parameters that exist.
        ControlledError
            If one of the fields is locked for that.
        """
        parsed = self._parse(request)
        snapshots = self._snapshots(self._cubes_of(parsed))
        found = [part for cube, snapshot in snapshots for part in select(snapshot, cube, parsed)]
        retrieval.check_ambiguous(parsed, found)
        retrieval.warn_dropped(parsed, found)
        self._control().check_selections(verb, found)
        return iter(found)

    @overload
    def list(self, request: RequestLike = None, *, masked: bool = False, depth: Literal[3] = 3) -> Listing[Record]: ...
    @overload
    def list(self, request: RequestLike = None, *, masked: bool = False, depth: Literal[1, 2]) -> Listing[Place]: ...
    def list(
        self, request: RequestLike = None, *, masked: bool = False, depth: Literal[1, 2, 3] = 3
    ) -> Listing[Record] | Listing[Place]:
        """Fields that exist, cube by cube, each variable sorted by its axes; nothing where nothing matches.

        Keys that the request leaves out stand for all of their values.

        Parameters
        ----------
        request : Request, str or mapping, optional
            Which fields; all by default.
        masked : bool
            Whether to add, behind those of each cube, the fields of older snapshots that were replaced or wiped since.
        depth : {1, 2, 3}
            3 for fields, 2 for the groups that hold them, 1 for the cubes.

        Returns
        -------
        Listing of Record, or of Place
            An iterator, read as it goes on. `to_dataframe`, `to_json_lines` and `compact` make something else of it.
        """
        parsed = self._parse(request)
        what = f"{str(parsed) or 'everything'} in {self.root}"
        if depth < 3:
            return Listing(places(self._selected(parsed, masked), depth), what)
        return Listing(
            (one for part in self._selected(parsed, masked) for one in part.records()), what, parsed.language
        )

    def inspect(self, request: RequestLike) -> Listing[Record]:
        """Fields that a full request names, in its order.

        Parameters
        ----------
        request : Request, str or mapping
            Names every key that its fields have, each with one or several values.

        Returns
        -------
        Listing of Record
            Nested in MARS' order of keys, the last key runs fastest; values stand in the order of the request.

        Raises
        ------
        RequestError
            If the request leaves a key out; `list` takes such requests.
        MissingFieldsError
            If one of the fields does not exist; it lists all that do not.
        """
        parsed = self._parse(request)
        selections = list(self.select(parsed))
        missing.check_full(parsed, selections, self)
        return Listing(ranks.in_order(parsed, selections), f"{parsed} in {self.root}", parsed.language)

    def explain(self, request: RequestLike) -> Explanation:
        """Say what a request takes, and of each key what exists, what does not, and what is nearest.

        Nothing is read of the fields. What may not be listed is not told.

        Examples
        --------
        >>> import dtedask
        >>> store = dtedask.open("memory://explained")
        >>> store.explain("class=od,step=18").fields
        0
        """
        from dtedask.store.explain import explain

        return explain(self._parse(request), self, RootDocument(self._location).schema(self._schema))

    def axes(self, request: RequestLike = None) -> dict[str, Names]:
        """Values of every key over the fields that a request takes, sorted."""
        return retrieval.axes_of(self.select(request))

    def retrieve(self, request: RequestLike, allow_missing: bool = False) -> xr.Dataset:
        """Fields of one group as a lazy dataset.

        Parameters
        ----------
        request : Request, str or mapping
            What to retrieve.
        allow_missing : bool
            Whether values that the request names may be absent.

        Raises
        ------
        NoMatchError
            If nothing matches; it names the key without a match.
        MissingFieldsError
            If a value that is named does not exist and `allow_missing` is False.
        SeveralGroupsError
            If the fields stand in several groups: add keys, or use `retrieve_tree`.
        ControlledError
            If one of the fields is locked for reading.
        """
        parsed = self._parse(request)
        return self._dataset(parsed, retrieval.single_group(self._checked(parsed, allow_missing)))

    def retrieve_tree(self, request: RequestLike = None, allow_missing: bool = False) -> xr.DataTree:
        """Fields of any number of groups as a tree: cube, then group."""
        import xarray as xr

        parsed = self._parse(request)
        parts = retrieval.by_group(self._checked(parsed, allow_missing))
        datasets = {f"{cube}/{group}": self._dataset(parsed, found) for (cube, group), found in parts.items()}
        return xr.DataTree.from_dict(datasets)

    def to_grib(self, request: RequestLike = None, allow_missing: bool = False) -> Iterator[bytes]:
        """Fields as GRIB2 messages, encoded anew, in the order of the request as `inspect` has it."""
        from dtedask.store.encoding import encode_record

        for record in self.fields(request, allow_missing):
            yield encode_record(record)

    def fields(self, request: RequestLike = None, allow_missing: bool = False) -> Iterator[Record]:
        """What `to_grib` gives, not read yet: records of fields, in the order of the request.

        Raises
        ------
        NoMatchError
            If nothing matches.
        MissingFieldsError
            If a value that is named does not exist and `allow_missing` is False.
        ControlledError
            If one of the fields is locked for reading.
        """
        parsed = self._parse(request)
        selections = self._checked(parsed, allow_missing)
        check_fields(selections)
        return ranks.in_order(parsed, selections)

    def read(self, request: RequestLike = None, allow_missing: bool = False) -> Iterator[tuple[Record, bytes]]:
        """What was archived, as bytes: opaque bytes as they came, fields as GRIB2 messages, encoded anew.

        Yields
        ------
        tuple of (Record, bytes)
            In the order of the request, as `inspect` has it.

        Raises
        ------
        NoMatchError
            If nothing matches.
        MissingFieldsError
            If a value that is named does not exist and `allow_missing` is False.
        """
        from dtedask.store.read import read

        parsed = self._parse(request)
        return read(ranks.in_order(parsed, self._checked(parsed, allow_missing)))

    def _parse(self, request: RequestLike) -> Request:
        """Read a request; None takes everything."""
        return Request.parse(request if request is not None else {}, language=self._language())

    def _language(self) -> Language | None:
        """Keys and types of the root that are not as in MARS."""
        return RootDocument(self._location).schema(self._schema).language

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

    def _selected(self, request: Request, masked: bool) -> Iterator[Selection]:
        """Selections of a listing; nothing is read before the first is asked for."""
        found = [*self.select(request)]
        if not masked:
            yield from found
            return
        heads = dict(self._snapshots(self._cubes_of(request))) | {one.cube: one.snapshot for one in found}
        for cube, snapshot in heads.items():
            yield from (one for one in found if one.cube == cube)
            yield from masked_selections(self._location, cube, snapshot, request)

    def _checked(self, request: Request, allow_missing: bool) -> Selections:
        selections = list(self.select(request, verb="retrieve"))
        if not selections:
            raise retrieval.no_match(request, self)
        if not allow_missing:
            missing.check_complete(request, selections, self)
        return selections

    def _dataset(self, request: Request, selections: Sequence[Selection]) -> xr.Dataset:
        """A lazy dataset of fields of one group, its axes and variables in the order of the request."""
        from dtedask.store.dataset import dataset_of

        return dataset_of(
            self._location,
            ranks.by_param(request, selections),
            used=ranks.used_slots_of(selections),
            orders=ranks.axis_orders(request, selections),
        )
