"""What files of others are called: by users, in references, and by the libraries that read them."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from dtedask.core.errors import StoreError
from dtedask.grib.files import Name

_SCHEMES = ("s3", "http", "https")
_KEPT = "/%:@!$&'()*+,;=~-._"


def is_url(name: Name) -> bool:
    """Whether a name is that of a remote file."""
    return "://" in os.fspath(name) and not os.fspath(name).startswith("file://")


def canonical_url(text: str) -> str:
    """A remote file's URL as references have it: quoted.

    Parameters
    ----------
    text : str
        ``s3://bucket/key``, whose key is taken as it is, or ``http(s)://host/path``, quoted or not.

    Raises
    ------
    StoreError
        If Icechunk cannot refer to it.
    """
    scheme, _, rest = text.partition("://")
    if scheme not in _SCHEMES:
        raise _refused(text, f"it begins with {scheme}://", "Use a file, or a URL of s3://, http:// or https://.")
    if scheme == "s3":
        return f"s3://{quote(rest)}"
    parts = urlsplit(text)
    if parts.username or parts.query or parts.fragment:
        what = "a user" if parts.username else "a query" if parts.query else "a fragment"
        raise _refused(text, f"it has {what}", "Fetch it and archive the copy, or find a plain address of it.")
    if parts.port is not None:
        raise _refused(
            text, f"it has the port {parts.port}, which Icechunk 1 drops", "Serve it at the port of its scheme."
        )
    return f"{scheme}://{parts.hostname}{quote(parts.path, safe=_KEPT)}"


def reference_url(location: str) -> str:
    """What references call the file of a message: its path or URL."""
    return location if is_url(location) else Path(location).as_uri()


def location_of(url: str) -> str:
    """Path of a local file by what references call it; other URLs as they are."""
    return unquote(url.removeprefix("file://")) if url.startswith("file://") else url


def split_url(url: str) -> tuple[str, str]:
    """Bucket or host, and the key of a file in it, not quoted."""
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    return f"{scheme}://{host}", unquote(path)


def _refused(url: str, reason: str, hint: str) -> StoreError:
    return StoreError(f"A cube cannot refer to {url!r}: {reason}.", hint=hint)
