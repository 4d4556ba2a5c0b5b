"""Which fields of a cube a request takes: listed from the manifest, named by their MARS keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.request import Request
from dtedask.store.coverage import fields_within, has_fields, used_of, used_within
from dtedask.store.keytexts import KeyTexts, key_texts

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.geo import Grid
    from dtedask.store.group import Group, Variable
    from dtedask.store.snapshot import Snapshot


# More small objects than this at once (700) make Python look through all of its memory for garbage.
_RECORDS_AT_ONCE = 500


@dataclass(frozen=True)
class Selection:
    """The fields of one variable that a request takes; they are listed only where that is needed.

    Parameters
    ----------
    constants : mapping
        Keys that all fields share.
    dimensions : tuple of tuple of KeyTexts
        Keys that each dimension stands for.
    allowed : tuple of (numpy.ndarray or None)
        Slots of each dimension that the request takes, ascending; None for all.
    rows : numpy.ndarray, optional
        Slots of the fields, in the order people see, where they are known already.
    replaced : Commit, optional
        The commit that replaced or wiped all of them; None for fields that are there.
    shadowed_by : str
        Of several roots, the one that has the same fields and comes first; empty for fields that are seen.
    """

    snapshot: Snapshot
    cube: str
    group: Group
    variable: Variable
    constants: Mapping[str, str]
    dimensions: tuple[tuple[KeyTexts, ...], ...]
    allowed: tuple[np.ndarray | None, ...]
    rows: np.ndarray | None = None
    replaced: Commit | None = None
    shadowed_by: str = ""

    @cached_property
    def slots(self) -> np.ndarray:
        """Slots of the fields, shape (fields, dimensions), in the order people see."""
        if self.rows is not None:
            return self.rows
        return fields_within(self.snapshot, self.group, self.variable, self.allowed)

    @cached_property
    def used(self) -> tuple[np.ndarray, ...]:
        """Slots of each dimension that hold at least one of the fields, ascending."""
        if self.rows is not None or "slots" in self.__dict__:
            return used_of(self.slots, self.variable)
        return used_within(self.snapshot, self.group, self.variable, self.allowed)

    @property
    def axes(self) -> Mapping[str, list[str]]:
        """Values of every key over the selected fields."""
        if self.rows is not None or any(slots is not None for slots in self.allowed):
            return self._axes()
        place = ("axes", self.group.name, self.variable.name)
        if place not in self.snapshot.memory:
            self.snapshot.memory[place] = self._axes()
        found: dict[str, list[str]] = self.snapshot.memory[place]
        return found

    def _axes(self) -> dict[str, list[str]]:
        found = {key: [value] for key, value in self.constants.items()}
        for used, parts in zip(self.used, self.dimensions, strict=True):
            for part in parts:
                values, codes = part.coded
                found[part.key] = [values[code] for code in np.unique(codes[used]).tolist() if values[code]]
        if self.has_control:
            members = self.used[self.variable.dims.index("member")]
            is_control = members == self.control_slot
            found["type"] = [name for name, any_ in (("cf", is_control.any()), ("pf", (~is_control).any())) if any_]
        return found

    def records(self) -> Iterator[Record]:
        """The fields, one record each."""
        for start in range(0, len(self.slots), _RECORDS_AT_ONCE):
            for slots in map(tuple, self.slots[start : start + _RECORDS_AT_ONCE].tolist()):
                yield Record(self, slots)

    def keys_of(self, slots: tuple[int, ...]) -> dict[str, str]:
        """MARS keys of a field, as its message had them."""
        if not slots:
            return dict(self.constants)
        front, keys = self._recent[0]
        if front != slots[:-1]:
            front, keys = slots[:-1], dict(self.constants)
            for slot, parts in zip(front, self._keys_of_slots, strict=False):
                keys.update(parts[slot])
            self._recent[0] = (front, keys)
        return {**keys, **self._keys_of_slots[-1][slots[-1]]}

    def chunk(self, slots: tuple[int, ...]) -> str:
        """Zarr key of the chunk that holds a field."""
        places = "/".join(map(str, (*slots, *(0 for _ in self.variable.shape[len(slots) :]))))
        return f"{self.group.name}/{self.variable.name}/c/{places}"

    def size_bytes(self, slots: tuple[int, ...]) -> int:
        """Stored bytes of a field; those of its neighbours are looked up with it."""
        if slots not in self._sizes:
            (place,) = np.flatnonzero((self.slots == slots).all(axis=1))[:1]
            start = int(place) - int(place) % _RECORDS_AT_ONCE
            near = list(map(tuple, self.slots[start : start + _RECORDS_AT_ONCE].tolist()))
            found = self.snapshot.chunk_sizes([self.chunk(one) for one in near])
            self._sizes.update(zip(near, found, strict=True))
        return self._sizes[slots]

    @cached_property
    def _sizes(self) -> dict[tuple[int, ...], int]:
        return {}

    @cached_property
    def beside_request(self) -> dict[str, str]:
        """What a request must say beside the keys of a field, so that it takes no other field of the cube."""
        found = {"grid": self.group.grid.label}
        for other in self.group.variables.values():
            if other.attributes.get("GRIB_paramId") == self.constants.get("param"):
                names = [name for name in ("timespan", "stattype") if name in other.attributes]
                found |= {name: "none" for name in names if name not in self.constants}
        return found

    @cached_property
    def _recent(self) -> list[tuple[tuple[int, ...] | None, dict[str, str]]]:
        """Slots but the last of the field that was asked for last, and their keys: the next one has mostly the same."""
        return [(None, {})]

    @cached_property
    def beside_keys(self) -> dict[str, str]:
        """What stands beside the MARS keys of each field: short name and grid."""
        return {
            "shortName": str(self.variable.attributes.get("GRIB_shortName", "")),
            "grid": self.group.grid.label,
        }

    @cached_property
    def _keys_of_slots(self) -> list[list[dict[str, str]]]:
        """Keys that each slot of each dimension adds."""
        found = []
        for name, parts in zip(self.variable.dims, self.dimensions, strict=True):
            rows = zip(*(part.texts for part in parts), strict=True)
            keys = [{part.key: text for part, text in zip(parts, row, strict=True) if text} for row in rows]
            if name == "member" and self.has_control and self.control_slot >= 0:
                keys[self.control_slot]["type"] = "cf"
            found.append(keys)
        return found

    @cached_property
    def has_control(self) -> bool:
        """Whether one of the members may be the control forecast, whose type is another."""
        return self.group.keys.get("type") == "pf" and "member" in self.variable.dims

    @cached_property
    def control_slot(self) -> int:
        """Slot of the control forecast; -1 where there is none."""
        return self.group.axes["member"].slots.get(0, -1)


@dataclass(frozen=True, slots=True)
class Record:
    """One field that exists.

    Parameters
    ----------
    selection : Selection
        The variable that it belongs to.
    slots : tuple of int
        Its slots on the dimensions of the variable.
    """

    selection: Selection = field(repr=False)
    slots: tuple[int, ...]

    @property
    def keys(self) -> Mapping[str, str]:
        """MARS keys in canonical form."""
        return self.selection.keys_of(self.slots)

    @property
    def cube(self) -> str:
        """Name of the cube."""
        return self.selection.cube

    @property
    def group(self) -> str:
        """Group in the cube."""
        return self.selection.group.name

    @property
    def variable(self) -> str:
        """Variable in the group."""
        return self.selection.variable.name

    @property
    def grid(self) -> Grid:
        """Grid of the field."""
        return self.selection.group.grid

    @property
    def short_name(self) -> str:
        """Short name of the parameter; empty if it has none."""
        return self.selection.beside_keys["shortName"]

    @property
    def chunk(self) -> str:
        """Zarr key of the chunk that holds it."""
        return self.selection.chunk(self.slots)

    @property
    def location(self) -> str:
        """Where it lies: path or URL of the cube, and the Zarr key of its chunk there."""
        return f"{self.selection.snapshot.url}/{self.chunk}"

    @property
    def size_bytes(self) -> int:
        """Bytes that it takes there, compressed; looked up when first asked for, many fields at once."""
        return self.selection.size_bytes(self.slots)

    @property
    def snapshot(self) -> str:
        """Identifier of the snapshot that holds it; of a replaced field the last one that does."""
        return self.selection.snapshot.id

    @property
    def is_masked(self) -> bool:
        """Whether it has been replaced or wiped since, or the same field of another root comes first."""
        return self.selection.replaced is not None or bool(self.selection.shadowed_by)

    @property
    def replaced(self) -> Commit | None:
        """The commit that replaced or wiped it; None for a field that is there."""
        return self.selection.replaced

    def to_dict(self, *, location: bool = False, size: bool = False) -> dict[str, Any]:
        """MARS keys, short name and grid, for JSON.

        Parameters
        ----------
        location : bool
            Whether to add ``location`` and ``snapshot``.
        size : bool
            Whether to add ``size_bytes``.

        Returns
        -------
        dict
            Of a replaced field with ``replaced``, the time at which that happened, and ``snapshot``, the last that
            holds it; of a field that another root has too and that comes second, with ``shadowed_by``, that root.
        """
        found: dict[str, Any] = {**self.selection.keys_of(self.slots), **self.selection.beside_keys}
        if location:
            found["location"] = self.location
        if size:
            found["size_bytes"] = self.size_bytes
        if location or self.replaced is not None:
            found["snapshot"] = self.snapshot
        if self.replaced is not None:
            found["replaced"] = self.replaced.time.isoformat()
        if self.selection.shadowed_by:
            found["shadowed_by"] = self.selection.shadowed_by
        return found


def select(snapshot: Snapshot, cube: str, request: Request) -> Iterator[Selection]:
    """Select the fields of a cube, variable by variable; variables without a field are left out."""
    if not _cube_matches(request, snapshot):
        return
    for name in snapshot.group_names:
        if _name_matches(request, name):
            yield from select_group(snapshot, cube, snapshot.group(name), request)


def select_group(snapshot: Snapshot, cube: str, group: Group, request: Request) -> Iterator[Selection]:
    """Select the fields of one group, variable by variable; variables without a field are left out."""
    for variable in group.variables.values():
        selection = select_variable(snapshot, cube, group, variable, request)
        if selection is not None:
            yield selection


def touched(selection: Selection, request: Request) -> np.ndarray:
    """Slots of those of the selected fields that another request takes too."""
    snapshot, group, variable = selection.snapshot, selection.group, selection.variable
    other = None
    if _cube_matches(request, snapshot) and _name_matches(request, group.name):
        other = select_variable(snapshot, selection.cube, group, variable, request)
    if other is None:
        return np.empty((0, len(variable.dims)), dtype=np.int64)
    both = tuple(_in_both(one, two) for one, two in zip(selection.allowed, other.allowed, strict=True))
    return fields_within(snapshot, group, variable, both)


def _in_both(one: np.ndarray | None, two: np.ndarray | None) -> np.ndarray | None:
    if one is None or two is None:
        return two if one is None else one
    return np.intersect1d(one, two, assume_unique=True)


def _cube_matches(request: Request, snapshot: Snapshot) -> bool:
    return all(request.select(key, [value]) for key, value in snapshot.keys.items())


def select_variable(
    snapshot: Snapshot, cube: str, group: Group, variable: Variable, request: Request
) -> Selection | None:
    """Select the fields of one variable; None where there are none."""
    constants = _constants(snapshot, group, variable)
    if "param" in constants and not request.select("param", [constants["param"]]):
        return None
    dimensions = key_texts(snapshot, group, variable)
    varying = frozenset({part.key for parts in dimensions for part in parts} | {"type", "grid"})
    if not _without(request, varying).matches(constants):
        return None
    allowed = tuple(
        None if (mask := _mask(request, group, name, parts)) is None or mask.all() else np.flatnonzero(mask)
        for name, parts in zip(variable.dims, dimensions, strict=True)
    )
    if not has_fields(snapshot, group, variable, allowed):
        return None
    return Selection(snapshot, cube, group, variable, constants, dimensions, allowed)


def whole_variable(snapshot: Snapshot, cube: str, group: Group, variable: Variable) -> Selection:
    """All fields of a variable, without a look at which of them exist."""
    constants, dimensions = _constants(snapshot, group, variable), key_texts(snapshot, group, variable)
    return Selection(snapshot, cube, group, variable, constants, dimensions, (None,) * len(variable.dims))


def group_may_match(snapshot: Snapshot, name: str, request: Request) -> bool:
    """Whether a group can hold fields that a request takes, as far as the cube's keys and its name say."""
    return _cube_matches(request, snapshot) and _name_matches(request, name)


