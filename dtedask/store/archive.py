"""Fields that wait for a flush, and the flush over all their cubes."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from dtedask.core.commit import Commit
from dtedask.core.errors import FieldError, KeyCollisionError
from dtedask.core.settings import setting
from dtedask.grib import Coordinate, Field, FieldDescription, Message, coordinates, scan
from dtedask.plugins import run_after_commit
from dtedask.request import Request
from dtedask.store import items
from dtedask.store.addresses import Addresses
from dtedask.store.agreement import check_agreement, place_of
from dtedask.store.ahead import encoding_ahead
from dtedask.store.control import Control
from dtedask.store.execute import Execution
from dtedask.store.identity import Address
from dtedask.store.layouts import codec_of_values
from dtedask.store.opaque import Opaque, is_opaque
from dtedask.store.repository import BRANCH
from dtedask.store.staging import Staging
from dtedask.store.transaction import Options, commit_all
from dtedask.store.write import FileSlice, Source
from dtedask.store.writing import Entry, WriteTransaction

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from dtedask.store.location import Location
    from dtedask.store.schema import Schema

logger = logging.getLogger(__name__)
_WIDE_BITS = 24
_BYTES = (bytes, bytearray, memoryview)
Given = Mapping[str, Coordinate] | Message | Callable[[], Mapping[str, Coordinate]]
Messages = bytes | Message | str | os.PathLike[str] | BinaryIO | Iterable[bytes | Message]


@dataclass(frozen=True, slots=True)
class Staged:
    """Fields that were looked at and are not taken yet.

    Parameters
    ----------
    entries : tuple of Entry
        The fields, each once.
    count : int
        How many there were, with repeats.
    wide : int
        How many of them float32 cannot hold exactly.
    """

    entries: tuple[Entry, ...]
    count: int
    wide: int


class Archive:
    """What was archived and is not visible yet.

    Parameters
    ----------
    location : Location
        The root.
    schema : Schema
        Its schema.
    options : Options
        How to commit.
    """

    def __init__(self, location: Location, schema: Schema, options: Options) -> None:
        self._location = location
        self.schema = schema
        self._options = options
        self._entries: dict[str, dict[object, Entry]] = {}
        self._coordinates: dict[tuple[str, str], Given] = {}
        self.unchanged = 0
        self._wide = 0
        self._staging = Staging()
        self._addresses = Addresses(schema)

    @property
    def waiting(self) -> int:
        """Fields that wait for a flush."""
        return sum(self.waiting_in.values())

    @property
    def waiting_in(self) -> dict[str, int]:
        """Fields of each cube that wait for a flush."""
        return {cube: len(entries) for cube, entries in self._entries.items() if entries}

    def add_messages(self, fields: Messages, key: Mapping[str, object] | None) -> int:
        """Take GRIB messages; each must have the keys that are given."""
        return self.keep(self.stage_messages(fields, key))

    def stage_messages(self, fields: Messages, key: Mapping[str, object] | None) -> Staged:
        """Look at GRIB messages and take none of them yet."""
        if is_other_bytes(fields, key):
            assert isinstance(fields, _BYTES)
            assert key is not None
            return self._stage([self._entry_of_bytes(bytes(fields), key)])
        own, wanted = self._read_key(key) if key else ({}, None)
        return self._stage(self._entry_of_message(message, wanted, own) for message in messages_of(fields))

    def _read_key(self, key: Mapping[str, object]) -> tuple[dict[str, str], Request]:
        """Keys of the root's own, which no message has, and those of MARS with which messages must agree."""
        named = {name: value for name, value in key.items() if name[:1] != "_"}
        language = self.schema.language
        wanted = Request(named, language=language)
        own = {name: values[0] for name, values in wanted.items() if language and name in language.keys}
        if any(len(wanted[name]) > 1 for name in own):
            raise FieldError(f"A field has one value of each key; {wanted} has several.", hint="Name one.")
        return own, wanted.without(*own)

    def add_arrays(self, fields: Iterable[Field], *, ahead: bool = False) -> int:
        """Take fields that are in memory; `ahead` begins to encode them at once."""
        return self.keep(self.stage_arrays(fields), ahead=ahead)

    def stage_arrays(self, fields: Iterable[Field]) -> Staged:
        """Look at fields that are in memory and take none of them yet."""
        return self._stage(self._entry_of_array(field) for field in fields)

    def add_entries(self, fields: Iterable[tuple[Entry, Callable[[], Mapping[str, Coordinate]]]]) -> int:
        """Take fields that have their places, each with what gives the coordinates of its grid."""
        return self.keep(self._stage(self._noted(entry, coordinates_of) for entry, coordinates_of in fields))

    def flush(
        self, message: str, sources: tuple[str, ...], execution: Execution, notes: tuple[tuple[str, str], ...] = ()
    ) -> tuple[list[Commit], list[Exception]]:
        """Commit everything, one snapshot a cube.

        Returns
        -------
        tuple of (list of Commit, list of Exception)
            The commits, and what plug-ins raised when they were told.
        """
        commits: list[Commit] = []
        self.unchanged = 0
        cubes = sorted(cube for cube, entries in self._entries.items() if entries)
        transactions = [self._transaction(cube, execution, message, sources, notes) for cube in cubes]
        failures: list[Exception] = []
        self._report_wide()
        try:
            for cube, commit in zip(cubes, commit_all(transactions) if cubes else (), strict=True):
                waited = len(self._entries.pop(cube))
                self.unchanged += commit.unchanged if commit else waited
                commits += [commit] if commit else []
        finally:
            self._staging.forget()
            for commit in commits if self._options.branch == BRANCH else ():
                failures += run_after_commit(commit)
        self._coordinates.clear()
        return commits, failures

    def waits_for(self, cube: str) -> bool:
        """Whether fields of a cube wait for a flush."""
        return bool(self._entries.get(cube))

    @property
    def cubes(self) -> list[str]:
        """Names of the cubes whose fields wait for a flush."""
        return [cube for cube, entries in self._entries.items() if entries]

    def staged(self, cube: str) -> str:
        """Snapshot of a cube with what waits for a flush in it; nobody else can see it."""
        return self._staging.snapshot(self._transaction(cube, Execution(threads=setting("ingest.threads"))))

    def close(self) -> None:
        """Let go of what was written for reading only."""
        self._staging.forget()

    def _transaction(
        self,
        cube: str,
        execution: Execution,
        message: str = "",
        sources: tuple[str, ...] = (),
        notes: tuple[tuple[str, str], ...] = (),
    ) -> WriteTransaction:
        return WriteTransaction(
            location=self._location,
            cube=cube,
            options=self._options,
            message=message,
            sources=sources,
            notes=notes,
            entries=list(self._entries[cube].values()),
            execution=execution,
            coordinates_of=self._coordinates_of,
            schema=self.schema,
        )

    def _report_wide(self) -> None:
        if self._wide:
            logger.warning(
                "float32 rounds %d of the fields, packed in more than %d bits; the schema can ask for float64",
                self._wide,
                _WIDE_BITS,
            )
        self._wide = 0

    def _coordinates_of(self, address: Address) -> Mapping[str, Coordinate]:
        found = self._coordinates[(address.cube, address.group)]
        if isinstance(found, Message):
            return coordinates(found)
        return found() if callable(found) else found

    def _noted(self, entry: Entry, coordinates_of: Callable[[], Mapping[str, Coordinate]]) -> tuple[Entry, bool]:
        self._coordinates.setdefault((entry.address.cube, entry.address.group), coordinates_of)
        return entry, False

    def address_of(self, description: FieldDescription) -> Address:
        """Place of a field under the schema of the root."""
        if self._addresses.schema is not self.schema:
            self._addresses = Addresses(self.schema)
        return self._addresses.of(description)

    def _entry_of_message(self, message: Message, wanted: Request | None, own: Mapping[str, str]) -> tuple[Entry, bool]:
        description = message.field
        if wanted is not None:
            check_agreement(wanted, message)
        if own:
            description = replace(description, keys={**description.keys, **own})
        address = self.address_of(description)
        self._coordinates.setdefault((address.cube, address.group), message)
        source: Source = FileSlice(message.location, message.offset, message.length)
        if message.data is not None:
            source = message.data
        entry = Entry(address, dict(address.keys), source, description.order, place_of(message))
        return entry, _is_rounded(description, address)

    def _entry_of_bytes(self, data: bytes, key: Mapping[str, object]) -> tuple[Entry, bool]:
        description = items.describe(data, key, self.schema)
        address = self.address_of(description)
        self._coordinates.setdefault((address.cube, address.group), {})
        return Entry(address, dict(address.keys), Opaque(data), None, "opaque bytes"), False

    def _entry_of_array(self, field: Field) -> tuple[Entry, bool]:
        address = self.address_of(field.description)
        self._coordinates.setdefault((address.cube, address.group), field.coordinates)
        values = np.array(field.values, dtype=address.variable.values.dtype)
        return Entry(address, dict(address.keys), values, None, "an array"), False

    def _stage(self, entries: Iterable[tuple[Entry, bool]]) -> Staged:
        """Look at fields, of which none is taken where one of them is refused; of equal fields the last stays."""
        staged: dict[object, Entry] = {}
        count = wide = 0
        for entry, is_rounded in entries:
            identity = entry.address.identity
            before = staged.pop(identity, None) or self._entries.get(entry.address.cube, {}).get(identity)
            if before is not None:
                _check_same_product(before, entry)
            staged[identity] = entry
            count += 1
            wide += is_rounded
        Control(self._location).check_entries(staged.values())
        return Staged(tuple(staged.values()), count, wide)

    def keep(self, staged: Staged, *, ahead: bool = False) -> int:
        """Take fields that were looked at; they wait for the flush, and with `ahead` are encoded meanwhile."""
        self._staging.forget()
        for entry in map(_ahead, staged.entries) if ahead else staged.entries:
            waiting = self._entries.setdefault(entry.address.cube, {})
            waiting.pop(entry.address.identity, None)
            waiting[entry.address.identity] = entry
        self._wide += staged.wide
        return staged.count


