"""The two sides of a comparison: fields of a root, or of GRIB files, by variable and keys."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import NotFoundError
from dtedask.grib import scan
from dtedask.store.control import takes
from dtedask.store.growth import own_attributes
from dtedask.store.identity import address_of
from dtedask.store.write import FileSlice, StoredField
from dtedask.store.writing import Entry

if TYPE_CHECKING:
    from dtedask.geo import PointOrder
    from dtedask.request import Request
    from dtedask.store.location import Location
    from dtedask.store.schema import Schema
    from dtedask.store.selection import Selection

# A variable: its name, its group (type, levtype, grid), and what else parts fields of equal keys.
Place = tuple[str, str]
Keys = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class SideField:
    """A field of one side.

    Parameters
    ----------
    keys : mapping
        MARS keys.
    grid : str
        Label of its grid.
    source : StoredField, FileSlice or bytes
        Where it is.
    order : PointOrder, optional
        How the values of a message become the order of the grid; None for a stored field.
    attributes : mapping
        What is said of its variable.
    size_bytes : int
        Bytes of it, decoded.
    """

    keys: Mapping[str, str]
    grid: str
    source: StoredField | FileSlice | bytes
    order: PointOrder | None
    attributes: Mapping[str, Any]
    size_bytes: int

    @property
    def is_message(self) -> bool:
        """Whether it is a message of a file."""
        return self.order is not None

    @property
    def identity(self) -> Keys:
        """What tells it from the other fields of its variable."""
        return frozenset(self.keys.items())


class Side(ABC):
    """Fields to compare."""

    name: str

    @abstractmethod
    def places(self) -> Iterable[Place]:
        """Variables that have fields."""

    @abstractmethod
    def fields(self, place: Place) -> Iterator[SideField]:
        """Fields of a variable; none where there is no such variable."""

    @abstractmethod
    def count(self) -> int:
        """Number of fields."""


class RootSide(Side):
    """Fields of a root.

    Parameters
    ----------
    location : Location
        The root.
    selections : sequence of Selection
        The fields.
    """

    def __init__(self, location: Location, selections: Sequence[Selection]) -> None:
        self.name = location.url
        self._location = location
        self._parts: dict[Place, list[Selection]] = {}
        for part in selections:
            self._parts.setdefault((part.group.name, part.variable.name), []).append(part)

    def places(self) -> Iterable[Place]:
        """Variables that have fields."""
        return self._parts

    def count(self) -> int:
        """Number of fields."""
        return sum(len(part.slots) for parts in self._parts.values() for part in parts)

    def fields(self, place: Place) -> Iterator[SideField]:
        """Fields of a variable; none where there is no such variable."""
        for part in self._parts.get(place, ()):
            variable = part.variable
            attributes = own_attributes(variable.attributes) | {"GRIB_edition": variable.attributes["GRIB_edition"]}
            shape = variable.shape[len(variable.dims) :]
            size = part.group.grid.size * (8 if variable.dtype == "float64" else 4)
            for record in part.records():
                state, seen_as = part.snapshot, tuple(part.snapshot.seen_as.items())
                source = StoredField(
                    self._location, state.cube, state.id, record.chunk, variable.codec, tuple(shape), keys=seen_as
                )
                yield SideField(record.keys, part.group.grid.label, source, None, attributes, size)


class FilesSide(Side):
    """Fields of GRIB files, as a root would archive them; of equal ones the last counts.

    Parameters
    ----------
    files : sequence of path
        The files.
    request : Request
        Which of their fields.
    schema : Schema
        That of the root.
    """

    def __init__(self, files: Sequence[str | os.PathLike[str]], request: Request, schema: Schema) -> None:
        paths = [Path(file) for file in files]
        self.name = str(paths[0]) if len(paths) == 1 else f"{len(paths)} files"
        self._found: dict[Place, dict[Keys, SideField]] = {}
        for path in paths:
            if not path.is_file():
                raise NotFoundError(f"There is no file {str(path)!r}.", hint="Check the path.")
            self._take(path, request, schema)

    def _take(self, path: Path, request: Request, schema: Schema) -> None:
        for message in scan(path):
            address = address_of(message.field, schema)
            source = FileSlice(message.location, message.offset, message.length) if message.data is None else None
            data = source or message.data
            assert data is not None
            entry = Entry(address, dict(address.keys), data, message.field.order, "")
            if takes(request, entry):
                spec = address.variable
                attributes = dict(spec.attributes) | {"GRIB_edition": spec.edition}
                field = SideField(
                    address.keys, address.grid.label, data, message.field.order, attributes, entry.size_bytes
                )
                self._found.setdefault((address.group, spec.name), {})[field.identity] = field

    def places(self) -> Iterable[Place]:
        """Variables that have fields."""
        return self._found

    def count(self) -> int:
        """Number of fields."""
        return sum(map(len, self._found.values()))

    def fields(self, place: Place) -> Iterator[SideField]:
        """Fields of a variable; none where there is no such variable."""
        yield from self._found.get(place, {}).values()
