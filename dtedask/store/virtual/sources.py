"""The files that are to be referred to, and the messages in them."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dtedask.core.errors import NotFoundError, StoreError
from dtedask.grib import ScanReport, scan
from dtedask.grib.files import GRIB_NAMES, Name, SourceFile, expand, is_left_alone
from dtedask.store.virtual.remote import RemoteSource, list_files
from dtedask.store.virtual.urls import canonical_url, is_url, split_url

if TYPE_CHECKING:
    from dtedask.grib import Message

_AT_ONCE = 16
_MAGIC = "*?["
OnError = Literal["raise", "skip"]


@dataclass(frozen=True, slots=True)
class Scanned:
    """What stands in a file.

    Parameters
    ----------
    tag : str
        Name, size and time of the file.
    messages : list of Message
        Its fields.
    report : ScanReport
        What was passed over.
    """

    tag: str
    messages: list[Message]
    report: ScanReport = field(default_factory=ScanReport)


def find(sources: Iterable[Name]) -> list[str]:
    """Absolute paths and canonical URLs of all files that sources name, each once.

    Raises
    ------
    NotFoundError
        If a source names nothing.
    StoreError
        If a URL cannot be referred to.
    """
    found: dict[str, None] = {}
    for source in sources:
        name = os.fspath(source)
        if is_url(name):
            found |= dict.fromkeys(_expand_url(name))
        else:
            found |= dict.fromkeys(os.path.abspath(path) for path in expand(name.removeprefix("file://")))
    return list(found)


def scan_files(names: Sequence[str], on_error: OnError, *, is_checked: bool) -> Iterator[Scanned]:
    """Messages of files, in their order; heads are read, no data. Remote files are read side by side.

    Raises
    ------
    GribError
        If a file is no good and bad ones are not passed over.
    """
    if not any(map(is_url, names)):
        yield from (scan_file(name, on_error, is_checked=is_checked) for name in names)
        return
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="virtualize") as pool:
        yield from pool.map(lambda name: scan_file(name, on_error, is_checked=is_checked), names)


def scan_file(name: str, on_error: OnError = "raise", *, is_checked: bool = True) -> Scanned:
    """Messages of one file."""
    report = ScanReport()
    if is_url(name):
        source = RemoteSource(name, is_checked=is_checked)
        return Scanned(source.tag, list(scan(source, on_error=on_error, report=report)), report)
    if not Path(name).is_file():
        raise StoreError(f"{name!r} is no file that can be referred to.", hint="Save it to a file first.")
    return Scanned(SourceFile.at(name).tag, list(scan(name, on_error=on_error, report=report)), report)


def _expand_url(name: str) -> list[str]:
    url = canonical_url(name)
    if not url.startswith("s3://"):
        if any(sign in name for sign in _MAGIC) or name.endswith("/"):
            raise StoreError(f"{name!r} is no file: HTTP has no list of files.", hint="Name each file.")
        return [url]
    base, key = split_url(url)
    if any(sign in key for sign in _MAGIC):
        prefix = key[: min(key.index(sign) for sign in _MAGIC if sign in key)].rpartition("/")[0]
        found = [one for one, _ in list_files(canonical_url(f"{base}/{prefix}")) if fnmatch.fnmatchcase(one, key)]
    elif name.endswith("/") or not key:
        found = [one for one, _ in list_files(url) if one.lower().endswith(GRIB_NAMES)]
    else:
        return [url]
    keys = sorted(one for one in found if not is_left_alone(one.rpartition("/")[2]))
    if not keys:
        raise NotFoundError(
            f"There is no GRIB at {name!r}.",
            hint="Below a prefix that ends in /, files are taken whose names end in .grib, .grib2, .grb, ...",
        )
    return [canonical_url(f"{base}/{one}") for one in keys]
