"""Many chunks of packs in an object store, neighbours fetched in one request.

Icechunk asks for each chunk that it refers to on its own, which takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.store.layouts.locate import find
from dtedask.store.layouts.moved import folder_of, pack_of
from dtedask.store.layouts.packs import FOLDER
from dtedask.store.location import Location
from dtedask.store.root_files import RootFiles

if TYPE_CHECKING:
    from dtedask.store.snapshot import Snapshot

FEWEST = 4
_RUN_BYTES = 8 * 2**20
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class _Part:
    """A chunk that is wanted: its number among the keys, and where it lies in which pack."""

    pack: str
    offset: int
    length: int
    number: int


def read_together(snapshot: Snapshot, keys: Sequence[str]) -> dict[int, bytes]:
    """Bytes of chunks that lie in packs of the cube, by their numbers among the keys.

    What is missing, on local disk, an object of its own, or cannot be fetched, is not in it and is read one by one.

    Parameters
    ----------
    snapshot : Snapshot
        Where they stand, with digests compared.
    keys : sequence of str
        Zarr keys of the chunks.
    """
    if len(keys) < FEWEST or not snapshot.is_remote or not _has_packs(snapshot):
        return {}
    parts = sorted(_parts(snapshot, keys), key=lambda part: (part.pack, part.offset))
    runs = list(_runs(parts))
    if not runs:
        return {}
    files = RootFiles(Location(snapshot.url))

    def fetch(run: list[_Part]) -> list[tuple[int, bytes]]:
        found = files.read_parts(f"{FOLDER}/{run[0].pack}", [(part.offset, part.length) for part in run])
        return [] if found is None else [(part.number, data) for part, data in zip(run, found, strict=True)]

    with ThreadPoolExecutor(min(_AT_ONCE, len(runs)), thread_name_prefix="packs") as pool:
        return {number: data for found in pool.map(fetch, runs) for number, data in found}


def _has_packs(snapshot: Snapshot) -> bool:
    """Whether the cube has packs at all, so that nothing is looked for where there are none."""
    place = ("has packs",)
    if place not in snapshot.memory:
        snapshot.memory[place] = RootFiles(Location(snapshot.url)).has_files(FOLDER)
    return bool(snapshot.memory[place])


def _parts(snapshot: Snapshot, keys: Sequence[str]) -> Iterator[_Part]:
    own = folder_of(snapshot.url)
    for number, reference in enumerate(find(snapshot, keys)):
        pack = pack_of(reference.url) if reference is not None else None
        if reference is not None and pack is not None and pack[0] == own:
            yield _Part(pack[1], reference.offset, reference.length, number)


def _runs(parts: Sequence[_Part]) -> Iterator[list[_Part]]:
    """Parts of one pack that are fetched together: no more than some megabytes from first to last."""
    run: list[_Part] = []
    for part in parts:
        if run and (part.pack != run[0].pack or part.offset + part.length - run[0].offset > _RUN_BYTES):
            yield run
            run = []
        run.append(part)
    if run:
        yield run
