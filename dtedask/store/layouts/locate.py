"""Where the chunks of a snapshot lie that are parts of files: of packs of ours, or of files of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.errors import DamagedError, StoreError
from dtedask.store.layouts.manifest_refs import ManifestRefs
from dtedask.store.layouts.references import Reference, folder_url

if TYPE_CHECKING:
    from dtedask.store.snapshot import Snapshot
    from dtedask.store.upkeep.manifests import Extents


def locate(snapshot: Snapshot, keys: Sequence[str]) -> list[Reference | None]:
    """Where chunks lie.

    Parameters
    ----------
    snapshot : Snapshot
        Where they stand.
    keys : sequence of str
        Zarr keys of the chunks.

    Returns
    -------
    list of Reference or None
        In the order of the keys; None for a chunk that is an object of its own, or does not exist.

    Raises
    ------
    DamagedError
        If a manifest is damaged.
    StoreError
        If the root lives in the memory of a process, whose manifests nobody can read.
    """
    snapshot.check_chunks([key.split("/c/", 1) for key in keys])
    return find(snapshot, keys)


def find(snapshot: Snapshot, keys: Sequence[str]) -> list[Reference | None]:
    """As `locate`, of chunks whose manifests have been compared with their digests."""
    extents = _extents_of(snapshot)
    return [_find(snapshot.url, extents, *key.split("/c/", 1)) for key in keys]


def references_of(snapshot: Snapshot, path: str) -> Iterator[tuple[tuple[int, ...], Reference]]:
    """Coordinates of all chunks of an array that are parts of files, and where they lie; raises as `locate`."""
    snapshot.check_arrays([path])
    extents = _extents_of(snapshot).get(path)
    for name in extents.ids if extents else ():
        found = manifest_refs(snapshot.url, name)
        yield from zip(map(tuple, found.rows.tolist()), found, strict=True)


def bytes_in_packs(snapshot: Snapshot) -> int:
    """Bytes of the cube's own packs that a snapshot refers to."""
    from dtedask.store.location import Location

    prefix = folder_url(Location(snapshot.url), "")
    names = [name for extents in _extents_of(snapshot).values() for name in extents.ids]
    return sum(manifest_refs(snapshot.url, name).bytes_below(prefix) for name in names)


@lru_cache(maxsize=64)
def manifest_refs(url: str, name: str) -> ManifestRefs:
    """References of a manifest, which never changes.

    Parameters
    ----------
    url : str
        Path or URL of the cube.
    name : str
        Identifier of the manifest.
    """
    from dtedask.store.location import Location
    from dtedask.store.root_files import RootFiles

    location = Location(url)
    if location.is_memory:
        raise StoreError(
            f"Nobody can say where the chunks of {url!r} lie, which is in memory.", hint="Use a root on disk or S3."
        )
    data = RootFiles(location).read(f"manifests/{name}")
    if data is None:
        raise DamagedError(
            f"The manifest {url}/manifests/{name} is missing.", hint="`dtedask store verify` finds what is damaged."
        )
    return ManifestRefs.of(data, f"{url}/manifests/{name}")


def _extents_of(snapshot: Snapshot) -> dict[str, Extents]:
    """Manifests of the arrays of a snapshot, asked once."""
    from dtedask.store.upkeep.manifests import extents_by_array

    key = ("extents",)
    if key not in snapshot.memory:
        snapshot.memory[key] = extents_by_array(snapshot.repo, snapshot.id)
    found: dict[str, Extents] = snapshot.memory[key]
    return found


def _find(url: str, extents: dict[str, Extents], path: str, slots: str) -> Reference | None:
    if path not in extents:
        return None
    row = tuple(int(slot) for slot in slots.split("/"))
    holding = extents[path].holding(np.array([row]), lambda _: False)
    found = (manifest_refs(url, name).find(row) for name in holding)
    return next((reference for reference in found if reference is not None), None)
