"""The sink `notification`: listeners hear of what the sinks beside it have written."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.core.errors import InvalidValueError, NoticeError, PlanError, TriggerError
from dtedask.core.notice import Notice
from dtedask.pipeline.sink import Sink, SinkOptions
from dtedask.plugins import run_after_notices
from dtedask.request import parameter
from dtedask.store.commits import changes_of
from dtedask.store.written import Stored

if TYPE_CHECKING:
    from dtedask.pipeline.message import Message
    from dtedask.pipeline.sinks.manifest import Manifest, Written


_CRC = "crc32c:"


class NotificationOptions(SinkOptions):
    """Listeners of a root hear of what the sinks beside this one wrote, once all of them have acknowledged it.

    Commits of a cube are announced anyway: this is for files and the like.
    """

    url: str = ""
    """Root whose log and listeners hear of it; by default that of ``--output``."""
    stream: str = ""
    """What the notices are a part of, in the place of a cube's name; by default ``plan/`` and the pipeline's name."""


class NotificationSink(Sink):
    """Writes one notice a flush into the log of a root, durably; one that was given before is not given again."""

    Options = NotificationOptions

    def take(self, message: Message) -> None:
        """See `Sink`; there is nothing to take."""

    def flush(self, message: Message) -> Iterable[Written]:  # noqa: ARG002 - it only tells of others
        """See `Sink`."""
        return []

    def announce(self, manifest: Manifest) -> None:
        """See `Sink`.

        Raises
        ------
        NoticeError
            If the log cannot be written. Triggers that fail are logged, and stop nothing.
        """
        changes = changes_of(_fields(manifest), [_stored(one) for one in manifest])
        notice = Notice(self._root(), self._stream(), manifest.id, datetime.now(UTC), changes)
        for failure in run_after_notices([notice]):
            if isinstance(failure, NoticeError) and not isinstance(failure, TriggerError):
                raise failure

    def _root(self) -> str:
        url = str(self.options.url)
        found = url if "://" in url or not url else str(self.context.folder / url)
        root = found or str(self.context.output)
        if not root:
            raise PlanError(
                f"The sink 'notification' of the pipeline {self.context.pipeline!r} does not know whose listeners to "
                "tell.",
                hint="Give it the url of a root, or the run an output (--output).",
            )
        return root if "://" in root else str(Path(root).expanduser().absolute())

    def _stream(self) -> str:
        return str(self.options.stream) or f"plan/{self.context.pipeline}"


def _fields(manifest: Manifest) -> list[tuple[str, str, dict[str, str]]]:
    """Place, name and keys of each field; the place is the file, without what tells the fields in it apart."""
    return [(one.location.partition("#")[0], _name(dict(one.keys)), dict(one.keys)) for one in manifest]


def _stored(one: Written) -> Stored:
    """What lies there of a field; checksums of other kinds are left out."""
    digits = one.checksum.removeprefix(_CRC)
    return Stored(one.size_bytes, int(digits, 16) if digits != one.checksum else None)


def _name(keys: dict[str, str]) -> str:
    param = keys.get("param", "")
    try:
        return parameter(param).short_name or param
    except InvalidValueError:  # of a centre whose parameters ecCodes does not know
        return param or "data"
