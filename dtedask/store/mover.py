"""Fields between this root and others: copy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from dtedask.core.errors import ReadOnlyError
from dtedask.core.settings import setting
from dtedask.store.execute import Execution
from dtedask.store.keeper import Keeper
from dtedask.store.location import Location
from dtedask.store.root_handle import RequestLike, RootHandle
from dtedask.store.roots import RootDocument

if TYPE_CHECKING:
    from dtedask.store.moving.carrying import MovedLayout
    from dtedask.store.moving.copy import Target
    from dtedask.store.moving.result import Copy
    from dtedask.store.progress import Progress
    from dtedask.store.schema import Schema

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

    @contextmanager
    def _kept(self) -> Iterator[Self]:
        """A handle that keeps to what this one shows now; purge leaves that alone, where the root can be written."""
        reader = self._with().pinned()
        with ExitStack() as stack:
            with suppress(ReadOnlyError):
                stack.enter_context(reader.reading())
            yield reader

    def _target(self, to: RootLike, schema: Schema | str | os.PathLike[str] | None) -> Target:
        """The root to write into, with the schema that it has or will have: that of this root if nobody says more."""
        handle = to if isinstance(to, Mover) else type(self)(Location.parse(to))  # type: ignore[arg-type]
        return handle._as_target(schema, self.schema())  # noqa: SLF001 - of the same class

    def _as_target(self, wanted: Schema | str | os.PathLike[str] | None, other: Schema) -> Target:
        """Make a target of the root; `other` is the schema of a new one of which nobody says what it shall be."""
        from dtedask.store.moving.copy import Target

        if self._at is not None or self._is_pinned:
            raise ReadOnlyError(f"{self!r} shows the past or keeps to what it has seen; it cannot be written.")
        document = RootDocument(self._location)
        wanted = self._schema if wanted is None else wanted
        exists = document.version() > 0
        schema = document.create(wanted) if exists else document.schema(other if wanted is None else wanted)
        return Target(self._location, schema, self._options())
