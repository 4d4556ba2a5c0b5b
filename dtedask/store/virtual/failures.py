"""Failures of files that a cube refers to, told with their names and what became of them."""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.core.errors import DtedaskError, NotFoundError, SourceChangedError, SourceMissingError, StoreError
from dtedask.grib.sources import version_of
from dtedask.store.layouts.locate import locate
from dtedask.store.virtual.remote import state_of
from dtedask.store.virtual.urls import is_url, location_of

if TYPE_CHECKING:
    from dtedask.store.layouts import Reference
    from dtedask.store.snapshot import Snapshot

_VIRTUAL = "virtual"  # what stands in every error of Icechunk about bytes that lie elsewhere
_CHANGED = "owning the virtual chunk has changed"


def source_error(snapshot: Snapshot, key: str, place: str, error: Exception) -> DtedaskError | None:
    """What an error says of the file of others that a chunk lies in; None where it is about something else.

    Parameters
    ----------
    snapshot : Snapshot
        Where the chunk stands.
    key : str
        Its Zarr key.
    place : str
        What to call its field.
    error : Exception
        What Icechunk raised.
    """
    if _VIRTUAL not in str(error):
        return None
    reference = _reference(snapshot, key)
    if reference is None:
        if _CHANGED not in str(error):
            return None
        return SourceChangedError(f"The file where {place} lies has changed since the cube refers to it.")
    if reference.url.startswith(f"{_url_of(snapshot.url)}/packs/"):
        return None
    return problem_of(reference, place, is_changed=_CHANGED in str(error))


def problem_of(reference: Reference, place: str, *, is_changed: bool = False) -> DtedaskError | None:
    """What is wrong with the file that a field lies in; None where it is as it was.

    Parameters
    ----------
    reference : Reference
        Where the field lies.
    place : str
        What to call it.
    is_changed : bool
        Whether the storage said already that the file has changed.
    """
    name = location_of(reference.url)
    try:
        now, version = _state(name)
    except NotFoundError:
        return SourceMissingError(
            f"{name!r}, where {place} lies, is gone.",
            hint="Restore the file, or wipe its fields: `dtedask store wipe`.",
        )
    except StoreError as error:
        return StoreError(f"Cannot read {place}: {error.message}", hint=error.hint)
    expected = reference.modified or reference.etag
    if not is_changed and (not expected or version == expected):
        return None
    return SourceChangedError(
        f"{name!r}, where {place} lies, has changed since the cube refers to it: it had {_told(reference)}, "
        f"and has {now} now.",
        hint=f"Restore the file, or refer to what is there now: `dtedask store virtualize {shlex.quote(name)}`.",
    )


def _reference(snapshot: Snapshot, key: str) -> Reference | None:
    with suppress(DtedaskError):
        return locate(snapshot, [key])[0]
    return None


def _url_of(cube_url: str) -> str:
    return cube_url if "://" in cube_url else Path(cube_url).as_uri()


def _state(name: str) -> tuple[str, str | datetime]:
    """A file as it is now, for people, and its version.

    Raises
    ------
    NotFoundError
        If it is gone.
    StoreError
        If nobody can say.
    """
    if is_url(name):
        size, version = state_of(name)
        return f"{size} bytes and {_version(version)}", version
    try:
        status = os.stat(name)  # noqa: PTH116 - a name of bytes that need not be text
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(f"There is no file {name!r}.") from error
    except OSError as error:
        raise StoreError(f"Cannot look at {name!r}: {error}", hint="Look at the disk, and try again.") from error
    return _local(status.st_size, status.st_mtime), version_of(status)


def _told(reference: Reference) -> str:
    """The state of a file when it was referred to, for people."""
    if is_url(location_of(reference.url)):
        return _version(reference.modified or reference.etag)
    parts = reference.etag.split("-")
    if len(parts) != 3:
        return f"the etag {reference.etag}"
    return _local(int(parts[2], 16), int(parts[1], 16) / 1e6)


def _local(size: int, mtime: float) -> str:
    return f"{size} bytes of {datetime.fromtimestamp(mtime, UTC):%Y-%m-%d %H:%M:%S.%f} UTC"


def _version(version: str | datetime) -> str:
    if isinstance(version, datetime):
        return f"the time {version:%Y-%m-%d %H:%M:%S} UTC"
    return f"the etag {version}" if version else "no etag"