def _name_matches(request: Request, name: str) -> bool:
    """Whether a group can match by its name, which says its type, levtype and grid."""
    type_, levtype, grid = name.split("/")
    types = ["cf", "pf"] if type_ == "pf" else [type_]
    asked = {"type": types, "levtype": [levtype], "grid": [grid]}
    return all(request.select(key, values) for key, values in asked.items())


def _constants(snapshot: Snapshot, group: Group, variable: Variable) -> Mapping[str, str]:
    attributes = variable.attributes
    named = (("param", "GRIB_paramId"), ("timespan", "timespan"), ("stattype", "stattype"))
    found = {key: str(attributes[name]) for key, name in named if name in attributes}
    return {**snapshot.keys, **group.keys, **found}


@lru_cache(maxsize=256)
def _without(request: Request, keys: frozenset[str]) -> Request:
    return request.without(*keys)


def _mask(request: Request, group: Group, dimension: str, parts: tuple[KeyTexts, ...]) -> np.ndarray | None:
    masks = [part.mask(request) for part in parts if not request.is_all(part.key)]
    if dimension == "member" and group.keys.get("type") == "pf" and not request.is_all("type"):
        types = request.select("type", ["cf", "pf"])
        is_control = group.axes["member"].labels == 0
        masks.append(np.where(is_control, "cf" in types, "pf" in types))
    found: np.ndarray | None = np.logical_and.reduce(masks) if masks else None
    return found
