"""Files of others as a part of the cubes of a root."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from dtedask.store.mover import Mover

if TYPE_CHECKING:
    from dtedask.grib.files import Name
    from dtedask.store.store import Store
    from dtedask.store.virtual.report import Virtualized
    from dtedask.store.virtual.sources import OnError


class Referrer(Mover):
    """The cubes of one root, with what lets them refer to fields that lie elsewhere."""

    def virtualize(
        self,
        sources: Name | Iterable[Name],
        *,
        on_error: OnError = "raise",
        checked: bool = True,
        dry_run: bool = False,
        message: str = "",
    ) -> Virtualized:
        """Make the messages of GRIB files fields of the cubes, and leave the files where they are.

        Only the heads of the messages are read. All fields of a cube become visible at once. They are decoded from the
        files when they are read; a file that has changed since is refused then. The same call again adds what is new.

        Parameters
        ----------
        sources : str, path or iterable of them
            Files, patterns and folders on local disk; files on ``http(s)://``; files, patterns and prefixes that end in
            ``/`` on ``s3://``.
        on_error : {"raise", "skip"}
            What a bad message does: refuse everything, or only be counted and listed.
        checked : bool
            Whether to refuse servers that would not tell of a change of their files.
        dry_run : bool
            Whether only to check and count.
        message : str
            What the history says of the commits.

        Returns
        -------
        Virtualized
            Counts and commits.

        Raises
        ------
        NotFoundError
            If a source names nothing.
        GribError
            If a file is no good; nothing is written then.
        FieldError
            If a field does not fit, or its variable holds encoded fields; nothing is written then.
        StoreError
            If a file cannot be referred to, or fields wait in this handle for `flush`.
        """
        from dtedask.store.moving.fitting import Fitting
        from dtedask.store.virtual.sources import find, scan_files
        from dtedask.store.virtual.virtualize import virtualize

        names = find([sources] if isinstance(sources, str | os.PathLike) else sources)
        scanned = scan_files(names, on_error, is_checked=checked)
        store, fitting = cast("Store", self), Fitting(self._location, self._branch)
        return virtualize(store, fitting, scanned, on_error=on_error, message=message, dry_run=dry_run)