def is_other_bytes(fields: Messages, key: Mapping[str, object] | None) -> bool:
    """Whether what is archived are bytes that are no GRIB and come with keys."""
    return isinstance(fields, _BYTES) and bool(key) and bytes(fields[:4]) != b"GRIB"


def messages_of(fields: Messages) -> Iterator[Message]:
    """The messages in what is archived, one by one."""
    if isinstance(fields, Message):
        yield fields
    elif isinstance(fields, _BYTES):
        yield from scan(bytes(fields))
    elif isinstance(fields, str | os.PathLike) or _is_stream(fields):
        yield from scan(fields)
    else:
        for one in fields:
            yield from messages_of(one)


def _is_stream(fields: object) -> TypeIs[BinaryIO]:
    return hasattr(fields, "read")


def _is_rounded(description: FieldDescription, address: Address) -> bool:
    """Whether float32 cannot hold what the packing can; 32-bit IEEE values are float32 themselves."""
    is_float32 = address.variable.values.dtype == "float32"
    return is_float32 and description.bits_per_value > _WIDE_BITS and description.packing != "grid_ieee"


def _check_same_product(before: Entry, after: Entry) -> None:
    """The last of equal fields wins; different products of one edition collide, whichever came first."""
    if before.address.variable.edition != after.address.variable.edition:
        return
    old, new = dict(before.address.product), dict(after.address.product)
    differing = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    if differing:
        pairs = ", ".join(f"{name} ({old.get(name)} and {new.get(name)})" for name in differing)
        raise KeyCollisionError(
            f"Two different fields have the same keys: {before.origin} and {after.origin} are both {after.address}, "
            f"but differ in {pairs}.",
            hint="Archive one of them under another expver, or report the key that tells them apart.",
        )


def _ahead(entry: Entry) -> Entry:
    """The same field, whose chunk is being encoded as its schema says."""
    if not isinstance(entry.source, np.ndarray) or is_opaque(entry.address.grid):
        return entry
    codec = codec_of_values(entry.address.variable.values, entry.address.grid)
    return replace(entry, source=encoding_ahead(entry.source, codec))
