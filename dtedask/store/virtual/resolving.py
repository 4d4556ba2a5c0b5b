"""References of other libraries, resolved to the messages that they point to.

Their keys are not believed: which field a chunk is, its message says.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dtedask.core.errors import GribError, GribUnsupportedError
from dtedask.grib import ScanReport, Skipped, scan
from dtedask.grib.files import SourceFile
from dtedask.grib.scan import scan_at
from dtedask.grib.sources import Source, open_source
from dtedask.store.virtual.remote import RemoteSource
from dtedask.store.virtual.sources import OnError, Scanned
from dtedask.store.virtual.urls import canonical_url, is_url, location_of

if TYPE_CHECKING:
    from dtedask.grib import Message

logger = logging.getLogger(__name__)
_OTHERS = {
    b"\x89HDF\r\n\x1a\n": "netCDF 4 or HDF5",
    b"CDF\x01": "netCDF 3",
    b"CDF\x02": "netCDF 3",
    b"CDF\x05": "netCDF 3",
}


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk of other references.

    Parameters
    ----------
    key : str
        What they call it.
    url : str
        Path or URL of its file; empty where its bytes stand in `data`.
    offset : int
        Where it begins.
    data : bytes
        Bytes that stand in the references themselves.
    """

    key: str
    url: str
    offset: int = 0
    data: bytes = b""


def resolve(chunks: Iterable[Chunk], name: str, on_error: OnError, *, is_checked: bool) -> Iterator[Scanned]:
    """Messages that chunks point to, file by file; each once, however many chunks it is.

    Parameters
    ----------
    chunks : iterable of Chunk
        The references.
    name : str
        What to call them.
    on_error : {"raise", "skip"}
        What a chunk does that is no message.
    is_checked : bool
        Whether to refuse servers that would not tell of a change.

    Raises
    ------
    GribError
        If a chunk is no GRIB message and such are not passed over.
    """
    files: dict[str, set[int]] = {}
    inline = []
    for chunk in chunks:
        if chunk.url:
            files.setdefault(_location(chunk.url), set()).add(chunk.offset)
        else:
            inline.append(chunk)
    for location, offsets in files.items():
        yield _resolve_file(location, sorted(offsets), on_error, is_checked=is_checked)
    if inline:
        yield Scanned(name, [message for chunk in inline for message in _inlined(chunk)])


def _resolve_file(location: str, offsets: Sequence[int], on_error: OnError, *, is_checked: bool) -> Scanned:
    if is_url(location):
        remote = RemoteSource(location, is_checked=is_checked)
        return Scanned(remote.tag, *_resolve_offsets(remote, offsets, on_error))
    tag = SourceFile.at(location).tag
    with open_source(location) as source:
        return Scanned(tag, *_resolve_offsets(source, offsets, on_error))


def _resolve_offsets(source: Source, offsets: Sequence[int], on_error: OnError) -> tuple[list[Message], ScanReport]:
    head = source.read(0, 8)
    kind = next((kind for magic, kind in _OTHERS.items() if head.startswith(magic)), None)
    if kind is not None:
        raise GribUnsupportedError(
            f"{source.name!r} is {kind}: a cube refers to GRIB messages only.",
            hint="Open it with xarray and archive its arrays: `store.archive(dataset)`.",
        )
    found: list[Message] = []
    report = ScanReport()
    for offset in offsets:
        try:
            found += scan_at(source, offset)
        except GribError as error:
            if on_error == "raise":
                raise
            logger.warning("skipped a reference to %s at offset %d: %s", source.name, offset, error)
            report.skipped.append(Skipped(source.name, offset, 0, error.message))
    return found, report


def _inlined(chunk: Chunk) -> Iterator[Message]:
    """Messages whose bytes stand in the references; they are copied."""
    for message in scan(chunk.data):
        yield message if message.data is not None else replace(message, data=chunk.data)


def _location(url: str) -> str:
    if is_url(url):
        return canonical_url(url)
    return (
        os.path.abspath(location_of(url))
        if url.startswith("file:///")
        else os.path.abspath(url.removeprefix("file://"))
    )
