"""Which fields cannot become GRIB messages, where the target keeps messages and the source does not."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.errors import GribUnsupportedError
from dtedask.store.encoding import encode_exactly
from dtedask.store.moving.result import Refused
from dtedask.store.opaque import OpaqueCodec
from dtedask.store.write import StoredField

if TYPE_CHECKING:
    from dtedask.store.layouts import Codec
    from dtedask.store.selection import Record
    from dtedask.store.writing import Entry


def becomes_message(source: Codec, target: Codec) -> bool:
    """Whether fields of a codec must be encoded to GRIB for another."""
    if isinstance(source, OpaqueCodec) or isinstance(target, OpaqueCodec):
        return False
    return target.keeps_messages and not source.keeps_messages


def why_not(entry: Entry, dtype: str) -> str:
    """Why a field cannot be said in GRIB with every bit of its values; empty where it can."""
    assert isinstance(entry.source, StoredField)
    values = entry.source.read()
    assert isinstance(values, np.ndarray)
    try:
        encode_exactly(values.astype(dtype, copy=False), entry.address)
    except GribUnsupportedError as error:
        return str(error)
    return ""


class Refusals:
    """Counts what is refused, by variable and reason."""

    def __init__(self) -> None:
        self._found: Counter[tuple[str, str, str, str]] = Counter()

    def add(self, record: Record, reason: str, fields: int = 1) -> None:
        """Fields of a variable are refused for a reason."""
        self.add_at(record.cube, record.group, record.variable, reason, fields)

    def add_at(self, cube: str, group: str, variable: str, reason: str, fields: int) -> None:
        """Fields of a variable, named by its place, are refused for a reason."""
        self._found[(cube, group, variable, reason)] += fields

    @property
    def found(self) -> tuple[Refused, ...]:
        """What was refused until now."""
        return tuple(
            Refused(cube, group, variable, fields, reason)
            for (cube, group, variable, reason), fields in self._found.items()
        )
