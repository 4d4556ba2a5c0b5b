"""Which fields of a cube a request takes: listed from the manifest, named by their MARS keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from dtedask.request import Request, format_step
from dtedask.store.labels import Dimension

if TYPE_CHECKING:
    from dtedask.geo import Grid
    from dtedask.store.snapshot import Group, Snapshot, Variable


# More small objects than this at once (700) make Python look through all of its memory for garbage.
_RECORDS_AT_ONCE = 500


@dataclass(frozen=True)
class KeyTexts:
    """Values of one MARS key along one dimension of a variable, in order of arrival."""

    key: str
    texts: list[str]
    aliases: list[str] | None = None

    def mask(self, request: Request) -> np.ndarray:
        """Which slots the request takes."""
        taken = set(request.select(self.key, set(self.texts)))
        found = np.fromiter((text in taken for text in self.texts), dtype=bool, count=len(self.texts))
        if self.aliases is not None:
            also = set(request.select(self.key, set(self.aliases)))
            found |= np.fromiter((text in also for text in self.aliases), dtype=bool, count=len(self.aliases))
        return found


@dataclass(frozen=True)
class Selection:
    """The fields of one variable that a request takes.

    Parameters
    ----------
    slots : numpy.ndarray of int64, shape (fields, dimensions)
        Sorted in the order people see.
    """

    snapshot: Snapshot
    cube: str
    group: Group
    variable: Variable
    constants: Mapping[str, str]
    dimensions: tuple[tuple[KeyTexts, ...], ...]
    slots: np.ndarray

    @cached_property
    def axes(self) -> dict[str, list[str]]:
        """Values of every key over the selected fields."""
        found = {key: [value] for key, value in self.constants.items()}
        for position, parts in enumerate(self.dimensions):
            used = np.unique(self.slots[:, position])
            for part in parts:
                values = dict.fromkeys(part.texts[slot] for slot in used.tolist())
                found[part.key] = [value for value in values if value]
        if self._has_control and self.slots.size:
            members = self.slots[:, self.variable.dims.index("member")]
            is_control = members == self._control_slot
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
            if name == "member" and self._has_control and self._control_slot >= 0:
                keys[self._control_slot]["type"] = "cf"
            found.append(keys)
        return found

    @cached_property
    def _has_control(self) -> bool:
        return self.group.keys["type"] == "pf" and "member" in self.variable.dims

    @cached_property
    def _control_slot(self) -> int:
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
        zeros = "/".join("0" for _ in self.grid.dims)
        slots = "/".join(map(str, self.slots))
        return f"{self.group}/{self.variable}/c/{slots}/{zeros}" if slots else f"{self.group}/{self.variable}/c/{zeros}"

    def to_dict(self) -> dict[str, str]:
        """MARS keys, short name and grid, for JSON."""
        return {**self.selection.keys_of(self.slots), **self.selection.beside_keys}


def select(snapshot: Snapshot, cube: str, request: Request) -> Iterator[Selection]:
    """Select the fields of a cube, variable by variable; variables without a field are left out."""
    if not all(request.select(key, [value]) for key, value in snapshot.keys.items()):
        return
    for name in snapshot.group_names:
        group = snapshot.group(name)
        if not _group_matches(request, group):
            continue
        for variable in group.variables.values():
            selection = _select_variable(snapshot, cube, group, variable, request)
            if selection is not None:
                yield selection


def _group_matches(request: Request, group: Group) -> bool:
    types = ["cf", "pf"] if group.keys["type"] == "pf" else [group.keys["type"]]
    asked = {"type": types, "levtype": [group.keys["levtype"]], "grid": [group.grid.label]}
    return all(request.select(key, values) for key, values in asked.items())


def _select_variable(
    snapshot: Snapshot, cube: str, group: Group, variable: Variable, request: Request
) -> Selection | None:
    attributes = variable.attributes
    constants = {**snapshot.keys, **group.keys, "param": str(attributes["GRIB_paramId"])}
    constants |= {key: str(attributes[key]) for key in ("timespan", "stattype") if key in attributes}
    dimensions = tuple(_key_texts(group, variable, name) for name in variable.dims)
    varying = {part.key for parts in dimensions for part in parts}
    if not _without(request, frozenset({*varying, "type", "grid"})).matches(constants):
        return None
    present = snapshot.present(group.name, variable.name)
    keep = np.ones(len(present), dtype=bool)
    for position, (name, parts) in enumerate(zip(variable.dims, dimensions, strict=True)):
        mask = _mask(request, group, name, parts)
        if mask is not None:
            keep &= mask[present[:, position]]
    slots = present[keep]
    if not len(slots):
        return None
    return Selection(snapshot, cube, group, variable, constants, dimensions, _sorted(group, variable, slots))


@lru_cache(maxsize=256)
def _without(request: Request, keys: frozenset[str]) -> Request:
    return Request({key: list(values) for key, values in request.items() if key not in keys})


def _mask(request: Request, group: Group, dimension: str, parts: tuple[KeyTexts, ...]) -> np.ndarray | None:
    masks = [part.mask(request) for part in parts if not request.is_all(part.key)]
    if dimension == "member" and group.keys["type"] == "pf" and not request.is_all("type"):
        types = request.select("type", ["cf", "pf"])
        is_control = group.axes["member"].labels == 0
        masks.append(np.where(is_control, "cf" in types, "pf" in types))
    return np.logical_and.reduce(masks) if masks else None


def _key_texts(group: Group, variable: Variable, dimension: str) -> tuple[KeyTexts, ...]:
    texts = group.axes[dimension].texts
    if dimension == "forecast_reference_time":
        return _reference_texts(variable, texts)
    if dimension == "step" and "interval_s" in variable.attributes:
        return (_interval_texts(group, variable),)
    if dimension == "member" and group.keys["type"] == "pf":
        return (KeyTexts("number", ["" if text == "0" else text for text in texts], texts),)
    return (KeyTexts(Dimension(dimension).key, texts),)


def _reference_texts(variable: Variable, texts: list[str]) -> tuple[KeyTexts, ...]:
    is_month = variable.attributes.get("date_text") == "month"
    days = [text[:6] if is_month else text[:8] for text in texts]
    return (KeyTexts("hdate" if "date" in variable.dims else "date", days), KeyTexts("time", [t[8:] for t in texts]))


def _interval_texts(group: Group, variable: Variable) -> KeyTexts:
    """Steps of a variable over intervals answer to their end and to the whole interval."""
    length = int(variable.attributes["interval_s"])
    ends = group.axes["step"].labels.tolist()
    ranges = [format_step(end, end - length if length else 0) for end in ends]
    singles = group.axes["step"].texts
    if variable.attributes.get("step_text") == "range":
        return KeyTexts("step", ranges, None if length else singles)
    return KeyTexts("step", singles, ranges)


def _sorted(group: Group, variable: Variable, slots: np.ndarray) -> np.ndarray:
    ranks = []
    for position, name in enumerate(variable.dims):
        order = group.axes[name].order
        column = slots[:, position]
        ranks.append(column if order is None else np.argsort(order)[column])
    return slots[np.lexsort(ranks[::-1])] if ranks else slots
