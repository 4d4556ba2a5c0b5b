"""Walk through a source of messages and describe each."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from google_crc32c import value as crc32c

from dtedask.core.errors import GribCutError, GribError, GribSyntaxError
from dtedask.grib.field import FieldDescription, Message
from dtedask.grib.integrity import read_checked
from dtedask.grib.recognise import Recogniser
from dtedask.grib.sections import BrokenMessageError, Frame, split_fields
from dtedask.grib.sources import MemorySource, Readable, Source, open_source

_log = logging.getLogger(__name__)
_STRIDE = 1 << 20
_recogniser = Recogniser()


@dataclass(frozen=True, slots=True)
class Skipped:
    """Bytes of a source that were passed over.

    Parameters
    ----------
    location : str
        Name of the source.
    offset, length : int
        Place in the source, bytes.
    reason : str
        What was wrong with them.
    """

    location: str
    offset: int
    length: int
    reason: str


@dataclass(slots=True)
class ScanReport:
    """What a scan found; filled while the scan runs.

    Parameters
    ----------
    messages : int
        Number of fields yielded.
    skipped : list of Skipped
        What was passed over, in order.
    """

    messages: int = 0
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def skipped_bytes(self) -> int:
        """Number of bytes passed over."""
        return sum(part.length for part in self.skipped)


def scan(
    source: Readable, *, on_error: Literal["raise", "skip"] = "raise", report: ScanReport | None = None
) -> Iterator[Message]:
    """Yield the messages of a file, a stream or bytes, in order.

    Values are not decoded, and the data of big messages of a file is not read.

    Parameters
    ----------
    source : path, binary stream or bytes
        A stream is read forwards from where it stands; its messages carry their bytes.
    on_error : {"raise", "skip"}
        ``skip`` goes on at the next whole message; what was passed over is logged and listed in `report`.
    report : ScanReport, optional
        Filled while the scan runs.

    Yields
    ------
    Message
        One a field: a message of several fields yields several, at the same offset.

    Raises
    ------
    GribSyntaxError
        If the source is empty, or bytes are no whole message; names file and offset.
    GribUnsupportedError
        If ecCodes cannot describe a message.
    """
    if on_error not in ("raise", "skip"):
        raise ValueError(f"on_error={on_error!r} is not known. Use 'raise' or 'skip'.")
    with open_source(source) as opened:
        yield from _Scan(opened, on_error == "skip", ScanReport() if report is None else report).run()


def scan_at(source: Source, offset: int) -> list[Message]:
    """Describe the message that stands at an offset of a source; one a field.

    Raises
    ------
    GribSyntaxError
        If no whole message stands there.
    GribUnsupportedError
        If ecCodes cannot describe it.
    """
    return _Scan(source, skips=False, report=ScanReport()).at(offset)


class _Scan:
    def __init__(self, source: Source, skips: bool, report: ScanReport) -> None:
        self._source = source
        self._skips = skips
        self._report = report

    def run(self) -> Iterator[Message]:
        offset = 0
        if not self._source.read(0, 1):
            self._refuse(0, 0, "the source is empty", "Check that the transfer worked, or wait until it is written.")
            return
        while True:
            try:
                frame = read_checked(self._source, offset)
            except BrokenMessageError as error:
                offset = self._pass_over(offset, error)
                continue
            if frame is None:
                return
            yield from self._describe(frame)
            offset = self._after_padding(self._after_checksum(frame))
            self._source.advance(offset)

    def _after_checksum(self, frame: Frame) -> int:
        """Pass over the checksum of a message, which follows it in the packs of our cubes."""
        end = frame.offset + frame.length
        found = self._source.read(end, 4)
        if len(found) < 4 or found in (b"GRIB", bytes(4)):
            return end
        is_checksum = crc32c(self._source.read(frame.offset, frame.length)) == int.from_bytes(found, "little")
        return end + 4 if is_checksum else end

    def at(self, offset: int) -> list[Message]:
        try:
            frame = read_checked(self._source, offset)
        except BrokenMessageError as error:
            self._refuse(offset, 0, error.reason, _hint(error), _kind(error))
            raise
        if frame is None:
            self._refuse(offset, 0, "the source ends before", "Fetch the file again.")
            return []
        found = list(self._describe(frame))
        self._source.advance(offset + frame.length)
        return found

    def _after_padding(self, offset: int) -> int:
        """Pass over zeros: archives fill messages up to whole blocks."""
        while (part := self._source.read(offset, 128)) and part[0] == 0:
            rest = part.lstrip(b"\x00")
            offset += len(part) - len(rest)
            if rest:
                break
        return offset

    def _describe(self, frame: Frame) -> Iterator[Message]:
        try:
            found = list(self._messages(frame))
        except BrokenMessageError as error:
            self._refuse(frame.offset, frame.length, error.reason, _hint(error), _kind(error))
            return
        except GribError as error:
            self._refuse(frame.offset, frame.length, error.message.rstrip("."), error.hint, type(error))
            return
        self._report.messages += len(found)
        yield from found

    def _messages(self, frame: Frame) -> Iterator[Message]:
        source = self._source
        offset, length = frame.offset, frame.length
        if frame.has_several_fields:
            for data in split_fields(source.read(offset, length), frame):
                yield Message("", offset, length, _describe_one(data), data)
            return
        field = _recogniser.describe(frame, lambda: source.read(offset, length))
        own = None if source.location else source.read(offset, length)
        yield Message(source.location, offset, length, field, own, source.version)

    def _pass_over(self, offset: int, error: BrokenMessageError) -> int:
        """Where the next whole message starts, or the end of the source."""
        if not self._skips:
            self._refuse(offset, 0, error.reason, _hint(error), _kind(error))
        start = offset
        while True:
            offset = self._next_start(offset + 1)
            try:
                read_checked(self._source, offset)
            except BrokenMessageError:
                continue
            self._refuse(start, offset - start, error.reason, "")
            self._source.advance(offset)
            return offset

    def _next_start(self, offset: int) -> int:
        """Offset of the next 'GRIB', or of the end of the source."""
        while True:
            window = self._source.read(offset, _STRIDE)
            place = window.find(b"GRIB")
            if place >= 0:
                return offset + place
            if len(window) < _STRIDE:
                return offset + len(window)
            offset += len(window) - 3

    def _refuse(
        self, offset: int, length: int, reason: str, hint: str, kind: type[GribError] = GribSyntaxError
    ) -> None:
        name = self._source.name
        if not self._skips:
            raise kind(f"{name}, offset {offset}: {reason}.", hint=hint)
        _log.warning("skipped %d bytes of %s at offset %d: %s", length, name, offset, reason)
        self._report.skipped.append(Skipped(name, offset, length, reason))


def describe(data: bytes) -> FieldDescription:
    """Return what one message of one field says.

    Raises
    ------
    GribSyntaxError
        If the bytes are no whole message.
    GribUnsupportedError
        If ecCodes cannot describe it.
    """
    try:
        return _describe_one(data)
    except BrokenMessageError as error:
        raise GribSyntaxError(f"These bytes are no message of one field: {error.reason}.", hint=_hint(error)) from error


def _describe_one(data: bytes) -> FieldDescription:
    frame = read_checked(MemorySource(data), 0)
    if frame is None or frame.has_several_fields:
        raise BrokenMessageError("nothing is there" if frame is None else "it has several")
    return _recogniser.describe(frame, lambda: data)


def forget() -> None:
    """Forget what sections meant, so that a benchmark starts afresh."""
    _recogniser.forget()


def _kind(error: BrokenMessageError) -> type[GribError]:
    return GribCutError if error.is_cut else GribSyntaxError


def _hint(error: BrokenMessageError) -> str:
    if error.is_cut:
        return "The file may still be growing: wait until it is complete, or pass over the rest with on_error='skip'."
    return "Fetch the file again, or go on at the next whole message with on_error='skip'."
