"""Keeping the catalog file of a root: entries of the groups whose axes or variables changed are written anew."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dtedask.catalog.document import DRIVER, expand_directory, read_catalog, relative_to_catalog
from dtedask.catalog.entry import Entry, entry_of
from dtedask.catalog.growth import grown_groups
from dtedask.core.errors import DocumentError, LockedError, ReadOnlyError, StoreError
from dtedask.core.settings import setting
from dtedask.store.cube import open_snapshot
from dtedask.store.location import Location, is_roots_document
from dtedask.store.lock import acquire
from dtedask.store.repository import cached_snapshot
from dtedask.store.store import Store

if TYPE_CHECKING:
    from dtedask.core.commit import Commit

logger = logging.getLogger(__name__)
FILE_NAME = "catalog.yaml"
_HEAD = "# Entries of cubes are kept by dtedask: it writes them anew after commits that change them.\n"
_LOCK_TIMEOUT_S = 10.0
_HOUR_S = 3600.0
_PART = re.compile(r"\.\d+\.\d+\.part")


def catalog_path(root: str) -> Path | None:
    """Catalog file of a root: what the setting ``catalog.path`` names, else ``catalog.yaml`` in a root on local disk.

    None for a root elsewhere when the setting is not set.
    """
    named = setting("catalog.path")
    if named:
        return Path(named).expanduser().absolute()
    return None if "://" in root or is_roots_document(root) else Path(root) / FILE_NAME


def update_catalog(
    store: Store, path: str | os.PathLike[str] | None = None, cubes: Collection[str] | None = None
) -> Path | None:
    """Write the entries of cubes that changed into a catalog file; entries of others stay.

    Parameters
    ----------
    store : Store
        The root.
    path : str or path, optional
        The catalog file; that of the root by default, see `catalog_path`.
    cubes : collection of str, optional
        Names of the cubes to look at; all by default.

    Returns
    -------
    Path or None
        The catalog file; None where the root has none. The file is replaced at once, and only if an entry changed;
        several processes may do so at the same time.

    Raises
    ------
    DocumentError
        If the file is no catalog of version 1, or has an entry of the same name for a cube of another root.
    ReadOnlyError
        If the file cannot be written.
    """
    if store.roots != (store.root,):  # each has a catalog of its own, unless one is named for all
        files = [update_catalog(one, path, cubes) for one in store.apart()]
        return files[0]
    file = Path(path).expanduser().absolute() if path is not None else catalog_path(store.root)
    if file is None:
        return None
    with _locked(file):
        _replace_entries(file, store.root, _entries_of(store, cubes), store.cubes() if cubes is None else cubes)
    return file


def rebuild(store: Store, path: str | os.PathLike[str] | None = None) -> Path:
    """Write all entries of a root into a catalog file anew; those of cubes that are gone vanish, of others stay.

    Raises
    ------
    StoreError
        If the root is not on local disk and no path is given.
    """
    if store.roots != (store.root,):
        written = [rebuild(one, path) for one in store.apart()]
        return written[0]
    file = Path(path).expanduser().absolute() if path is not None else catalog_path(store.root)
    if file is None:
        raise StoreError(
            f"The root {store.root!r} is not on local disk and has no catalog file of its own.",
            hint="Give a path, or set dtedask.catalog.path.",
        )
    with _locked(file):
        _replace_entries(file, store.root, _entries_of(store, None), None)
    return file


def follow(commit: Commit, file: Path) -> bool:
    """Enter a commit into a catalog file; True if the file was written.

    Nothing is opened while axes and variables stay. What is written is the newest: another process may have
    committed later and written already.
    """
    if commit.removed or commit.rolled_back:
        return _rewrite_cube(commit, file)
    known = _read(file).sources
    location = Location.parse(commit.root)
    changed = grown_groups(cached_snapshot(location, commit.cube, commit.parent), commit.changes)
    changed |= {change.group for change in commit.changes if f"{commit.cube}/{change.group}" not in known}
    changed = set(_of_fields(changed))
    if not changed:
        return False
    with _locked(file):
        snapshot, _, _ = open_snapshot(commit.url, None)
        fresh = [entry_of(commit.cube, commit.url, snapshot.keys, snapshot.group(name)) for name in sorted(changed)]
        return _replace_entries(file, location.url, fresh, cubes=())


def _rewrite_cube(commit: Commit, file: Path) -> bool:
    """Enter a cube that lost fields: labels, variables and groups may have vanished."""
    with _locked(file):
        snapshot, location, _ = open_snapshot(commit.url, None)
        groups = [snapshot.group(name) for name in _of_fields(snapshot.group_names)]
        fresh = [entry_of(commit.cube, commit.url, snapshot.keys, group) for group in groups if group.variables]
        return _replace_entries(file, location.url, fresh, cubes=(commit.cube,))


def source_of(entry: Entry, file: Path) -> dict[str, Any]:
    """An entry as the catalog file has it."""
    arguments: dict[str, Any] = {"urlpath": relative_to_catalog(entry.cube_url, file), "group": entry.group}
    if entry.time != "reference":
        arguments["time"] = entry.time
    return {
        "description": entry.description,
        "driver": DRIVER,
        "args": arguments,
        "metadata": _plain(entry.metadata),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value


def _of_fields(groups: Iterable[str]) -> list[str]:
    """Names of groups without those of opaque bytes, which no engine opens."""
    return [name for name in groups if not name.endswith("/opaque")]


def _entries_of(store: Store, cubes: Collection[str] | None) -> list[Entry]:
    found = []
    for cube in store.cubes() if cubes is None else cubes:
        url = f"{store.root}/{cube}"
        snapshot, _, _ = open_snapshot(url, None)
        groups = [snapshot.group(name) for name in _of_fields(snapshot.group_names)]
        found += [entry_of(cube, url, snapshot.keys, group) for group in groups if group.variables]
    return found


@dataclass(frozen=True)
class _File:
    """A catalog file as it was read: what marks its version, and what stands in it."""

    mark: tuple[int, int, int] | None
    document: dict[str, Any]

    @property
    def sources(self) -> dict[str, Any]:
        return self.document.get("sources") or {}


_files: dict[str, _File] = {}
_guard = threading.Lock()


def _read(file: Path) -> _File:
    """Contents of a catalog file; parsed again only when it changed."""
    mark = _mark(file)
    known = _files.get(str(file))
    if known is not None and known.mark == mark:
        return known
    found = _File(mark, {} if mark is None else _parse(file))
    with _guard:
        _files[str(file)] = found
    return found


def _mark(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _parse(file: Path) -> dict[str, Any]:
    import yaml

    read_catalog(file)  # what is wrong is said with file, line and key
    # As Intake reads it (YAML 1.1), so that entries of others keep their meaning.
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = yaml.load(file.read_bytes(), loader)
    return dict(found or {})


def _replace_entries(file: Path, root: str, fresh: Iterable[Entry], cubes: Collection[str] | None) -> bool:
    """Put entries into a catalog file, sorted; others of the cubes named (None: of all of the root) vanish."""
    document = _read(file).document
    before = dict(document.get("sources") or {})
    made = {entry.name: entry for entry in fresh}
    kept = {name: source for name, source in before.items() if not _vanishes(name, source, file, root, cubes)}
    for name in made.keys() & kept.keys():
        _check_replaceable(file, made[name], kept.pop(name))
    sources = kept | {name: source_of(entry, file) for name, entry in made.items()}
    if sources == before and document:
        return False
    ours = dict(sorted((name, source) for name, source in sources.items() if _driver(source) == DRIVER))
    others = {name: source for name, source in sources.items() if name not in ours}
    _write(file, {**({"metadata": {"version": 1}} | document), "sources": others | ours})
    return True


def _driver(source: Any) -> Any:
    return source.get("driver") if isinstance(source, Mapping) else None


def _cube_of(source: Any, file: Path) -> str:
    """Path or URL of the cube of an entry; empty for an entry of another driver."""
    if _driver(source) != DRIVER:
        return ""
    return expand_directory(str((source.get("args") or {}).get("urlpath", "")), file)


def _vanishes(name: str, source: Any, file: Path, root: str, cubes: Collection[str] | None) -> bool:
    """Whether an entry is one that we made for one of the cubes; other names for a cube are somebody's own."""
    url = _cube_of(source, file)
    cube = url.removeprefix(f"{root}/")
    return cube != url and name.startswith(f"{cube}/") and (cubes is None or cube in cubes)


