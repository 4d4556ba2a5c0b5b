"""Files of ours that nothing will ever finish: left by killed writers, or about snapshots that are gone."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.store.location import Location
from dtedask.store.past.tag_file import FILE as TAGS
from dtedask.store.past.tag_file import decoded
from dtedask.store.past.tags import PIN
from dtedask.store.root_files import RootFiles
from dtedask.store.upkeep.digests import digest_folder

if TYPE_CHECKING:
    import icechunk

_FOLDERS = ("attributes", "chunks", "manifests", "refs", "snapshots", "transactions")
# How the library below Icechunk and ours calls a file until it is whole; a killed writer leaves it behind.
_HALF_WRITTEN = re.compile(r".+#\d+")


def remove_leftovers(location: Location, cube: str, before: datetime, *, dry_run: bool) -> list[int]:
    """Remove half-written files of a cube on local disk that are older than a limit; returns their sizes.

    Only the folders that a repository has and that of our own small files are looked at, and only names that are used
    there. Elsewhere nothing appears before it is whole.
    """
    if not location.is_local:
        return []
    top = Path(location.cube_url(cube))
    sizes = []
    for folder in (*(top / name for name in _FOLDERS), Path(location.url) / ".dtedask"):
        for parent, _, names in os.walk(folder):
            for name in filter(_HALF_WRITTEN.fullmatch, names):
                sizes += _remove_old(Path(parent) / name, before, dry_run=dry_run)
    return sizes


def stale_digests(location: Location, cube: str, before: datetime, *, dry_run: bool) -> list[int]:
    """Remove the digests of snapshots that are gone, if they are older than a limit; returns their sizes."""
    files = RootFiles(location)
    found = files.files(digest_folder(cube))
    if not found:
        return []
    there = _snapshots(location, cube)
    stale = [file for file in found if file.modified < before and Path(file.name).stem not in there]
    if not dry_run:
        for file in stale:
            files.delete(file.name)
    return [file.size_bytes for file in stale]


def stray_pins(location: Location, cube: str, repo: icechunk.Repository, before: datetime, *, dry_run: bool) -> int:
    """Let go of what a tag was to keep whose maker died before the tag had its name; returns how many such pins."""
    pins = {name for name in repo.list_tags() if name.startswith(PIN)}
    if pins and not location.is_memory:
        files = RootFiles(location)
        pins -= {pin for _, pin in decoded(files.read(TAGS), location.url).values()}
        pins = {pin for pin in pins if all(file.modified < before for file in files.files(f"{cube}/refs/tag.{pin}"))}
        for pin in () if dry_run else sorted(pins):
            repo.delete_tag(pin)
        return len(pins)
    return 0


def _snapshots(location: Location, cube: str) -> set[str]:
    return {Path(file.name).name for file in RootFiles(location).files(f"{cube}/snapshots")}


def _remove_old(path: Path, before: datetime, *, dry_run: bool) -> list[int]:
    try:
        status = path.stat()
        if datetime.fromtimestamp(status.st_mtime, UTC) >= before:
            return []
        if not dry_run:
            path.unlink()
    except FileNotFoundError:
        return []
    return [status.st_size]
