"""Packs that nothing refers to any more: left by killed writers, or by commits that have expired."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath

from dtedask.store.layouts.manifest_refs import payload_of
from dtedask.store.layouts.packs import FOLDER
from dtedask.store.location import Location
from dtedask.store.root_files import RootFile, RootFiles

_NAME = re.compile(rb"/packs/([0-9a-f]{32}\.[a-z]+)")
_AT_ONCE = 64


def remove_packs(location: Location, cube: str, before: datetime, *, dry_run: bool) -> list[int]:
    """Remove packs of a cube that are older than a limit and that no manifest names; returns their sizes.

    To be called when what has expired is collected: a manifest that is there, is one that something kept may need.

    Raises
    ------
    DamagedError
        If a manifest cannot be read; nothing is removed then.
    """
    files = RootFiles(location)
    old = [pack for pack in packs_of(location, cube) if pack.modified < before]
    needed = names_in_manifests(location, cube) if old else set()
    stale = [pack for pack in old if PurePosixPath(pack.name).name not in needed]
    for pack in () if dry_run else stale:
        files.delete(pack.name)
    return [pack.size_bytes for pack in stale]


def packs_of(location: Location, cube: str) -> list[RootFile]:
    """The packs of a cube; none where Icechunk cannot refer to files."""
    found = [] if location.is_memory else RootFiles(location).files(f"{cube}/{FOLDER}")
    return [file for file in found if _NAME.search(file.name.encode())]


def names_in_manifests(location: Location, cube: str) -> set[str]:
    """Names of all packs that stand in any manifest of a cube, wherever it says that they lie; each is read once."""
    found: set[str] = set()
    for name, data in _manifests(location, cube):
        found |= {pack.decode() for pack in _NAME.findall(payload_of(data, f"{location.url}/{name}"))}
    return found


def _manifests(location: Location, cube: str) -> Iterator[tuple[str, bytes]]:
    files = RootFiles(location)
    names = [file.name for file in files.files(f"{cube}/manifests")]
    for start in range(0, len(names), _AT_ONCE):
        part = names[start : start + _AT_ONCE]
        for name, data in zip(part, files.read_all(part), strict=True):
            if data is not None:  # collected meanwhile
                yield name, data
