"""Read chunks straight from the packs of a cube on local disk, in the thread that decodes them.

The way through Icechunk's threads takes a millisecond a chunk, which a small field is decoded in.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.store.layouts.locate import locate
from dtedask.store.layouts.references import Reference, folder_url
from dtedask.store.location import Location

if TYPE_CHECKING:
    from dtedask.store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class PackedChunk:
    """A chunk that lies in a pack of its cube on local disk.

    Parameters
    ----------
    snapshot : Snapshot
        Where it stands.
    key : str
        Its Zarr key.
    path : str
        The pack.
    offset, length : int
        The bytes.
    """

    snapshot: Snapshot
    key: str
    path: str
    offset: int
    length: int

    def read(self) -> bytes | None:
        """The bytes; where they cannot be read Icechunk is asked, which tells why."""
        data = _read(self.path, self.offset, self.length)
        return self.snapshot.read_chunks([self.key])[0] if data is None else data


def packed_or_read(snapshot: Snapshot, keys: Sequence[str]) -> list[PackedChunk | bytes | None]:
    """Chunks that lie in packs on local disk, to be read later, and the bytes of the others; None where there is none.

    Raises
    ------
    DamagedError
        If something of it is damaged.
    """
    found: list[PackedChunk | bytes | None] = [*_in_packs(snapshot, keys)]
    rest = [number for number, chunk in enumerate(found) if chunk is None]
    for number, data in zip(rest, snapshot.read_chunks([keys[one] for one in rest]) if rest else (), strict=True):
        found[number] = data
    return found


def _in_packs(snapshot: Snapshot, keys: Sequence[str]) -> list[PackedChunk | None]:
    location = Location(snapshot.url)
    if not location.is_local:
        return [None] * len(keys)
    own = folder_url(location, "")
    return [_packed(snapshot, key, own, found) for key, found in zip(keys, locate(snapshot, keys), strict=True)]


def _packed(snapshot: Snapshot, key: str, own: str, reference: Reference | None) -> PackedChunk | None:
    if reference is None or not reference.url.startswith(own):
        return None
    path = f"{snapshot.url}/packs/{reference.url[len(own) :]}"
    return PackedChunk(snapshot, key, path, reference.offset, reference.length)


def _read(path: str, offset: int, length: int) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        data = os.pread(descriptor, length, offset)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return data if len(data) == length else None
