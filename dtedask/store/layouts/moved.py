"""Packs of a cube that was moved: references are absolute, and those of old snapshots cannot be changed.

`relocate` lets the newest snapshots refer to where the packs lie now, and notes beside the packs where they were. By
that note chunks of older snapshots are found: a pack is the same wherever it lies, since its name is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from dtedask.core.errors import DamagedError, MovedError
from dtedask.store.failures import is_of_file
from dtedask.store.layouts.locate import locate
from dtedask.store.layouts.packs import FOLDER
from dtedask.store.layouts.references import Reference, folder_url
from dtedask.store.location import Location
from dtedask.store.root_files import RootFiles

if TYPE_CHECKING:
    from dtedask.store.snapshot import Snapshot

NOTE = f"{FOLDER}/moved.json"
_PACK = re.compile(rf"(.*/{FOLDER}/)([0-9a-f]{{32}}\.[a-z]+)")
_LEVELS = 3  # of folders between a root and its cubes
_FORMAT = 1


def pack_of(url: str) -> tuple[str, str] | None:
    """Folder and name of a pack, with nothing quoted; None where a reference is to something else."""
    found = _PACK.fullmatch(unquote(url))
    return (found[1], found[2]) if found else None


def folder_of(cube_url: str) -> str:
    """Where the packs of a cube lie, as `pack_of` says it."""
    return unquote(folder_url(Location(cube_url), ""))


def former_folders(cube_url: str) -> list[str]:
    """Where the packs of a cube were before it was moved, as noted by `relocate`.

    Raises
    ------
    DamagedError
        If the note cannot be read.
    """
    data = RootFiles(Location(cube_url)).read(NOTE)
    try:
        return [] if data is None else [str(folder) for folder in json.loads(data)["former"]]
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedError(
            f"{cube_url}/{NOTE} cannot be read, which says where the packs of the cube were.",
            hint="Remove it, and run `dtedask store relocate --from OLD` for each place where the root was.",
        ) from error


def note_former(cube_url: str, folders: Iterable[str]) -> None:
    """Note where packs were, beside what is noted already."""
    known = former_folders(cube_url)
    new = [*known, *(folder for folder in folders if folder not in known)]
    if new != known:
        RootFiles(Location(cube_url)).write(NOTE, json.dumps({"format": _FORMAT, "former": new}).encode())


def with_moved(
    snapshot: Snapshot, keys: Sequence[str], found: Sequence[Any], parts: Sequence[Any] | None = None
) -> list[Any]:
    """Put the bytes of chunks whose packs were moved into the place of the errors that reading them gave.

    Parameters
    ----------
    snapshot : Snapshot
        What was read.
    keys : sequence of str
        Zarr keys of the chunks.
    found : sequence
        What reading each gave: bytes, None, or the error.
    parts : sequence of zarr.abc.store.ByteRequest, optional
        What was asked of each, where that was not all of it.

    Raises
    ------
    MovedError
        If the packs lie where the cube is now, and its references have not been relocated.
    """
    result = list(found)
    failed = [number for number, one in enumerate(found) if isinstance(one, Exception) and is_of_file(one)]
    if not failed or Location(snapshot.url).is_memory:
        return result
    references = locate(snapshot, [keys[number] for number in failed])
    former = former_folders(snapshot.url)
    for number, reference in zip(failed, references, strict=True):
        if reference is None:
            continue
        wanted = reference if parts is None else _part_of(reference, parts[number])
        data = _moved(snapshot.url, wanted, former)
        result[number] = result[number] if data is None else data
    return result


def _part_of(reference: Reference, part: Any) -> Reference:
    """The bytes that Zarr asks for of a chunk: a range, all from an offset on, or the last ones."""
    from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest

    first, end = 0, reference.length
    if isinstance(part, RangeByteRequest):
        first, end = part.start, min(part.end, end)
    elif isinstance(part, OffsetByteRequest):
        first = part.offset
    elif isinstance(part, SuffixByteRequest):
        first = max(end - part.suffix, 0)
    return replace(reference, offset=reference.offset + first, length=max(end - first, 0))


def _moved(cube_url: str, reference: Reference, former: Sequence[str]) -> bytes | None:
    """Bytes of a pack that was elsewhere and is here now; None where it is not."""
    found = pack_of(reference.url)
    if found is None or found[0] == folder_of(cube_url):
        return None
    folder, name = found
    data = RootFiles(Location(cube_url)).read_part(f"{FOLDER}/{name}", reference.offset, reference.length)
    if data is not None and folder not in former:
        raise moved_error(cube_url, folder)
    return data


def moved_error(cube_url: str, folder: str) -> MovedError:
    """The error for a cube that refers to packs where it was before."""
    parts = cube_url.rsplit("/", _LEVELS)
    old = folder.removesuffix(f"/{'/'.join(parts[1:])}/{FOLDER}/").removeprefix("file://")
    return MovedError(
        f"The root {parts[0]!r} was moved or copied: its cube {'/'.join(parts[1:])!r} refers to messages in {old!r}.",
        hint=f"`dtedask store relocate --root {parts[0]}` lets it refer to where they are now.",
    )
