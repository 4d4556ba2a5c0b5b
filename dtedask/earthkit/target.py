"""The target: `earthkit.data.to_target("dtedask", root, data=...)`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

import dtedask
from dtedask.core.settings import setting
from dtedask.earthkit.library import SimpleTarget, scan

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.store import Schema


class DtedaskTarget(SimpleTarget):  # type: ignore[misc]
    """A root that fields are archived into; they appear with `flush` or `close`, all of a cube at once.

    When the block of a ``with`` is left by an exception, nothing appears that was not flushed before.

    Parameters
    ----------
    root : str or path, optional
        Folder or URL of the root; without one that of the setting ``store.root``.
    schema : Schema, str or path, optional
        Schema of a root that does not exist yet.
    message : str
        What to say of the commits in the history.
    sources : iterable of str
        Where the fields came from; names of files that are written as a whole are added.
    key : mapping, optional
        MARS keys of xarray objects, as far as their coordinates and attributes do not say them.
    **options : object
        Those of all targets of earthkit-data: ``encoder``, ``template``, ``metadata``.

    Attributes
    ----------
    commits : list of Commit
        What was committed so far.
    """

    _name = "dtedask"

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        *,
        schema: Schema | str | os.PathLike[str] | None = None,
        message: str = "",
        sources: Iterable[str] = (),
        key: Mapping[str, object] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._store = dtedask.open(root if root is not None else setting("store.root"), schema=schema)
        self._message = message
        self._given = tuple(sources)
        self._files: list[str] = []
        self._key = key
        self.commits: list[Commit] = []

    def close(self) -> None:
        """Commit what was written; nothing more can be written then."""
        self.flush()
        self._mark_closed()

    def flush(self) -> None:
        """Commit what was written so far."""
        self._raise_if_closed()
        if self._store.dirty:
            self.commits += self._store.flush(self._message, sources=(*self._given, *self._files))
            self._files.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
            return
        self._store.discard()
        self._mark_closed()

    def _write(self, data: Any, **options: Any) -> None:
        if _is_xarray(data):
            self._store.archive(data, self._key)
            return
        encoded = self._encode(data, **options)
        for one in encoded if hasattr(encoded, "__iter__") else (encoded,):
            path = getattr(one, "path", None)
            self._store.archive(one.to_bytes() if path is None else scan(path))
        self._files += _files_of(data)


def _files_of(data: object) -> list[str]:
    """The files that a data object of earthkit-data was read from."""
    path = getattr(data, "path", None)
    return [str(path)] if isinstance(path, str | os.PathLike) else [*map(str, path or ())]


def _is_xarray(data: object) -> bool:
    xr = sys.modules.get("xarray")
    return xr is not None and isinstance(data, xr.DataArray | xr.Dataset)
