"""Finding the logs of a root, of a file or of a server."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.core.errors import NoticeError
from dtedask.core.settings import setting
from dtedask.notify.location import FILE_NAME as NOTICES_NAME
from dtedask.notify.location import log_path, root_url, state_folder
from dtedask.notify.log import NoticeLog
from dtedask.notify.streams.commit_log import CommitLog
from dtedask.notify.streams.numbering import is_one_cube
from dtedask.notify.streams.sqlite_log import SqliteEventLog
from dtedask.notify.streams.streams import Streams

if TYPE_CHECKING:
    from dtedask.notify.event_log import EventLog
    from dtedask.notify.event_types import EventTypes
    from dtedask.notify.streams.known_types import KnownTypes

FILE_NAME = "events.sqlite"


def open_streams(
    root: str | os.PathLike[str] | None,
    types: EventTypes,
    *,
    path: str | os.PathLike[str] | None = None,
    backend: str | None = None,
) -> Streams:
    """Open the log of all event types.

    Parameters
    ----------
    root : str, os.PathLike or None
        Folder or URL of a root, whose commits are types too; None where there is none.
    types : EventTypes
        The types that are declared. Those of the cubes of the root are added.
    path : str or os.PathLike, optional
        The file (``*.sqlite``), or the folder, for what is sent. By default it is beside the log of notices of the
        root, and without a root in the user's state folder.
    backend : str, optional
        Who keeps what is sent, instead of a file: ``nats://HOST:PORT``, or another server, ``http://HOST:PORT``, whose
        log is followed. Commits of several cubes are then read from there too, and those of one cube from the root.

    Raises
    ------
    NoticeError
        If there is no such backend, or if types are of cubes and there is no root.
    """
    if backend is not None and backend.startswith(("http://", "https://")):
        return _open_followed(root, types, path, backend)
    if root is None:
        of_cubes = [name for name in types if types[name].cubes]
        if of_cubes:
            raise NoticeError(
                f"The event type {of_cubes[0]!r} is of commits to cubes, and there is no root.",
                hint="Name the root, or take the key `cubes` from the event type.",
            )
        return Streams(types, _open_sent(types, events_path(None, path=path), backend))
    url = root_url(root)
    types = types.with_cubes(url)
    return Streams(types, _open_sent(types, events_path(url, path=path), backend), _open_commits(url, types))


def events_path(root: str | os.PathLike[str] | None, *, path: str | os.PathLike[str] | None = None) -> Path:
    """Say which file holds the notifications that are sent.

    Parameters
    ----------
    root : str, os.PathLike or None
        Folder or URL of a root.
    path : str or os.PathLike, optional
        The file, or its folder, where it is to be elsewhere.
    """
    if path is not None:
        given = Path(path).expanduser().absolute()
        return given if given.suffix == ".sqlite" else given / FILE_NAME
    if root is None:
        return state_folder() / FILE_NAME
    notices = log_path(root)
    return notices.with_name(FILE_NAME if notices.name == NOTICES_NAME else f"{notices.stem}-{FILE_NAME}")


def _open_commits(url: str, types: EventTypes) -> CommitLog:
    # A connection of its own: it shall hear of what others in this process write.
    return CommitLog(NoticeLog(log_path(url), root=url), types)


def _open_followed(
    root: str | os.PathLike[str] | None, types: EventTypes, path: str | os.PathLike[str] | None, url: str
) -> Streams:
    from dtedask.notify.client import NotifyClient, RemoteLog
    from dtedask.notify.streams.followed_log import FollowedLog

    client = NotifyClient(url, auth=setting("notify.follow.auth"), ca_bundle=setting("notify.follow.ca-file"))
    place = None if root is None else root_url(root)
    types = types if place is None else types.with_cubes(place)
    commits = None if place is None else _open_commits(place, types)

    def is_wanted(name: str) -> bool:
        return name in types and (commits is None or not is_one_cube(types[name].cubes))

    file = events_path(place, path=path)
    name = hashlib.sha256(client.url.encode()).hexdigest()[:8]  # each server that is followed has a file of its own
    copy = file.with_name(f"{file.stem}-of-{name}.sqlite")
    log = FollowedLog(RemoteLog(client), copy, wanted=is_wanted, on_close=client.close)
    return Streams(types, log, commits, follows=True)


def _open_sent(types: KnownTypes, path: Path, backend: str | None) -> EventLog:
    if backend is None:
        return SqliteEventLog(path)
    scheme = backend.partition("://")[0]
    if scheme in ("nats", "tls"):
        from dtedask.notify.jetstream import JetStreamLog

        keep = {one.name: (one.retention.age, one.retention.count) for one in types.values() if not one.cubes}
        return JetStreamLog(backend, keep=keep)
    raise NoticeError(
        f"Unknown backend {backend!r} of notifications.",
        hint="Leave it out for a file, or give nats://HOST:PORT, or http://HOST:PORT of the server that owns the log.",
    )
