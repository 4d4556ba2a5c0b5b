"""Files on HTTP and S3, read by ranges: the heads of messages, and no more of big ones than that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import NotFoundError, SourceChangedError, StoreError
from dtedask.store.failures import first_line
from dtedask.store.location import object_store
from dtedask.store.virtual.urls import split_url

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

_WINDOW = 4 << 20
_SMALL_WINDOW = 1 << 14
_BIG_MESSAGE = 1 << 19  # farther than this, another request costs less than the bytes between


class RemoteSource:
    """A remote file, read in windows; every read is of one state of it.

    Parameters
    ----------
    url : str
        Its canonical URL.
    is_checked : bool
        Whether to refuse a server that would not tell of a change.

    Raises
    ------
    NotFoundError
        If it does not exist.
    StoreError
        If the server does not answer, gives no parts of files, or would not tell of a change.
    """

    def __init__(self, url: str, *, is_checked: bool = True) -> None:
        self.name = self.location = url
        base, self._key = split_url(url)
        self._store = _store(base)
        with _told_errors(url):
            meta = _head(self._store, self._key)
        self.size = int(meta["size"])
        self.modified: datetime = meta["last_modified"]
        self.version: str | datetime = _version(meta)
        if url.startswith("http"):
            self._check_server(is_checked)
        self._start = 0
        self._window = b""
        self._last_message = 0
        self._window_size = _WINDOW

    @property
    def tag(self) -> str:
        """URL, size and time: what the history records of a file that is in the cube as a whole."""
        return f"{self.location} [{self.size} bytes, {self.modified:%Y-%m-%dT%H:%M:%SZ}]"

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes; fewer only at the end."""
        first = offset - self._start
        if first < 0 or first + length > len(self._window):
            self._window = self._fetch(offset, max(length, self._window_size))
            self._start, first = offset, 0
        return self._window[first : first + length]

    def advance(self, offset: int) -> None:
        """Promise to read nothing before `offset` again."""
        self._window_size = _SMALL_WINDOW if offset - self._last_message > _BIG_MESSAGE else _WINDOW
        self._last_message = offset

    def _fetch(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self.size)
        if end <= offset:
            return b""
        with _told_errors(self.location):
            return self._get(offset, end, _condition(self.version))

    def _get(self, start: int, end: int, condition: dict[str, Any]) -> bytes:
        import obstore

        options: Any = {"range": (start, end), **condition}
        found = obstore.get(self._store, self._key, options=options)
        return bytes(found.bytes())

    def _check_server(self, is_checked: bool) -> None:
        """See that the server gives parts, and refuses a file that has changed."""
        with _told_errors(self.location):
            self._get(0, min(1, self.size), {})
        if not is_checked or (self.version and self._refuses_others()):
            return
        said = "says no ETag and no time of change" if not self.version else "does not compare it when it is asked to"
        raise StoreError(
            f"The server of {self.location!r} {said}: a change of the file would not be noticed.",
            hint="Take it all the same with `--unchecked`, or fetch it and archive the copy.",
        )

    def _refuses_others(self) -> bool:
        from obstore.exceptions import PreconditionError

        other = '"of no file"' if isinstance(self.version, str) else self.version - timedelta(days=1)
        try:
            with _told_errors(self.location, PreconditionError):
                self._get(0, min(1, self.size), _condition(other))
        except PreconditionError:
            return True
        return False


def list_files(url: str) -> Iterator[tuple[str, int]]:
    """Keys below a prefix of a bucket, with their sizes."""
    import obstore

    base, prefix = split_url(url)
    with _told_errors(url):
        for batch in obstore.list(_store(base), prefix or None):
            for found in batch:
                yield str(found["path"]), int(found["size"])


def _head(store: ObjectStore, key: str) -> ObjectMeta:
    import obstore

    return obstore.head(store, key)


def state_of(url: str) -> tuple[int, str | datetime]:
    """Size and version of a remote file as it is now.

    Raises
    ------
    NotFoundError, StoreError
        If it does not exist, or cannot be asked.
    """
    base, key = split_url(url)
    with _told_errors(url):
        meta = _head(_store(base), key)
    return int(meta["size"]), _version(meta)


def read_remote(url: str, offset: int, length: int) -> bytes:
    """Bytes of a remote file."""
    import obstore

    base, key = split_url(url)
    with _told_errors(url):
        return bytes(obstore.get_range(_store(base), key, start=offset, length=length))


def _version(meta: ObjectMeta) -> str | datetime:
    """The etag; where there is none that says every change, the time of the last one."""
    etag = meta["e_tag"] or ""
    if etag and not etag.startswith("W/"):
        return etag
    modified = meta["last_modified"]
    return modified if modified.timestamp() > 0 else ""


def _condition(version: str | datetime) -> dict[str, Any]:
    if isinstance(version, datetime):
        return {"if_unmodified_since": version}
    return {"if_match": version} if version else {}


@lru_cache(maxsize=64)
def _store(base: str) -> ObjectStore:
    from obstore.store import HTTPStore

    if base.startswith("s3://"):
        return object_store(base)
    return HTTPStore.from_url(base, client_options={"allow_http": base.startswith("http://")})


@contextmanager
def _told_errors(url: str, *passed: type[Exception]) -> Iterator[None]:
    """Say of failures of the storage which file they are about."""
    from obstore.exceptions import BaseError, NotSupportedError, PreconditionError

    try:
        yield
    except passed:
        raise
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no file at {url!r}.", hint="Check the address.") from error
    except NotSupportedError as error:
        raise StoreError(
            f"The server of {url!r} gives whole files only, no parts of them (range requests).",
            hint="Fetch the file and archive the copy.",
        ) from error
    except PreconditionError as error:
        raise SourceChangedError(f"{url!r} changed while it was read.", hint="Run the same again.") from error
    except (BaseError, OSError) as error:
        raise StoreError(
            f"Cannot read {url!r}: {first_line(error)}",
            hint="Look at the address, the credentials and the server, and try again.",
        ) from error
