"""Where fields stand after a commit, for whoever wrote them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dtedask.core.errors import NotFoundError, OpaqueError
from dtedask.store.opaque import OpaqueCodec
from dtedask.store.placement import place

if TYPE_CHECKING:
    import numpy as np

    from dtedask.store.identity import Address
    from dtedask.store.layouts import Codec
    from dtedask.store.selection import Record
    from dtedask.store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Placed:
    """Where one field stands.

    Parameters
    ----------
    cube : str
        Name of the cube.
    url : str
        Path or URL of the cube.
    chunk : str
        Zarr key of the field's chunk there.
    shape : tuple of int
        Shape of its grid.
    snapshot : Snapshot
        The state of the cube that holds it.
    codec : Codec
        How its values are stored.
    """

    cube: str
    url: str
    chunk: str
    shape: tuple[int, ...]
    snapshot: Snapshot = field(repr=False)
    codec: Codec = field(repr=False)

    @property
    def dtype(self) -> str:
        """Type that values are rounded to."""
        return "" if isinstance(self.codec, OpaqueCodec) else self.codec.dtype

    @property
    def is_exact(self) -> bool:
        """Whether values come back to the last bit of `dtype`: not where a codec is lossy, or GRIB packs them."""
        if isinstance(self.codec, OpaqueCodec) or self.codec.keeps_messages:
            return False
        return self.codec.to_values().keep_bits is None

    def values(self) -> np.ndarray:
        """Read the values back.

        Raises
        ------
        NotFoundError
            If the field is not there.
        OpaqueError
            If bytes stand there and no field.
        """
        if isinstance(self.codec, OpaqueCodec):
            raise OpaqueError(f"{self.url}/{self.chunk} holds bytes and no field.")
        (data,) = self.snapshot.read_chunks([self.chunk])
        if data is None:
            raise NotFoundError(f"There is no field at {self.url}/{self.chunk}.")
        return self.codec.decode(data, self.shape, f"{self.url}/{self.chunk}")


def placed_of(record: Record) -> Placed:
    """Where a field stands that was found by a request."""
    found = record.selection
    return Placed(
        record.cube, found.snapshot.url, record.chunk, record.grid.shape, found.snapshot, found.variable.codec
    )


def places_of(addresses: Sequence[Address], snapshot_of: Callable[[str], Snapshot]) -> tuple[Placed, ...]:
    """Find fields in the newest snapshots of their cubes."""
    found: dict[int, Placed] = {}
    for cube in dict.fromkeys(address.cube for address in addresses):
        snapshot = snapshot_of(cube)
        within = [number for number, address in enumerate(addresses) if address.cube == cube]
        placement = place(snapshot, (addresses[number] for number in within))
        for number, key, codec in zip(within, placement.keys, placement.codecs, strict=True):
            found[number] = Placed(cube, snapshot.url, key, addresses[number].grid.shape, snapshot, codec)
    return tuple(found[number] for number in range(len(addresses)))
