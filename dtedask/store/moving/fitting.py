"""Whether fields fit into a root, found out before anything is written there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtedask.core.errors import KeyCollisionError, NotFoundError
from dtedask.store.growth import GroupGrowth
from dtedask.store.layouts import codec_of_values
from dtedask.store.opaque import OpaqueCodec, is_opaque
from dtedask.store.repository import snapshot_at
from dtedask.store.roots import RootDocument

if TYPE_CHECKING:
    from dtedask.store.group import Group
    from dtedask.store.identity import Address
    from dtedask.store.layouts import Codec
    from dtedask.store.location import Location
    from dtedask.store.selection import Record
    from dtedask.store.snapshot import Snapshot


class Fitting:
    """Places fields in the newest state of a root as a transaction would, and writes nothing.

    Parameters
    ----------
    location : Location
        The root; it need not exist.
    branch : str
        Its branch.
    """

    def __init__(self, location: Location, branch: str) -> None:
        self._location = location
        self._branch = branch
        self._exists = RootDocument(location).version() > 0
        self._snapshots: dict[str, Snapshot | None] = {}
        self._growths: dict[tuple[str, str], GroupGrowth] = {}
        self._origins: dict[int, str] = {}

    def place(self, address: Address) -> None:
        """Place a field.

        Raises
        ------
        FieldError
            If it has other dimensions, dates or units than its variable there.
        KeyCollisionError
            If its group there has another grid, or its variable other attributes.
        """
        where = (address.cube, address.group)
        if where not in self._growths:
            self._growths[where] = GroupGrowth(address, self._group(address))
        self._growths[where].place(address)

    def check_alone(self, address: Address, record: Record) -> None:
        """Check that no field before has the same place: a schema may leave out the key that tells two apart.

        Raises
        ------
        KeyCollisionError
            Naming both.
        """
        said = ",".join(f"{key}={value}" for key, value in record.keys.items())
        before = self._origins.setdefault(hash(address.identity), said)
        if before != said:
            raise KeyCollisionError(
                f"Two different fields would be one in {self._location.url!r}: {before} and {said} are both {address}.",
                hint="Copy them into a root whose schema tells them apart, or copy one of them only.",
            )

    def codec(self, address: Address) -> Codec:
        """How the root stores a field that was placed."""
        group = self._growths[(address.cube, address.group)].group
        stored = group.variables.get(address.variable.name) if group else None
        if stored is not None:
            return stored.codec
        return OpaqueCodec() if is_opaque(address.grid) else codec_of_values(address.variable.values, address.grid)

    def snapshot(self, cube: str) -> Snapshot | None:
        """Newest state of a cube; None where it does not exist."""
        if not self._exists:
            return None  # to look for a cube would create its folder
        if cube not in self._snapshots:
            try:
                self._snapshots[cube] = snapshot_at(self._location, cube, None, self._branch)
            except NotFoundError:
                self._snapshots[cube] = None
        return self._snapshots[cube]

    def _group(self, address: Address) -> Group | None:
        snapshot = self.snapshot(address.cube)
        if snapshot is None or address.group not in snapshot.group_names:
            return None
        return snapshot.group(address.group)


def bits_of(codec: Codec) -> int:
    """Bits of the mantissa that a codec keeps; bytes are kept whole."""
    if isinstance(codec, OpaqueCodec):
        return 0
    mantissa = 52 if codec.dtype == "float64" else 23
    return min(mantissa, codec.to_values().keep_bits or mantissa)
