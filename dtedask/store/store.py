"""The store: every cube of a root behind one handle."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dtedask.core.commit import Commit
from dtedask.core.errors import NotFoundError
from dtedask.core.settings import setting
from dtedask.request import Request
from dtedask.store import retrieval
from dtedask.store.archive import Archive
from dtedask.store.commits import history_of
from dtedask.store.execute import Execution
from dtedask.store.location import Location, RootFiles
from dtedask.store.repository import snapshot_at
from dtedask.store.roots import RootDocument
from dtedask.store.selection import Record, Selection, select
from dtedask.store.transaction import Options

if TYPE_CHECKING:
    import xarray as xr
    from typing_extensions import TypeIs

    from dtedask.grib import Message
    from dtedask.store.schema import Schema
    from dtedask.store.snapshot import Snapshot

# `Store.list` hides the built-in name inside the class.
Commits = list[Commit]
Failures = list[Exception]
Names = list[str]
Selections = list[Selection]
RequestLike = Request | str | Mapping[str, Any] | None


def open(  # noqa: A001 - the name that users know
    root: str | os.PathLike[str],
    schema: Schema | str | os.PathLike[str] | None = None,
    at: str | datetime | None = None,
) -> Store:
    """Open a root.

    Nothing is created: the root comes into being with the first field that is archived.

    Parameters
    ----------
    root : str or path
        A folder, ``s3://bucket/prefix`` or ``memory://name``.
    schema : Schema, str or path, optional
        Schema, or its YAML file, for a root that does not exist yet. A root keeps its schema.
    at : str or datetime, optional
        Read cubes as they were: a moment (UTC), a snapshot's identifier or a tag.

    Returns
    -------
    Store
        Picklable and safe to share between threads.
    """
    return Store(Location.parse(root), schema=schema, at=at)


class Store:
    """The cubes of one root.

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
        self._lock = threading.RLock()
        self._archive: Archive | None = None
        self.hook_failures: Failures = []

    def __getstate__(self) -> dict[str, Any]:
        if self.dirty:
            raise TypeError("A store with fields that wait for flush() cannot be pickled.")
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

    @property
    def dirty(self) -> bool:
        """Whether fields wait for `flush`."""
        return self._archive is not None and self._archive.waiting > 0

    def at(self, at: str | datetime) -> Store:
        """Return this root as it was at a moment, snapshot or tag."""
        return Store(self._location, schema=self._schema, at=at)

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

    def archive(
        self,
        fields: bytes | Message | Iterable[Message] | xr.DataArray | xr.Dataset,
        key: Mapping[str, object] | None = None,
    ) -> int:
        """Take fields; they become visible with `flush`, all of a cube at once. A call that fails takes none.

        Parameters
        ----------
        fields : bytes, Message, iterable of Message, DataArray or Dataset
            GRIB messages back to back, references to messages, or arrays whose last dimensions are those of their grid.
            Of a dataset that was retrieved, gaps become fields of missing points.
        key : mapping, optional
            MARS keys of an array, as far as its coordinates and attributes do not say them.

        Returns
        -------
        int
            Number of fields.

        Raises
        ------
        GribError
            If bytes are no GRIB.
        FieldError
            If a field lacks a key, or `KeyCollisionError` if two different fields have the same keys.
        """
        with self._lock:
            if _is_xarray(fields):
                from dtedask.store.arrays import arrays_of, fields_of_array

                parts = (field for array in arrays_of(fields) for field in fields_of_array(array, key or {}))
                return self._writer().add_arrays(parts)
            return self._writer().add_messages(fields, key)

    def flush(self, message: str = "", *, sources: Iterable[str] = (), execution: Execution | None = None) -> Commits:
        """Commit what was archived: one snapshot for each cube, then the plug-ins are told.

        Parameters
        ----------
        message : str
            What to say of it in the history.
        sources : iterable of str
            Where the fields came from, such as names of files.
        execution : Execution, optional
            Where the tasks run; threads of this process by default.

        Returns
        -------
        list of Commit
            Those that wrote something; fields that stand there already with the same values change nothing. Failures
            of plug-ins are logged and kept in `hook_failures`: a commit cannot be undone by them.
        """
        with self._lock:
            commits, failures = self._writer().flush(
                message, tuple(sources), execution or Execution(threads=setting("ingest.threads"))
            )
            self.hook_failures = failures
            return commits

    def discard(self) -> None:
        """Forget what was archived and not flushed."""
        with self._lock:
            self._archive = None

    @property
    def unchanged(self) -> int:
        """Fields of the last flush that stood there already with the same values."""
        return self._archive.unchanged if self._archive else 0

    def select(self, request: RequestLike = None) -> Iterator[Selection]:
        """Fields that a request takes, one selection a variable.

        Raises
        ------
        RequestError
            If a short name in the request stands for several parameters that exist.
        """
        parsed = Request.parse(request if request is not None else {})
        snapshots = self._snapshots(self._cubes_of(parsed))
        found = [part for cube, snapshot in snapshots for part in select(snapshot, cube, parsed)]
        retrieval.check_ambiguous(parsed, found)
        retrieval.warn_dropped(parsed, found)
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

    def history(self, cube: str | None = None, *, after: int = 0) -> Commits:
        """Commits, oldest first; of one cube, or of all in order of time.

        Parameters
        ----------
        cube : str, optional
            Name of the cube; all where it is left out.
        after : int
            Only those that follow the commit of this number in the history of their cube.
        """
        names = [cube] if cube is not None else self.cubes()
        commits = [commit for name in names for commit in history_of(self._location, name, after=after)]
        return sorted(commits, key=lambda commit: (commit.time, commit.cube))

    def schema(self) -> Schema:
        """The schema of the root; what it would get where it does not exist."""
        return RootDocument(self._location).schema(self._schema)

    def _writer(self) -> Archive:
        if self._at is not None:
            from dtedask.core.errors import ReadOnlyError

            raise ReadOnlyError("A store opened with at= shows the past; it cannot be written.")
        if self._archive is None:
            schema = RootDocument(self._location).create(self._schema)
            self._archive = Archive(self._location, schema, _options())
        return self._archive

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
        parsed = Request.parse(request if request is not None else {})
        selections = list(self.select(parsed))
        if not selections:
            raise retrieval.no_match(parsed, self)
        if not allow_missing:
            retrieval.check_complete(parsed, selections, self)
        return selections


def _is_xarray(fields: object) -> TypeIs[xr.DataArray | xr.Dataset]:
    """Whoever holds an array has imported xarray; GRIB goes in without its 40 MB and half a second."""
    xr = sys.modules.get("xarray")
    return xr is not None and isinstance(fields, xr.DataArray | xr.Dataset)


def _options() -> Options:
    return Options(
        durable=setting("store.durable"),
        lock_timeout_s=setting("store.lock-timeout"),
        commit_timeout_s=setting("store.commit-timeout"),
        batch_bytes=setting("ingest.batch-bytes"),
    )