def _check_replaceable(file: Path, entry: Entry, source: Any) -> None:
    """An entry of the same name for another cube gives way only if that is gone from the disk."""
    url = _cube_of(source, file)
    if url == entry.cube_url or (url and "://" not in url and not Path(url).is_dir()):
        return
    what = f"for the cube {url!r}" if url else f"of the driver {_driver(source)!r}"
    raise DocumentError(
        f"The catalog {str(file)!r} has an entry {entry.name!r} {what} already.",
        hint="Give each root a catalog of its own, or take that entry away.",
    )


def _write(file: Path, document: Mapping[str, Any]) -> None:
    import yaml

    dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(dict(document), Dumper=dumper, sort_keys=False, allow_unicode=True, width=120)
    part = file.with_name(f".{file.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        part.write_text(_HEAD + text, "utf-8")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ReadOnlyError(f"The catalog {str(file)!r} cannot be written: {error.strerror}.") from error
    with _guard:
        _files[str(file)] = _File(_mark(file), dict(document))


def remove_parts(file: Path) -> None:
    """Remove half-written catalogs beside a catalog file that nobody has touched for an hour."""
    for part in file.parent.glob(f".{file.name}.*.part"):
        with suppress(OSError):
            if (
                _PART.fullmatch(part.name.removeprefix(f".{file.name}"))
                and time.time() - part.stat().st_mtime > _HOUR_S
            ):
                part.unlink()


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    from filelock import SoftFileLock, Timeout

    path = file.with_name(f".{file.name}.lock")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = SoftFileLock(path, poll_interval=0.01)
        acquire(lock, path, time.monotonic() + _LOCK_TIMEOUT_S)
    except Timeout as error:
        raise LockedError(
            f"Another process writes the catalog {str(file)!r} for more than {_LOCK_TIMEOUT_S:g} s.",
            hint=f"If it is gone, remove {lock.lock_file!r}.",
        ) from error
    except OSError as error:
        raise ReadOnlyError(f"The catalog {str(file)!r} cannot be written: {error.strerror or error}.") from error
    try:
        yield
    finally:
        lock.release()
