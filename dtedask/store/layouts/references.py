"""Chunks that lie elsewhere: references into files, and the places that a cube may refer to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import StoreError
from dtedask.store.credentials import region

if TYPE_CHECKING:
    import icechunk

    from dtedask.store.location import Location

_PLAIN = re.compile(r"[A-Za-z0-9._~/-]*")


@dataclass(frozen=True, slots=True)
class Reference:
    """Where the bytes of a chunk lie.

    Parameters
    ----------
    url : str
        ``file://``, ``s3://``, ``http://`` or ``https://``, quoted.
    offset, length : int
        The bytes.
    etag : str
        Refuse the bytes when the storage says another one; empty to take them as they are.
    modified : datetime, optional
        Refuse the bytes when they were changed later, where the storage has no etag; whole seconds.
    """

    url: str
    offset: int
    length: int
    etag: str = ""
    modified: datetime | None = None


def folder_url(location: Location, cube: str) -> str:
    """URL of the folder of a cube's packs, with a slash at its end."""
    url = location.cube_url(cube).rstrip("/")
    return f"{Path(url).as_uri() if location.is_local else url}/packs/"


def container_prefix(url: str) -> str:
    """The part of a URL that Icechunk is told as the place of references.

    It cannot match one that is quoted, so that the deepest folder above it that needs no quoting is taken.

    Raises
    ------
    StoreError
        If there is none.
    """
    scheme, _, path = url.partition("://")
    if scheme != "file":
        host, _, rest = path.partition("/")
        return f"{scheme}://{host}/{_plain(rest)}"
    plain = _plain(path.lstrip("/"))
    if not plain:
        raise StoreError(
            f"Icechunk cannot refer to files below {url!r}.",
            hint="Move them below a folder whose name has only letters, digits, '.', '_', '~' and '-'.",
        )
    return f"file:///{plain}"


def _plain(path: str) -> str:
    """The folders at the beginning of a path that need no quoting, each with its slash."""
    found = ""
    for name in path.split("/")[:-1]:
        if not _PLAIN.fullmatch(name):
            break
        found += f"{name}/"
    return found


def container(prefix: str) -> icechunk.VirtualChunkContainer:
    """Icechunk's description of a place that references may point into."""
    import os

    import icechunk

    scheme, _, path = prefix.partition("://")
    store: Any
    if scheme == "file":
        store = icechunk.local_filesystem_store(path)
    elif scheme == "s3":
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        store = icechunk.s3_store(
            region=region(),
            endpoint_url=endpoint,
            allow_http=bool(endpoint and endpoint.startswith("http://")),
            force_path_style=endpoint is not None,
        )
    else:
        store = icechunk.http_store({"allow_http": str(scheme == "http").lower()})
    return icechunk.VirtualChunkContainer(prefix, store)


def authorization(prefixes: Iterable[str]) -> dict[str, Any]:
    """What Icechunk needs to read from places; credentials come from the environment."""
    import icechunk

    found: dict[str, Any] = {}
    for prefix in prefixes:
        found[prefix] = icechunk.s3_from_env_credentials() if prefix.startswith("s3://") else None
    return icechunk.containers_credentials(found)
