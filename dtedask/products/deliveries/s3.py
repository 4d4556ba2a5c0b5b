"""The delivery `s3`: products become objects below a bucket or prefix."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import field_validator

from dtedask.core.errors import DeliveryError
from dtedask.products.deliveries.checksum import checksum_of_bytes, files_in
from dtedask.products.deliveries.contents import media_type_of, path_of
from dtedask.products.deliveries.manifest import Known
from dtedask.products.deliveries.places import safe_name
from dtedask.products.delivery import Content, Delivery, DeliveryOptions, Receipt
from dtedask.store.failures import first_line
from dtedask.store.forks import check_process
from dtedask.store.location import object_store

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import ObjectStore

__all__ = ["S3Delivery", "S3Options"]

AT_ONCE_BYTES = 64 << 20
"""What is larger goes in parts of this size, so that it needs not be in memory."""
_SHA256 = "sha256"  # S3 calls it x-amz-meta-sha256
_RACES = 20
_AT_ONCE = 4
_LAST = "zarr.json"  # what readers of a folder look for first


class S3Options(DeliveryOptions):
    """Products become objects of an object store; who may write there is said by AWS' environment and files."""

    type: Literal["s3"] = "s3"
    url: str
    """``s3://bucket/prefix``."""

    @field_validator("url")
    @classmethod
    def _names_a_bucket(cls, url: str) -> str:
        bucket = url.removeprefix("s3://").partition("/")[0]
        if not url.startswith("s3://") or not bucket or "@" in bucket or "?" in url:
            raise ValueError("it must be s3://bucket/prefix; credentials come from the environment.")
        return url.rstrip("/")

    @property
    def target(self) -> str:
        """See `DeliveryOptions`."""
        return self.url


@dataclass(frozen=True, slots=True)
class _Object:
    """What lies under a name."""

    mode: PutMode
    checksum: str = ""
    size_bytes: int = -1


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What a manifest was when it was last seen."""

    mode: PutMode
    data: bytes
    known: Known


class S3Delivery(Delivery):
    """Puts a product where nothing or the known object is, and looks again where somebody was faster.

    An object appears whole, large ones as well. Formats that write folders become many objects: the one that readers
    look for, at the top of the folder, comes last and goes first.
    """

    Options = S3Options

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._guard = threading.Lock()
        self._manifests: dict[str, _Manifest] = {}

    def deliver(self, content: Content) -> Receipt:
        """See `Delivery`."""
        source, name = path_of(content), safe_name(content.product)
        with _told(content.product.id, self.options.url):
            put = self._put_folder if source.is_dir() else self._put_file
            is_new = put(name, source, content)
        url = f"{self.options.url}/{name}"
        return Receipt(url, content.checksum, content.size_bytes, datetime.now(UTC), is_new=is_new)

    def record(self, name: str, lines: Sequence[str]) -> None:
        """See `Delivery`."""
        with _told(f"manifest {name}", self.options.url), self._guard:
            for _ in range(_RACES):
                found = self._manifests.get(name) or self._read(name)
                new = found.known.missing(lines)
                data = found.data + "".join(f"{line}\n" for line in new).encode()
                tag = self._put(name, data, found.mode, {"Content-Type": "application/jsonl"}) if new else ""
                if tag is None:  # others were faster
                    self._manifests.pop(name, None)
                    continue
                if new:
                    found.known.read(new)
                    self._manifests[name] = _Manifest({"e_tag": tag}, data, found.known)
                return
        raise _too_many(f"manifest {name}", self.options.url)

    def _put_file(self, name: str, source: Path, content: Content) -> bool:
        """Put a file; False where it is there already."""
        attributes = {"Content-Type": media_type_of(content), _SHA256: content.checksum}
        for _ in range(_RACES):
            there = self._look(name)
            if (there.checksum, there.size_bytes) == (content.checksum, content.size_bytes):
                return False
            if content.size_bytes > AT_ONCE_BYTES:
                self._put_parts(name, source, attributes)
                return True
            if self._put(name, source.read_bytes(), there.mode, attributes) is not None:
                return True
        raise _too_many(content.product.id, self.options.url)

    def _put_folder(self, name: str, source: Path, content: Content) -> bool:
        """Put a folder, the file that readers look for last; it carries the checksum of them all."""
        import obstore

        *others, last = sorted(files_in(source), key=lambda one: (one == _LAST, "/" not in one))
        if self._look(f"{name}/{last}").checksum == content.checksum:
            return False
        there = [str(one["path"]) for batch in obstore.list(self._objects(), f"{name}/") for one in batch]
        for key in sorted(there, key=lambda key: key != f"{name}/{last}"):
            obstore.delete(self._objects(), key)
        for one in others:
            data = (source / one).read_bytes()
            self._put(f"{name}/{one}", data, "overwrite", {_SHA256: checksum_of_bytes(data)})
        self._put(f"{name}/{last}", (source / last).read_bytes(), "overwrite", {_SHA256: content.checksum})
        return True

    def _look(self, name: str) -> _Object:
        """What lies under a name; where nothing does, only a new object may be put there."""
        import obstore

        try:
            found = obstore.get(self._objects(), name, options={"head": True})
        except FileNotFoundError:
            return _Object("create")
        version = {"e_tag": found.meta["e_tag"]}
        return _Object(version, str(found.attributes.get(_SHA256, "")), found.meta["size"])  # type: ignore[arg-type]

    def _read(self, name: str) -> _Manifest:
        import obstore

        known = Known(f"{self.options.url}/{name}")
        try:
            found = obstore.get(self._objects(), name)
        except FileNotFoundError:
            return _Manifest("create", b"", known)
        data = bytes(found.bytes())
        known.read(data.decode().splitlines())
        return _Manifest({"e_tag": found.meta["e_tag"]}, data, known)

    def _put(self, name: str, data: bytes, mode: PutMode, attributes: dict[str, str]) -> str | None:
        """Put an object at once, signed with its checksum; gives its tag, None where others were faster."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        try:
            done = obstore.put(self._objects(), name, data, mode=mode, attributes=attributes, use_multipart=False)
        except (AlreadyExistsError, PreconditionError):
            return None
        return done["e_tag"] or ""

    def _put_parts(self, name: str, source: Path, attributes: dict[str, str]) -> None:
        """Put an object in parts; it appears with the last one."""
        import obstore

        obstore.put(
            self._objects(), name, source, attributes=attributes, use_multipart=True,
            chunk_size=AT_ONCE_BYTES, max_concurrency=_AT_ONCE,
        )  # fmt: skip

    def _objects(self) -> ObjectStore:
        check_process()
        return object_store(str(self.options.url))


@contextmanager
def _told(what: str, url: str) -> Iterator[None]:
    from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

    try:
        yield
    except (BaseError, OSError) as error:
        lasting = isinstance(error, PermissionDeniedError | UnauthenticatedError | FileNotFoundError)
        raise DeliveryError(
            f"{what} cannot be delivered to {url!r}: {first_line(error)}",
            hint="Look at the bucket, the address (AWS_ENDPOINT_URL) and the credentials.",
            is_lasting=lasting,
        ) from error


def _too_many(what: str, url: str) -> DeliveryError:
    return DeliveryError(
        f"{what} cannot be delivered to {url!r}: others write the same object again and again.",
        hint="Give products of different requirements different names.",
    )
