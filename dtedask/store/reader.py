"""Reading a root: which fields exist, and the fields themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from dtedask.core.errors import NotFoundError
from dtedask.request import Request
from dtedask.store import retrieval
from dtedask.store.control import Control, Verb
from dtedask.store.location import Location, RootFiles
from dtedask.store.repository import snapshot_at
from dtedask.store.selection import Record, Selection, select

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.store.schema import Schema
    from dtedask.store.snapshot import Snapshot

# `Reader.list` hides the built-in name inside the class.
Names = list[str]
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
    """

    def __init__(
        self,
        location: Location,
        *,
        schema: Schema | str | os.PathLike[str] | None = None,
        at: str | datetime | None = None,
    ) -> None:
        self._location = location
        self._schema = schema
        self._at = at

    def __getstate__(self) -> dict[str, Any]:
        return {"location": self._location, "schema": self._schema, "at": self._at}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["location"], schema=state["schema"], at=state["at"])  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"<dtedask.Store {self.root}{f' at {self._at}' if self._at else ''}>"

    def _repr_html_(self) -> str:
        from dtedask.store.html import store_html

        return store_html(self)

    @property
    def root(self) -> str:
        """Path or URL of the root."""
        return self._location.url

    def at(self, at: str | datetime) -> Self:
        """Return this root as it was at a moment, snapshot or tag."""
        return type(self)(self._location, schema=self._schema, at=at)

    def cubes(self) -> Names:
        """Names of the cubes, sorted.

        Raises
        ------
        NotFoundError
            If there is no root.
        """
        return RootFiles(self._location).cubes()

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

    def list(self, request: RequestLike = None) -> Iterator[Record]:
        """Fields that exist, cube by cube, each variable sorted by its axes; nothing where nothing matches."""
        for selection in self.select(request):
            yield from selection.records()

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
        from dtedask.store.dataset import dataset_of

        selections = self._checked(request, allow_missing)
        return dataset_of(self._location, retrieval.single_group(selections))

    def retrieve_tree(self, request: RequestLike = None, allow_missing: bool = False) -> xr.DataTree:
        """Fields of any number of groups as a tree: cube, then group."""
        import xarray as xr

        from dtedask.store.dataset import dataset_of

        parts = retrieval.by_group(self._checked(request, allow_missing))
        datasets = {f"{cube}/{group}": dataset_of(self._location, found) for (cube, group), found in parts.items()}
        return xr.DataTree.from_dict(datasets)

    def to_grib(self, request: RequestLike = None, allow_missing: bool = False) -> Iterator[bytes]:
        """Fields as GRIB2 messages, encoded anew."""
        from dtedask.store.encoding import encode_record

        for selection in self._checked(request, allow_missing):
            for record in selection.records():
                yield encode_record(record)

    def _parse(self, request: RequestLike) -> Request:
        """Read a request; None takes everything."""
        return Request.parse(request if request is not None else {})

    def _control(self) -> Control:
        return Control(self._location)

    def _snapshot(self, cube: str) -> Snapshot:
        return snapshot_at(self._location, cube, self._at)

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

    def _cubes_of(self, request: Request) -> Names:
        return [name for name in self.cubes() if retrieval.cube_may_match(name, request)]

    def _checked(self, request: RequestLike, allow_missing: bool) -> Selections:
        parsed = self._parse(request)
        selections = list(self.select(parsed, verb="retrieve"))
        if not selections:
            raise retrieval.no_match(parsed, self)
        if not allow_missing:
            retrieval.check_complete(parsed, selections, self)
        return selections
