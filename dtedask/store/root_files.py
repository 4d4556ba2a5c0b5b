"""The small files of a root, and the names of its cubes."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dtedask.core.errors import NotFoundError, ReadOnlyError, StoreError
from dtedask.store.failures import first_line, storage_error
from dtedask.store.forks import check_process
from dtedask.store.location import Location, memory_cubes, object_store

if TYPE_CHECKING:
    from obstore import ObjectMeta, UpdateVersion
    from obstore.store import ObjectStore

_AT_ONCE = 16
_LEVELS = 3  # of folders between a root and its cubes: class, stream, expver


@dataclass(frozen=True, slots=True)
class RootFile:
    """A small file of a root, as it is listed.

    Parameters
    ----------
    name : str
        Path below the root.
    modified : datetime
        When it was last written, by the clock of the storage.
    size_bytes : int
        Its size.
    """

    name: str
    modified: datetime
    size_bytes: int


class FileStream:
    """A file of an object store that is sent in parts; it is there once it is closed.

    What is never closed is nothing but parts, which the storage keeps for as long as its rules for them say.

    Parameters
    ----------
    files : RootFiles
        The files of the root.
    name : str
        Path below the root.

    Raises
    ------
    ReadOnlyError
        If the root cannot be written.
    StoreError
        If the storage fails.
    """

    def __init__(self, files: RootFiles, name: str) -> None:
        import obstore

        self._told = files._told_errors  # noqa: SLF001 - of this module
        with self._told():
            self._writer = obstore.open_writer(files._objects(), name)  # noqa: SLF001

    def write(self, data: bytes) -> None:
        """Append bytes."""
        with self._told():
            self._writer.write(data)

    def close(self) -> None:
        """Let the file be there."""
        with self._told():
            self._writer.close()


class RootFiles:
    """The small files of a root and the names of its cubes.

    Parameters
    ----------
    location : Location
        The root; nothing is created until something is written.
    """

    def __init__(self, location: Location) -> None:
        self._location = location

    def read(self, name: str) -> bytes | None:
        """Contents of a file, or None where it does not exist."""
        if not self._location.is_local:
            return self.read_version(name)[0]
        try:  # a file that is not there costs a hundredth of what it costs by obstore
            return _read_local(f"{self._location.url}/{name}")
        except OSError as error:
            raise StoreError(f"Cannot read {name!r} of the root {self._location.url!r}: {error}") from error

    def read_version(self, name: str) -> tuple[bytes | None, UpdateVersion | None]:
        """Contents of a file, and the version for `replace`; None and None where it does not exist."""
        import obstore
        from obstore.exceptions import BaseError

        if not self._exists():
            return None, None
        try:
            found = obstore.get(self._objects(), name)
            return bytes(found.bytes()), _version(found.meta)
        except FileNotFoundError:
            return None, None
        except BaseError as error:
            raise self._unreadable(name, error) from error

    def read_part(self, name: str, offset: int, length: int) -> bytes | None:
        """Some bytes of a file; None where it does not exist or is too short."""
        import obstore
        from obstore.exceptions import BaseError

        if not self._exists():
            return None
        try:
            data = bytes(obstore.get_range(self._objects(), name, start=offset, length=length))
        except (FileNotFoundError, BaseError):
            return None
        return data if len(data) == length else None

    def read_parts(self, name: str, parts: Sequence[tuple[int, int]]) -> list[bytes] | None:
        """Parts of a file, each given by offset and length, neighbours in one request; None as of `read_part`."""
        import obstore
        from obstore.exceptions import BaseError

        starts, lengths = [offset for offset, _ in parts], [length for _, length in parts]
        try:
            found = obstore.get_ranges(self._objects(), name, starts=starts, lengths=lengths)
        except (FileNotFoundError, BaseError):
            return None
        data = [bytes(part) for part in found]
        return data if [len(part) for part in data] == lengths else None

    def has_files(self, folder: str) -> bool:
        """Whether anything is in a folder of the root."""
        import obstore

        return self._exists() and next(iter(obstore.list(self._objects(), folder, chunk_size=1)), None) is not None

    def sizes(self, prefix: str) -> dict[str, int]:
        """Names below a prefix, as the root calls them, with their sizes in bytes."""
        import obstore

        if not self._exists():
            return {}
        batches = obstore.list(self._objects(), prefix)
        return {str(found["path"]): int(found["size"]) for batch in batches for found in batch}

    def replace(self, name: str, data: bytes, version: UpdateVersion | None) -> bool:
        """Write a file if it is still what `read_version` gave; False when it is not.

        On local disk nothing is compared: hold a lock, as `change_file` does.
        """
        import obstore
        from obstore.exceptions import PreconditionError

        if version is None or self._location.is_local:
            return self.write(name, data, only_new=version is None)
        try:
            with self._told_errors():
                obstore.put(self._objects(), name, data, mode=version)
        except PreconditionError:
            return False
        return True

    def read_all(self, names: Sequence[str]) -> list[bytes | None]:
        """Contents of files, fetched side by side; None for each that does not exist."""
        if self._location.is_local:
            return [_read_local(f"{self._location.url}/{name}") for name in names]
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="root-files") as pool:
            return list(pool.map(self.read, names))

    def stream(self, name: str) -> FileStream:
        """Begin a file of an object store that is too large to be held in memory."""
        return FileStream(self, name)

    def write(self, name: str, data: bytes, *, only_new: bool = False) -> bool:
        """Write a file at once; False when `only_new` and it exists already.

        Raises
        ------
        ReadOnlyError
            If the root cannot be written.
        StoreError
            If the storage fails.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError

        if self._location.is_local and not only_new:
            check_process()
            with self._told_errors():
                _write_local(f"{self._location.url}/{name}", data)
            return True
        try:
            with self._told_errors():
                obstore.put(self._objects(), name, data, mode="create" if only_new else "overwrite")
        except AlreadyExistsError:
            return False
        return True

    def files(self, folder: str) -> list[RootFile]:
        """Files in a folder of the root, sorted by name; none where there is no such folder."""
        import obstore
        from obstore.exceptions import BaseError

        if not self._exists():
            return []
        try:
            found = [one for batch in obstore.list(self._objects(), folder) for one in batch]
        except FileNotFoundError:
            return []
        except BaseError as error:
            raise self._unreadable(folder, error) from error
        return sorted(
            (RootFile(str(one["path"]), one["last_modified"], one["size"]) for one in found), key=lambda one: one.name
        )

    def delete(self, name: str) -> None:
        """Delete a file; one that is gone already is no error."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            if self._location.is_local:
                os.unlink(f"{self._location.url}/{name}")  # noqa: PTH108
                return
            obstore.delete(self._objects(), name)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise storage_error(error, self._location.url) from error

    def cubes(self, named: Sequence[Sequence[str]] = (), matches: Callable[[str], bool] = lambda _: True) -> list[str]:
        """Names of the cubes of the root, sorted.

        Parameters
        ----------
        named : sequence of sequence of str
            The folders that matter on the first levels; where there are none, all do.
        matches : callable
            Whether a name matters; others are not looked at.

        Raises
        ------
        NotFoundError
            If there is no such folder.
        """
        if not self._exists():
            raise NotFoundError(
                f"There is no root at {self._location.url!r}.",
                hint="Check the path, or archive something into it: `dtedask ingest FILE --root PATH`.",
            )
        if self._location.is_memory:
            return [name for name in memory_cubes(self._location) if matches(name)]
        names = [""]
        for wanted in itertools.islice(itertools.chain(named, itertools.repeat(())), _LEVELS):
            below = ([f"{name}/{one}".lstrip("/") for one in wanted] or self._folders(name) for name in names)
            names = list(itertools.chain.from_iterable(below))
        return sorted(name for name in set(names) if matches(name) and self._is_cube(name))

    def _is_cube(self, name: str) -> bool:
        """Whether there are references, or commits without them, which is damage and must not be passed over."""
        folders = self._folders(name)
        return f"{name}/refs" in folders or f"{name}/transactions" in folders

    @contextmanager
    def _told_errors(self) -> Iterator[None]:
        from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

        try:
            yield
        except (AlreadyExistsError, PreconditionError):
            raise
        except PermissionError as error:
            raise ReadOnlyError(f"The root {self._location.url!r} cannot be written: {error}") from error
        except (BaseError, OSError) as error:
            raise storage_error(error, self._location.url) from error

    def _folders(self, prefix: str) -> list[str]:
        import obstore
        from obstore.exceptions import BaseError

        if self._location.is_local:
            return _local_folders(self._location.url, prefix)
        try:
            found = obstore.list_with_delimiter(self._objects(), prefix or None)["common_prefixes"]
        except BaseError as error:
            raise self._unreadable(prefix or "what is in it", error) from error
        return [str(name).rstrip("/") for name in found if not str(name).rsplit("/", 1)[-1].startswith(".")]

    def _unreadable(self, name: str, error: Exception) -> StoreError:
        return StoreError(
            f"Cannot read {name!r} of the root {self._location.url!r}: {first_line(error)}",
            hint="Look at the address (AWS_ENDPOINT_URL), the credentials and the storage.",
        )

    def _exists(self) -> bool:
        return not self._location.is_local or os.path.isdir(self._location.url)  # noqa: PTH112

    def _objects(self) -> ObjectStore:
        check_process()
        return object_store(self._location.url)


def _version(meta: ObjectMeta) -> UpdateVersion:
    found: UpdateVersion = {"e_tag": meta["e_tag"]}
    if meta["version"] is not None:
        found["version"] = meta["version"]
    return found


# Plain names instead of paths: a quarter of the time of finding one field went into paths.
def _local_folders(root: str, prefix: str) -> list[str]:
    """Folders below a folder; by obstore it takes ten times as long."""
    try:
        with os.scandir(f"{root}/{prefix}") as found:
            names = [one.name for one in found if one.is_dir() and not one.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StoreError(f"Cannot list {prefix!r} of the root {root!r}: {error}") from error
    return [f"{prefix}/{name}" if prefix else name for name in names]


def _write_local(path: str, data: bytes) -> None:
    """Write a file that appears whole; by obstore, whose names of half-written files these are, it takes twice as long.

    What is written is not on disk yet.
    """
    part = f"{path}#{random.getrandbits(60)}"
    try:
        file = open(part, "xb")  # noqa: PTH123, SIM115
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        file = open(part, "xb")  # noqa: PTH123, SIM115
    try:
        with file:
            file.write(data)
        os.replace(part, path)  # noqa: PTH105
    except OSError:
        with suppress(OSError):
            os.unlink(part)  # noqa: PTH108
        raise


def _read_local(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
