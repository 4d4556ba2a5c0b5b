"""The store: every cube of a root behind one handle."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from dtedask.core.commit import Commit
from dtedask.core.errors import ReadOnlyError, RequestError
from dtedask.core.settings import setting
from dtedask.store.archive import Archive, Messages
from dtedask.store.branches import check_branch
from dtedask.store.execute import Execution
from dtedask.store.location import Location, is_roots_document
from dtedask.store.past.going_back import back_to, named_commits, some_commits, without
from dtedask.store.past.rollback import Rollback, go_back
from dtedask.store.placed import Placed, places_of
from dtedask.store.referrer import Referrer
from dtedask.store.repository import BRANCH, cached_snapshot
from dtedask.store.retrieval import cube_may_match, no_match
from dtedask.store.root_handle import Names, RequestLike
from dtedask.store.roots import RootDocument
from dtedask.store.wipe import MINIMUM_KEYS, Wipe, check_minimum, survey, wipe

if TYPE_CHECKING:
    import xarray as xr
    from typing_extensions import TypeIs

    from dtedask.grib import Field, FieldDescription, Message
    from dtedask.request import Request
    from dtedask.store.schema import Schema
    from dtedask.store.series.rechunk import Rechunk
    from dtedask.store.snapshot import Snapshot
    from dtedask.store.views.patch import Patch

Commits = list[Commit]
Failures = list[Exception]


def open(  # noqa: A001 - the name that users know
    root: str | os.PathLike[str],
    schema: Schema | str | os.PathLike[str] | None = None,
    at: str | datetime | None = None,
    branch: str = BRANCH,
    on_unavailable: Literal["raise", "warn"] | None = None,
) -> Store:
    """Open a root, or several as one.

    Nothing is created: the root comes into being with the first field that is archived.

    Parameters
    ----------
    root : str or path
        A folder, ``s3://bucket/prefix`` or ``memory://name``; or the file of a roots document, ``roots.yaml``, which
        names several.
    schema : Schema, str or path, optional
        Schema, or its YAML file, for a root that does not exist yet. A root keeps its schema.
    at : str or datetime, optional
        Read cubes as they were: a moment (UTC), a snapshot's identifier or a tag.
    branch : str
        Read and write this branch, which `Store.create_branch` made.
    on_unavailable : {"raise", "warn"}, optional
        What reading does where one of several roots does not answer: `RootUnavailableError`, or a warning, and it goes
        on with the others. By default as the document says, else the setting ``store.on-unavailable``.

    Returns
    -------
    Store
        Picklable and safe to share between threads.

    Raises
    ------
    DocumentError
        If the roots document is wrong.
    """
    if is_roots_document(root):
        from dtedask.store.several.document import load_roots
        from dtedask.store.several.keeping import SeveralRoots

        options: Any = {"schema": schema, "at": at, "branch": branch, "on_unavailable": on_unavailable}
        return SeveralRoots(load_roots(Path(root)), name=str(Path(root).expanduser().absolute()), **options)
    if on_unavailable is not None:
        raise RequestError(f"on_unavailable is for a roots document; {os.fspath(root)!r} is one root.")
    return Store(Location.parse(root), schema=schema, at=at, branch=branch)


class Store(Referrer):
    """The cubes of one root.

    Reading stands in `Reader`, keeping in `Keeper`, copying in `Mover`, referring to files in `Referrer`; here is what
    writes.

    A handle is a context manager: leaving it commits what was archived, leaving it by an exception publishes nothing.

    Parameters
    ----------
    location : Location
        The root.
    options
        As of `Reader`.
    """

    def __init__(self, location: Location, **options: Any) -> None:
        super().__init__(location, **options)
        self._lock = threading.RLock()
        self._archive: Archive | None = None
        self.hook_failures: Failures = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()
        elif self.dirty:
            self.flush()

    def __del__(self) -> None:
        archive = getattr(self, "_archive", None)
        if archive is not None and archive.waiting and not sys.is_finalizing():
            archive.close()
            warnings.warn(
                f"{self!r} is gone with {archive.waiting} fields that were archived and never flushed; they are lost.",
                ResourceWarning,
                stacklevel=2,
            )

    def _state(self) -> dict[str, Any]:
        if self.dirty:
            raise TypeError("A store with fields that wait for flush() cannot be pickled.")
        return super()._state()

    @property
    def dirty(self) -> bool:
        """Whether fields wait for `flush`."""
        archive = self._archive
        return archive is not None and archive.waiting > 0

    def _cubes_of(self, request: Request) -> Names:
        """Names of cubes; those too whose first fields wait for `flush` in this handle."""
        names = super()._cubes_of(request)
        archive = self._archive
        waiting = archive.cubes if archive is not None else ()
        return sorted({*names, *(name for name in waiting if cube_may_match(name, request))}) if waiting else names

    def apart(self) -> tuple[Store, ...]:
        """Return a handle for each root alone: one, but for a roots document."""
        return (self,)

    def archive(
        self,
        fields: Messages | xr.DataArray | xr.Dataset | np.ndarray,
        key: Mapping[str, object] | Iterable[tuple[str, object]] | None = None,
    ) -> int:
        """Take fields; they become visible with `flush`, all of a cube at once. A call that fails takes none.

        Parameters
        ----------
        fields : bytes, path, binary stream, Message, iterable of bytes or Message, DataArray, Dataset or numpy.ndarray
            GRIB messages back to back; a file of them or a reference to one, which must stay as it is until `flush`; or
            arrays whose last dimensions are those of their grid.
            Of a dataset that was retrieved, gaps become fields of missing points. Bytes that come with keys and do not
            begin with ``GRIB`` are stored as they are, as one item. A plain array is one field; the key ``grid`` says
            where its points are.
        key : mapping or iterable of pairs, optional
            MARS keys of opaque bytes; of an array as far as its coordinates and attributes do not say them; of messages
            what each of them must say.

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
        key = dict(key) if key is not None else None
        with self._lock:
            if isinstance(fields, np.ndarray):
                from dtedask.store.plain import with_grid

                self._check_writable()
                fields, key = with_grid(fields, key or {}, self._with())
            if is_xarray(fields):
                from dtedask.store.arrays import arrays_of, fields_of_array

                language = self._language()
                parts = (one for array in arrays_of(fields) for one in fields_of_array(array, key or {}, language))
                return self._writer().add_arrays(parts)
            return self._writer().add_messages(fields, key)

    def archive_fields(self, fields: Iterable[Field], *, ahead: bool = False) -> int:
        """Take fields that are in memory, with what describes them; else as `archive`.

        Parameters
        ----------
        fields : iterable of Field
            Each says itself all that a message would.
        ahead : bool
            Begin to encode them in the background, where fields come one by one and the flush is to be short.

        Returns
        -------
        int
            Number of fields.

        Raises
        ------
        FieldError
            If a field lacks a key, or `KeyCollisionError` if two different fields have the same keys.
        """
        with self._lock:
            return self._writer().add_arrays(fields, ahead=ahead)

    def refer(self, messages: Iterable[Message]) -> int:
        """Take messages of files as fields that are read where they lie; else as `archive`.

        Parameters
        ----------
        messages : iterable of Message
            As `dtedask.grib.scan` gives them for a file. Those that carry their bytes are copied.

        Returns
        -------
        int
            Number of fields.

        Raises
        ------
        FieldError
            If a field lacks a key; `flush` raises it if its variable holds encoded fields.
        """
        from dtedask.store.virtual.entries import entries_of

        with self._lock:
            writer = self._writer()
            return writer.add_entries(entries_of(messages, writer.schema))

    def flush(
        self,
        message: str = "",
        *,
        sources: Iterable[str] = (),
        notes: Mapping[str, str] | None = None,
        execution: Execution | None = None,
    ) -> Commits:
        """Commit what was archived: one snapshot for each cube, then the plug-ins are told.

        Parameters
        ----------
        message : str
            What to say of it in the history.
        sources : iterable of str
            Where the fields came from, such as names of files.
        notes : mapping of str to str, optional
            What the commits say to programs, as `Commit.notes`.
        execution : Execution, optional
            Where the tasks run; threads of this process by default.

        Returns
        -------
        list of Commit
            Those that wrote something; fields that stand there already with the same values change nothing. Failures
            of plug-ins are logged and kept in `hook_failures`: a commit cannot be undone by them.
        """
        with self._lock:
            if self._archive is None:
                self._check_writable()
                return []
            commits, failures = self._archive.flush(
                message,
                tuple(sources),
                execution or Execution(threads=setting("ingest.threads")),
                tuple((notes or {}).items()),
            )
            self.hook_failures = failures
            return commits

    def placed(self, fields: Iterable[FieldDescription]) -> tuple[Placed, ...]:
        """Say where fields stand that were archived and flushed by this handle.

        Parameters
        ----------
        fields : iterable of FieldDescription
            What was archived.

        Returns
        -------
        tuple of Placed
            In their order.

        Raises
        ------
        FieldError
            If a field fits into no cube.
        """
        with self._lock:
            addresses = [self._writer().address_of(field) for field in fields]
        return places_of(addresses, self._snapshot)

    def discard(self) -> None:
        """Forget what was archived and not flushed."""
        with self._lock:
            if self._archive is not None:
                self._archive.close()
            self._archive = None

    def wipe(self, request: RequestLike, *, doit: bool = False, minimum_keys: Sequence[str] = MINIMUM_KEYS) -> Wipe:
        """Take fields away, all of a cube at once; a dry run unless `doit`.

        Snapshots from before still show the fields until they are purged. Fields that wait for `flush` are not touched.

        Parameters
        ----------
        request : Request, str or mapping
            What to wipe.
        doit : bool
            Whether to do it; else the fields are only counted.
        minimum_keys : sequence of str
            Keys that the request must give values for.

        Returns
        -------
        Wipe
            The fields, as exact requests, and the commits.

        Raises
        ------
        RequestError
            If the request lacks one of the minimum keys.
        NoMatchError
            If nothing matches.
        ControlledError
            If a field is locked against it.
        """
        parsed = self._parse(request)
        check_minimum(parsed, minimum_keys)
        if doit:
            self._check_writable()
        published = self._with()
        found = list(published.select(parsed, verb="wipe"))
        if found and not doit:
            return survey(parsed, found)
        with self._lock:
            done, self.hook_failures = wipe(
                self._location, parsed, sorted({part.cube for part in found}), self._options()
            )
        if not done.fields:
            for part in published.select(parsed):
                if part.snapshot.seen_as:
                    raise ReadOnlyError(
                        f"The fields of {parsed} lie in {part.snapshot.cube} and are seen as {part.cube}.",
                        hint="Wipe them there, or undo the overlay: `dtedask store overlay --undo`.",
                    )
            raise no_match(parsed, published)
        return done

    def rechunk(
        self,
        request: RequestLike = None,
        layout: Literal["series"] = "series",
        *,
        memory: str | int = "1GB",
        rebuild: bool = False,
        dry_run: bool = False,
        execution: Execution | None = None,
    ) -> Rechunk:
        """Make the time series of complete runs: a second copy, of which a point over all steps is read in no time.

        Writers are not kept from writing meanwhile. Broken off, the same again makes the rest; what was made and whose
        fields are as they were is left alone. Fields that are written or wiped take their time series away.

        Parameters
        ----------
        request : Request, str or mapping, optional
            Which runs. The steps that it names are those that a run must have; without any it must have all those that
            any run of the variable at the same time of day has.
        layout : {"series"}
            What to make.
        memory : str or int
            What a process may take in all.
        rebuild : bool
            Whether to make those again that exist.
        dry_run : bool
            Only say what would be made.
        execution : Execution, optional
            Where the tasks run; this process by default.

        Raises
        ------
        NoMatchError
            If nothing matches.
        PlanError
            If one task needs more memory.
        """
        from dask.utils import parse_bytes

        from dtedask.store.series.rechunk import Rechunker

        self._check_writable()
        if layout != "series":
            raise RequestError(f"Fields cannot be rechunked into the layout {layout!r}.", hint="It is 'series'.")
        parsed, client = self._parse(request), execution.client if execution else None
        work = Rechunker(self._location, self._options(), self._with, parsed, parse_bytes(memory), client, rebuild)
        plans, found = work.plan()
        if not plans and not found.stepless:
            raise no_match(parsed, self._with())
        if not dry_run:
            found = work.run()
            self.hook_failures = work.failures
        return found

    def patch(
        self,
        request: RequestLike,
        keys: Mapping[str, object],
        *,
        keep: bool = False,
        doit: bool = False,
        message: str = "",
        execution: Execution | None = None,
    ) -> Patch:
        """Give fields other values of some keys; a dry run unless `doit`.

        They are archived under the new keys, in one commit a cube for so many bytes of fields as the setting
        ``store.copy-bytes`` says, and leave the old ones by the next commit. Stopped in between, the same call goes on.
        Messages get headers that ecCodes writes anew, other layouts keep every bit. Fields that stand under the new
        keys are replaced.

        Parameters
        ----------
        request : Request, str or mapping
            Which fields.
        keys : mapping
            Keys and their new values, such as ``{"expver": "0002"}``; all but those that say what a field is: param,
            levtype, grid, step, timespan, stattype.
        keep : bool
            Whether the fields stay under the old keys too.
        doit : bool
            Whether to do it; else everything is only checked.
        message : str
            What the history says.
        execution : Execution, optional
            Where tasks run; threads of this process by default.

        Returns
        -------
        Patch
            Counts, the old keys as exact requests, and the commits.

        Raises
        ------
        RequestError
            If a key cannot be patched.
        NoMatchError
            If nothing matches.
        FieldError
            If a field lacks one of the keys, or `KeyCollisionError` if two fields would be one.
        ControlledError
            If a field is locked against it.
        GribUnsupportedError
            If a message cannot say the new keys.
        """
        from dtedask.store.views.patch import Patching, changed_keys

        self._check_writable()
        published = self._with()
        schema = self.schema()
        changed = changed_keys(keys, schema)
        parsed = self._parse(request)
        found = [part for part in published._checked(parsed, allow_missing=False) if not part.snapshot.seen_as]  # noqa: SLF001 - of the same class
        if not found:
            raise no_match(parsed, published)
        patching = Patching(self._location, schema, self._options(), parsed, found, changed)
        if not doit:
            return patching.plan(keep=keep)
        with self._lock:
            done, self.hook_failures = patching.run(
                keep=keep,
                most_bytes=setting("store.copy-bytes"),
                execution=execution or Execution(threads=setting("ingest.threads")),
                message=message,
            )
        return done

    def rollback(
        self,
        to: str | datetime | None = None,
        *,
        commit: str | Commit | None = None,
        commits: Iterable[str | Commit] = (),
        source: str = "",
        author: str = "",
        cube: str | None = None,
        doit: bool = False,
        message: str = "",
    ) -> Rollback:
        """Go back to an older state, or undo single commits; a dry run unless `doit`.

        Going back makes the state of `to` the newest one, by a commit that follows it: nothing is copied. Undoing takes
        away what the commits wrote and gives back what they replaced or wiped; fields that were written or wiped since
        stay as they are and are reported. What is left behind can be opened until it is purged.

        Parameters
        ----------
        to : str or datetime, optional
            A moment, tag or snapshot. A cube that did not exist then loses its fields.
        commit, commits : str or Commit, optional
            Snapshots of the commits to undo.
        source, author : str
            Undo all commits from this source or by this author, as `history` finds them.
        cube : str, optional
            Name of the cube; all where it is left out.
        doit : bool
            Whether to do it.
        message : str
            What to say of it in the history.

        Returns
        -------
        Rollback
            What was restored, wiped and left, and how to undo it.

        Raises
        ------
        RequestError
            If not exactly one of `to`, commits, or source and author is given.
        NotFoundError
            If there is no such state or commit, or the state before a commit was purged.
        NoMatchError
            If no commit is from the source or by the author.
        """
        self._check_writable()
        chosen = [*([commit] if commit is not None else []), *commits]
        if (to is not None) + bool(chosen) + bool(source or author) != 1:
            raise RequestError(
                "A rollback needs a state to go back to, or commits to undo, and not both.",
                hint="Give to=, commit=, commits=, or source= and author=.",
            )
        names = [cube] if cube is not None else self.cubes()
        if to is not None:
            ways = back_to(self._location, names, to, self._options(), message)
        else:
            history = self.history(cube, source=source, author=author)
            wanted = named_commits(history, chosen) if chosen else some_commits(history, source, author)
            execution = Execution(threads=setting("ingest.threads"))
            ways = without(self._location, wanted, self._options(), message, execution)
        with self._lock:
            found, self.hook_failures = go_back(ways, doit=doit)
        return found

    @property
    def unchanged(self) -> int:
        """Fields of the last flush that stood there already with the same values."""
        return self._archive.unchanged if self._archive else 0

    def refresh(self) -> Commits:
        """See `Reader.refresh`; of several threads that share the handle, each commit is told to one."""
        with self._lock:
            return super().refresh()

    def _waiting(self) -> dict[str, int]:
        return self._archive.waiting_in if self._archive else {}

    def _writer(self) -> Archive:
        self._check_writable()
        if self._archive is None:
            schema = RootDocument(self._location).create(self._schema)
            check_branch(self._location, self._branch)
            self._archive = Archive(self._location, schema, self._options())
        elif not self._archive.waiting:
            self._archive.schema = RootDocument(self._location).schema(self._schema)
        return self._archive

    def _snapshot(self, cube: str) -> Snapshot:
        """What waits for a flush is seen by the handle that it waits in, and by no other."""
        archive = self._archive
        if archive is not None and archive.waits_for(cube):
            with self._lock:
                if archive.waits_for(cube):
                    return cached_snapshot(self._location, cube, archive.staged(cube))
        return super()._snapshot(cube)


def is_xarray(fields: object) -> TypeIs[xr.DataArray | xr.Dataset]:
    """Whoever holds an array has imported xarray; GRIB goes in without its 40 MB and half a second."""
    xr = sys.modules.get("xarray")
    return xr is not None and isinstance(fields, xr.DataArray | xr.Dataset)
