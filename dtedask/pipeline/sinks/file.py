"""The sink `file`: fields go into files of GRIB messages, by names that their keys give."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from dtedask.grib import Encoder
from dtedask.pipeline.sink import Sink, SinkOptions
from dtedask.pipeline.sinks.checksum import checksum_of
from dtedask.pipeline.sinks.contents import message_bytes, message_keys
from dtedask.pipeline.sinks.manifest import Keys, Written
from dtedask.pipeline.sinks.message_file import MessageFile
from dtedask.pipeline.sinks.names import file_name, numbered, served

if TYPE_CHECKING:
    from dtedask.pipeline.action import Context
    from dtedask.pipeline.message import Message


def _rotation(value: Any) -> Any:
    """``step``, ``day``, or a size as a number of bytes."""
    if value in ("", "step", "day") or not isinstance(value, str | int | float):
        return value
    from dask.utils import parse_bytes

    return parse_bytes(value)


class FileOptions(SinkOptions):
    """Fields go into files of messages; those that are not encoded yet become GRIB2."""

    path: str
    """The file, relative to the plan. ``{date}_{time}_{step}_{shortName}.grib2`` takes the values of a field's keys."""
    append: bool = False
    """Keep what a file holds from an older run; a message that stands there byte for byte is not written again."""
    per_server: bool = Field(False, alias="per-server")
    """Put the name of the host before that of the file."""
    rotate: Annotated[Literal["", "step", "day"] | int, BeforeValidator(_rotation)] = ""
    """Begin a new file for each ``step`` or ``day``, or when it would grow beyond a size such as ``2GB``."""


class FileSink(Sink):
    """Adds messages to files, a flush at a time; `MessageFile` says how a kill leaves them."""

    Options = FileOptions

    def __init__(self, options: FileOptions, context: Context) -> None:
        super().__init__(options, context)
        self._encoder = Encoder()
        self._files: dict[str, MessageFile] = {}
        self._numbers: dict[str, int] = {}
        self._waiting: dict[str, list[tuple[Keys, bytes]]] = {}
        self._written: list[Written] = []
        self._goes_on = False

    def take(self, message: Message) -> None:
        """See `Sink`."""
        rotate = self.options.rotate
        name = file_name(self.options.path, message, rotate if isinstance(rotate, str) else "")
        data = message_bytes(message, self._encoder)
        self._waiting.setdefault(name, []).append((message_keys(message, data), data))

    def flush(self, message: Message) -> Iterable[Written]:  # noqa: ARG002 - every flush writes
        """See `Sink`."""
        for name in list(self._waiting):
            for block in self._blocks(name, self._waiting[name]):
                self._written += self._write(name, block)
                del self._waiting[name][: len(block)]
            del self._waiting[name]
        done, self._written = self._written, []
        return done

    def save(self) -> dict[str, Any]:
        """See `Sink`."""
        lengths = {path: file.length for path, file in self._files.items()}
        return {"lengths": lengths, "numbers": dict(self._numbers)}

    def load(self, saved: dict[str, Any]) -> None:
        """See `Sink`."""
        self._files = {path: MessageFile(Path(path), length=n) for path, n in saved.get("lengths", {}).items()}
        self._numbers = dict(saved.get("numbers", {}))
        self._goes_on = True

    def _blocks(self, name: str, waiting: list[tuple[Keys, bytes]]) -> Iterable[list[tuple[Keys, bytes]]]:
        """Cut what waits for a file where the next file begins."""
        limit = self.options.rotate
        if not isinstance(limit, int):
            yield list(waiting)
            return
        block: list[tuple[Keys, bytes]] = []
        filled = self._file(name).length or 0
        for one in list(waiting):
            if filled and filled + len(one[1]) > limit:
                if block:
                    yield block
                block, filled = [], 0
                self._numbers[name] = self._numbers.get(name, 0) + 1
            block.append(one)
            filled += len(one[1])
        yield block

    def _write(self, name: str, block: list[tuple[Keys, bytes]]) -> list[Written]:
        file = self._file(name)
        places = file.add([data for _, data in block])
        return [
            Written(keys, str(file.path), checksum_of(data), len(data), offset=offset, is_new=is_new)
            for (keys, data), (offset, is_new) in zip(block, places, strict=True)
        ]

    def _file(self, name: str) -> MessageFile:
        path = numbered(self.context.folder / name, self._numbers.get(name, 0))
        path = served(path) if self.options.per_server else path
        found = self._files.get(str(path))
        if found is None:
            # What a run that goes on finds and does not know of was written behind its checkpoint: it comes again.
            length = 0 if self._goes_on and not self.options.append and path.exists() else None
            found = self._files[str(path)] = MessageFile(path, length=length, append=self.options.append)
        return found
