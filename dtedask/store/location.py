"""Where a root lies: local disk, memory or an object store."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.core.errors import StoreError
from dtedask.store.credentials import profile_provider, region
from dtedask.store.forks import check_process

if TYPE_CHECKING:
    import icechunk
    from obstore.store import ObjectStore

_MEMORY_STORAGES: dict[str, icechunk.Storage] = {}
_SCHEMES = ("s3://", "memory://")
_DOCUMENTS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Location:
    """A root: a folder, ``s3://bucket/prefix`` or ``memory://name``.

    Parameters
    ----------
    url : str
        Absolute path or URL without a slash at its end.
    """

    url: str

    @classmethod
    def parse(cls, root: str | os.PathLike[str] | Location) -> Location:
        """Normalise what a user calls a root.

        Raises
        ------
        StoreError
            If the scheme of the URL is not supported.
        """
        if isinstance(root, Location):
            return root
        text = os.fspath(root)
        if text.startswith("file://"):
            text = text.removeprefix("file://")
        if text.startswith(_SCHEMES):
            return cls(text.rstrip("/"))
        if "://" in text:
            raise StoreError(
                f"Cannot use the root {text!r}.", hint="Use a folder, s3://bucket/prefix or memory://name."
            )
        return cls(str(Path(text).expanduser().absolute()))

    @property
    def is_local(self) -> bool:
        """Whether the root is a folder."""
        return not self.url.startswith(_SCHEMES)

    @property
    def is_memory(self) -> bool:
        """Whether the root lives in the memory of this process."""
        return self.url.startswith("memory://")

    def cube_url(self, cube: str) -> str:
        """Path or URL of a cube."""
        return f"{self.url}/{cube}"

    def storage(self, cube: str) -> icechunk.Storage:
        """Icechunk's storage of a cube; credentials come from the environment."""
        import icechunk

        check_process()
        url = self.cube_url(cube)
        if self.is_local:
            _silence_local_disk()
            return icechunk.local_filesystem_storage(url)
        if self.is_memory:
            return _MEMORY_STORAGES.setdefault(url, icechunk.in_memory_storage())
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        return icechunk.s3_storage(
            bucket=bucket,
            prefix=prefix,
            region=region(),
            endpoint_url=endpoint,
            allow_http=bool(endpoint and endpoint.startswith("http://")),
            force_path_style=endpoint is not None,
            from_env=True,
        )


def is_roots_document(root: object) -> bool:
    """Whether what is opened as a root is the file of a document that names several: it ends in .yaml or .yml."""
    if not isinstance(root, str | os.PathLike):
        return False
    text = os.fspath(root)
    return isinstance(text, str) and "://" not in text and text.endswith(_DOCUMENTS) and not os.path.isdir(text)  # noqa: PTH112


@lru_cache(maxsize=1)
def _silence_local_disk() -> None:
    """Keep Icechunk from warning, on standard output, of commits side by side: the cube's lock sees to that.

    Once a process, and only where ICECHUNK_LOG does not say what the user wants.
    """
    import icechunk

    if "ICECHUNK_LOG" not in os.environ:
        icechunk.set_logs_filter("error")


@lru_cache(maxsize=64)
def object_store(url: str) -> ObjectStore:
    """The object store of a root or a bucket; credentials come from the environment."""
    from obstore import store

    if url.startswith("memory://"):
        return store.MemoryStore()
    if url.startswith("s3://"):
        options: dict[str, object] = {}
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            options = {"endpoint": endpoint, "virtual_hosted_style_request": False}
            if endpoint.startswith("http://"):
                options["client_options"] = {"allow_http": True}
        provider = profile_provider()
        if provider is not None:
            options["credential_provider"] = provider
        if region():
            options["region"] = region()
        return store.S3Store.from_url(url, **options)  # type: ignore[arg-type]
    return store.LocalStore(url, mkdir=True)


def memory_cubes(location: Location) -> list[str]:
    """Names of the cubes of a root in the memory of this process, sorted."""
    import icechunk

    prefix = f"{location.url}/"
    found = [(url, storage) for url, storage in _MEMORY_STORAGES.items() if url.startswith(prefix)]
    return sorted(url.removeprefix(prefix) for url, storage in found if icechunk.Repository.exists(storage))
