"""Fields between this root and others: copy, move, compare."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dtedask.core.errors import ReadOnlyError
from dtedask.core.settings import setting
from dtedask.store import retrieval
from dtedask.store.branches import check_branch
from dtedask.store.execute import Execution
from dtedask.store.keeper import Keeper
from dtedask.store.root_files import RootFiles
from dtedask.store.root_handle import RequestLike, RootHandle
from dtedask.store.roots import RootDocument
from dtedask.store.wipe import MINIMUM_KEYS, check_minimum

if TYPE_CHECKING:
    from dtedask.request import Request
    from dtedask.store.moving.carrying import MovedLayout
    from dtedask.store.moving.comparison import Comparison
    from dtedask.store.moving.copy import Target
    from dtedask.store.moving.move import Move
    from dtedask.store.moving.result import Copy
    from dtedask.store.moving.sides import RootSide, Side
    from dtedask.store.progress import Progress
    from dtedask.store.schema import Schema
    from dtedask.store.selection import Selection

RootLike = RootHandle | str | os.PathLike[str]


class Mover(Keeper):
    """The cubes of one root, with what brings their fields into others."""

    def copy(
        self,
        request: RequestLike,
        to: RootLike,
        *,
        schema: Schema | str | os.PathLike[str] | None = None,
        layout: MovedLayout | None = None,
        allow_missing: bool = False,
        dry_run: bool = False,
        execution: Execution | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        message: str = "",
    ) -> Copy:
        """Copy fields into another root, as they are: keys, grid, attributes, and every bit of their values.

        The fields are those that this handle shows when the copy begins; what is committed here meanwhile is not
        copied. They become visible in the target in one commit a cube for so many bytes of fields as the setting
        ``store.copy-bytes`` says, all fields of a reference time together as far as that allows. A copy that was
        interrupted is continued by the same call: what stands there already with the same values is left as it is.

        Parameters
        ----------
        request : Request, str or mapping
            Which fields; None for all.
        to : Store, str or path
            The other root; it comes into being with the first commit.
        schema : Schema, str or path, optional
            Schema of a target that does not exist yet; that of this root where it is left out.
        layout : {"map", "messages"}, optional
            Layout of variables that are new in the target; that of the source, or what another schema says, where it is
            left out. Between variables that keep messages the very bytes are copied. A field that no GRIB message can
            hold with every bit of its values is not copied to where messages are kept, but counted in `Copy.refused`.
        allow_missing : bool
            Whether values that the request names may be absent.
        dry_run : bool
            Whether only to check and count.
        execution : Execution, optional
            Where tasks run; threads of this process by default.
        on_progress : callable, optional
            Called with `Progress` when a task ends.
        message : str
            What the history of the target says; the request and this root where it is left out.

        Returns
        -------
        Copy
            Counts and commits.

        Raises
        ------
        NoMatchError
            If nothing matches.
        MissingFieldsError
            If a value that is named does not exist and `allow_missing` is False.
        FieldError
            If the target refuses a field, as its schema or what it holds wants it; nothing is written then.
        KeyCollisionError
            If two fields would be one under the schema of the target; nothing is written then.
        ControlledError
            If a field is locked for reading here, or for archiving there.

        Examples
        --------
        >>> import dtedask
        >>> store = dtedask.open("memory://empty")
        >>> try:
        ...     store.copy("class=od", "memory://other")
        ... except dtedask.DtedaskError as error:
        ...     print(error.code)
        no-match
        """
        from dtedask.store.moving.copy import Copying

        target = replace(self._target(to, schema), layout=layout)
        parsed = self._parse(request)
        with self._kept() as reader:
            found = reader._checked(parsed, allow_missing)  # noqa: SLF001 - of the same class
            copying = Copying(parsed, self._location, self.schema(), found, target, setting("store.copy-bytes"))
            if dry_run:
                return copying.plan()
            return copying.run(execution or Execution(threads=setting("ingest.threads")), on_progress, message)

    def move(
        self,
        request: RequestLike,
        to: RootLike,
        *,
        doit: bool = False,
        schema: Schema | str | os.PathLike[str] | None = None,
        layout: MovedLayout | None = None,
        allow_missing: bool = False,
        minimum_keys: Sequence[str] = MINIMUM_KEYS,
        execution: Execution | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        message: str = "",
    ) -> Move:
        """Move fields into another root: copy, read back and compare, then wipe them here; a dry run unless `doit`.

        Only what the target holds with every bit of its values is wiped, and only if it is still what was copied: a
        field that somebody replaced meanwhile stays and is reported. Whenever the move ends, each field is in this
        root, or in the other, or in both; the same call goes on from there. As after every wipe, snapshots from before
        still show the fields here until they are purged.

        Parameters
        ----------
        request : Request, str or mapping
            Which fields.
        to : Store, str or path
            The other root; it comes into being with the first commit.
        doit : bool
            Whether to do it; else fields are only checked and counted.
        schema, layout, allow_missing, execution, on_progress, message
            As for `copy`.
        minimum_keys : sequence of str
            Keys that the request must give values for, as for `wipe`.

        Returns
        -------
        Move
            What was copied and wiped, and what stays and why.

        Raises
        ------
        RequestError
            If the request lacks one of the minimum keys.
        NoMatchError
            If nothing matches.
        ControlledError
            If a field is locked for reading or wiping here, or for archiving there.
        DtedaskError
            As `copy`.
        """
        from dtedask.store.moving.copy import Copying
        from dtedask.store.moving.move import Moving

        target = replace(self._target(to, schema), layout=layout)
        if doit:
            self._check_writable()
        parsed = self._parse(request)
        check_minimum(parsed, minimum_keys, "move")
        with self._kept() as reader:
            found = reader._checked(parsed, allow_missing)  # noqa: SLF001 - of the same class
            reader.select(parsed, verb="wipe")  # says so where a lock is on them
            _check_own(found, parsed)
            copying = Copying(parsed, self._location, self.schema(), found, target, setting("store.copy-bytes"))
            moving = Moving(copying, self._options())
            if not doit:
                return moving.plan()
            return moving.run(execution or Execution(threads=setting("ingest.threads")), on_progress, message)

    def compare(
        self,
        request: RequestLike,
        other: RootLike | Sequence[str | os.PathLike[str]],
        *,
        absolute: float = 0.0,
        relative: float = 0.0,
        packing: bool = False,
        execution: Execution | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Comparison:
        """Compare fields with those of another root, or of GRIB files: which there are, their headers, their values.

        Fields are the same when their MARS keys and their grid are. Headers are the attributes of variables and, where
        both sides are GRIB messages, the keys of GRIB. Values are compared in float64, missing points by their place.

        Parameters
        ----------
        request : Request, str or mapping
            Which fields of both sides; None for all.
        other : Store, str, path or sequence of them
            The right side: a root, or one or several files.
        absolute, relative : float
            Values are equal where ``|left - right| <= absolute + relative * |right|``; every bit must be equal if both
            are 0.
        packing : bool
            Whether to allow half of the step of GRIB's packing in addition, as far as a side is GRIB and says it.
        execution : Execution, optional
            Where tasks run; threads of this process by default.
        on_progress : callable, optional
            Called with `Progress` when a task ends.

        Returns
        -------
        Comparison
            What differs, field by field. A field that cannot be read differs, and says why.

        Raises
        ------
        NoMatchError
            If neither side has a field that the request takes.
        NotFoundError
            If there is no such root or file.
        """
        from dtedask.store.moving.compare import Comparing
        from dtedask.store.moving.sides import FilesSide, RootSide
        from dtedask.store.moving.tolerance import Tolerance

        parsed = self._parse(request)
        with ExitStack() as stack:
            reader = stack.enter_context(self._kept())
            left = RootSide(self._location, list(reader.select(parsed, verb="retrieve")))
            right: Side
            if (files := _as_files(other)) is not None:
                right = FilesSide(files, parsed, self.schema())
            else:
                right = self._other(other, stack)._as_side(request)  # type: ignore[arg-type]  # noqa: SLF001
            if not left.count() and not right.count():
                raise retrieval.no_match(parsed, reader)
            tolerance = Tolerance(absolute, relative, packing)
            comparing = Comparing(parsed, left, right, tolerance, setting("ingest.batch-bytes"))
            return comparing.run(execution or Execution(threads=setting("ingest.threads")), on_progress)

    def _other(self, root: RootLike, stack: ExitStack) -> Mover:
        """Another root, as it is now."""
        return stack.enter_context(_opened(root)._kept())  # noqa: SLF001 - of the same class

    def _as_side(self, request: RequestLike) -> RootSide:
        from dtedask.store.moving.sides import RootSide

        RootFiles(self._location).cubes()  # says so where there is no root
        return RootSide(self._location, list(self.select(self._parse(request), verb="retrieve")))

    @contextmanager
    def _kept(self) -> Iterator[Self]:
        """A handle that keeps to what this one shows now; purge leaves that alone, where the root can be written."""
        reader = self._with().pinned()
        with ExitStack() as stack:
            with suppress(ReadOnlyError):
                stack.enter_context(reader.reading())
            yield reader

    def _check_writable(self) -> None:
        if self._at is not None:
            raise ReadOnlyError("A store opened with at= shows the past; it cannot be written.")
        if self._is_pinned:
            raise ReadOnlyError("A pinned store keeps to what it has seen; it cannot be written.")

    def _target(self, to: RootLike, schema: Schema | str | os.PathLike[str] | None) -> Target:
        """The root to write into, with the schema that it has or will have: that of this root if nobody says more."""
        return _opened(to)._as_target(schema, self.schema())  # noqa: SLF001 - of the same class

    def _as_target(self, wanted: Schema | str | os.PathLike[str] | None, other: Schema) -> Target:
        """Make a target of the root; `other` is the schema of a new one of which nobody says what it shall be."""
        from dtedask.store.moving.copy import Target

        self._check_writable()
        document = RootDocument(self._location)
        wanted = self._schema if wanted is None else wanted
        exists = document.version() > 0
        schema = document.create(wanted) if exists else document.schema(other if wanted is None else wanted)
        check_branch(self._location, self._branch)
        return Target(self._location, schema, self._options())


def _as_files(other: RootLike | Sequence[str | os.PathLike[str]]) -> list[str | os.PathLike[str]] | None:
    """GRIB files where these are named, and not a root."""
    if isinstance(other, RootHandle):
        return None
    if not isinstance(other, str | os.PathLike):
        return list(other)
    return [other] if Path(other).is_file() else None


def _opened(root: RootLike) -> Mover:
    """A handle, or the root of a name."""
    from dtedask.store.store import open as open_store

    if isinstance(root, RootHandle):
        assert isinstance(root, Mover)
        return root
    return open_store(root)


def _check_own(selections: Iterable[Selection], request: Request) -> None:
    """Refuse to move fields that are only seen under other keys: they would be wiped where they lie."""
    for part in selections:
        if part.snapshot.seen_as:
            raise ReadOnlyError(
                f"Fields of {request} lie in {part.snapshot.cube} and are seen as {part.cube}.",
                hint="Move them from there, or copy them and undo the overlay: `dtedask store overlay --undo`.",
            )
