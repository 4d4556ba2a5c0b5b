"""What may be given to be virtualized: files, references of kerchunk, virtual datasets."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dtedask.grib.files import Name
from dtedask.store.virtual.sources import OnError, Scanned, find, scan_files
from dtedask.store.virtual.urls import is_url

if TYPE_CHECKING:
    import xarray as xr

    Given = Name | Mapping[str, Any] | xr.Dataset


def scanned_of(sources: Any, on_error: OnError, *, is_checked: bool) -> Iterator[Scanned]:
    """Messages of all that was given.

    Files are looked for before the first is read.

    Parameters
    ----------
    sources : str, path, mapping, Dataset or iterable of them
        See `Store.virtualize`.
    on_error : {"raise", "skip"}
        What a bad message does.
    is_checked : bool
        Whether to refuse servers that would not tell of a change.
    """
    given = [sources] if isinstance(sources, str | os.PathLike | Mapping) or _is_dataset(sources) else list(sources)
    files = [one for one in given if isinstance(one, str | os.PathLike) and not _is_references(one)]
    others = [one for one in given if not (isinstance(one, str | os.PathLike) and not _is_references(one))]
    names = find(files)
    resolved = (_resolved(one, on_error, is_checked=is_checked) for one in others)
    return itertools.chain(scan_files(names, on_error, is_checked=is_checked), itertools.chain.from_iterable(resolved))


def _resolved(one: Any, on_error: OnError, *, is_checked: bool) -> Iterator[Scanned]:
    from dtedask.store.virtual.manifests import chunks_of_dataset
    from dtedask.store.virtual.reading_kerchunk import chunks_of, read_references
    from dtedask.store.virtual.resolving import resolve

    if isinstance(one, str | os.PathLike):
        name, chunks = os.fspath(one), read_references(one)
    elif _is_dataset(one):
        name, chunks = "a virtual dataset", chunks_of_dataset(one)
    else:
        name, chunks = "references", chunks_of(one, "the mapping")
    return resolve(chunks, name, on_error, is_checked=is_checked)


def _is_references(name: Name) -> bool:
    from dtedask.store.virtual.reading_kerchunk import is_references

    return not is_url(name) and is_references(name)


def _is_dataset(one: object) -> bool:
    xr = sys.modules.get("xarray")
    return xr is not None and isinstance(one, xr.Dataset)
