"""The order of values and of fields: as a request names them, else as people expect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dtedask.request import Language, Request, parse_step
from dtedask.request.vocabulary import key_order

if TYPE_CHECKING:
    from dtedask.store.keytexts import KeyTexts
    from dtedask.store.selection import Record, Selection


def sort_values(key: str, values: Iterable[str]) -> list[str]:
    """Values of a key in the order people expect: steps by length, numbers by value, the rest by name."""
    return sorted(values, key=lambda value: _rank(key, value))


def _rank(key: str, value: str) -> tuple[int, float, float, str]:
    if key == "step":
        step = parse_step(value)
        return (0, step.end_s, -1 if step.start_s is None else step.start_s, value)
    try:
        return (0, float(value), 0, value)
    except ValueError:
        return (1, 0, 0, value)


class Answers:
    """Which of the values that a request names for a key is meant by a value that exists.

    Parameters
    ----------
    key : str
        The key.
    named : sequence of str
        Values in the order of the request.
    language : Language, optional
        Keys and types of the root that are not as in MARS.
    """

    def __init__(self, key: str, named: Sequence[str], language: Language | None) -> None:
        self.key = key
        self._language = language
        self.named = tuple(named)
        self._places = {value: place for place, value in enumerate(self.named)}
        self._known: dict[str, tuple[int, ...]] = {}
        self._single: list[tuple[int, Request]] | None = None

    def places(self, value: str) -> tuple[int, ...]:
        """Places of the named values that a value answers to; mostly one."""
        if value not in self._known:
            self._known[value] = self._find(value)
        return self._known[value]

    def _find(self, value: str) -> tuple[int, ...]:
        if value in self._places:
            return (self._places[value],)
        if self._single is None:
            self._single = [
                (place, Request({self.key: [one]}, language=self._language)) for one, place in self._places.items()
            ]
        keys = {self.key: value} if value else {}
        return tuple(place for place, request in self._single if request.matches(keys))


def places_of(part: KeyTexts, answers: Answers) -> list[tuple[int, ...]]:
    """For each slot, the places of the named values that it answers to."""
    texts, codes = part.coded
    direct = [answers.places(text) for text in texts]
    found = [direct[code] for code in codes.tolist()]
    if part.aliases is None:
        return found
    aliased = zip(found, part.aliases, strict=True)
    return [tuple(dict.fromkeys((*places, *answers.places(alias)))) for places, alias in aliased]


class Ranks:
    """Place of each value of each key: as a request names them, keys that it does not name sorted.

    Parameters
    ----------
    request : Request
        What was asked for.
    selections : sequence of Selection
        The fields that it takes.
    """

    def __init__(self, request: Request, selections: Sequence[Selection]) -> None:
        self._answers = {
            key: Answers(key, request.named(key), request.language) for key in request if not request.is_all(key)
        }
        self._sorted: dict[str, dict[str, int]] = {}
        self._values: dict[str, set[str]] = {}
        for selection in selections:
            for key, values in (*selection.axes.items(), ("grid", [selection.group.grid.label])):
                self._values.setdefault(key, set()).update(values)

    @property
    def keys(self) -> list[str]:
        """All keys of the fields, in MARS' order."""
        order = key_order()
        return sorted(self._values, key=lambda key: order.get(key, len(order)))

    def names(self, key: str) -> bool:
        """Whether the request names values of a key."""
        return key in self._answers

    def varies(self, key: str) -> bool:
        """Whether the fields differ in a key."""
        return len(self._values.get(key, ())) > 1

    def of_value(self, key: str, value: str) -> int:
        """Place of one value; -1 for none."""
        if key in self._answers:
            return min(self._answers[key].places(value), default=-1)
        if key not in self._sorted:
            found = sort_values(key, self._values.get(key, set()))
            self._sorted[key] = {one: place for place, one in enumerate(found)}
        return self._sorted[key].get(value, -1)

    def of_slots(self, part: KeyTexts) -> np.ndarray:
        """Place of the value of each slot of a dimension."""
        if part.key in self._answers:
            found = [min(places, default=-1) for places in places_of(part, self._answers[part.key])]
            return np.array(found, dtype=np.int64)
        texts, codes = part.coded
        places = np.array([self.of_value(part.key, text) for text in texts], dtype=np.int64)
        return np.asarray(places[codes])


def in_order(request: Request, selections: Sequence[Selection]) -> Iterator[Record]:
    """Fields in the order of a request: nested in MARS' order of keys, the last key runs fastest.

    Values that the request names stand in its order, the others sorted.
    """
    from dtedask.store.selection import Record

    if not selections:
        return
    ranks = Ranks(request, selections)
    keys = [key for key in ranks.keys if ranks.varies(key)]
    owners = np.repeat(np.arange(len(selections)), [len(one.slots) for one in selections])
    columns = [np.concatenate([_column(one, key, ranks) for one in selections]) for key in keys]
    starts = np.cumsum([0, *(len(one.slots) for one in selections)])
    rows = [one.slots.tolist() for one in selections]
    order = np.lexsort((owners, *reversed(columns)))
    for place, owner in zip(order.tolist(), owners[order].tolist(), strict=True):
        yield Record(selections[owner], tuple(rows[owner][place - int(starts[owner])]))


def _column(selection: Selection, key: str, ranks: Ranks) -> np.ndarray:
    """Rank of a key of each field of a selection."""
    slots = selection.slots
    if key == "type" and selection.has_control and (ranks.names("type") or not ranks.names("number")):
        is_control = slots[:, selection.variable.dims.index("member")] == selection.control_slot
        return np.asarray(np.where(is_control, ranks.of_value("type", "cf"), ranks.of_value("type", "pf")))
    for position, parts in enumerate(selection.dimensions):
        for part in parts:
            if part.key == key:
                found: np.ndarray = ranks.of_slots(part)[slots[:, position]]
                return found
    value = selection.group.grid.label if key == "grid" else selection.constants.get(key, "")
    return np.full(len(slots), ranks.of_value(key, value))


def axis_orders(request: Request, selections: Sequence[Selection]) -> dict[str, np.ndarray]:
    """Slots of those dimensions for which the request names values, in its order.

    Parameters
    ----------
    request : Request
        What was asked for.
    selections : sequence of Selection
        Fields of one group.
    """
    ranks = Ranks(request, selections)
    group = selections[0].group
    found = {}
    for name in dict.fromkeys(name for one in selections for name in one.variable.dims):
        keys = {part.key for one in selections for part in _parts(one, name)}
        if name == "member" and group.keys.get("type") == "pf" and ranks.names("type"):
            keys.add("type")
        if any(ranks.names(key) for key in keys):
            columns = [_least(name, key, selections, ranks) for key in sorted(keys, key=ranks.keys.index)]
            labels = group.axes[name].order
            plain = np.arange(len(group.axes[name].labels)) if labels is None else np.argsort(labels)
            found[name] = np.lexsort((plain, *reversed(columns)))
    return found


def _parts(selection: Selection, dimension: str) -> Sequence[KeyTexts]:
    dims = selection.variable.dims
    return selection.dimensions[dims.index(dimension)] if dimension in dims else ()


def _least(dimension: str, key: str, selections: Sequence[Selection], ranks: Ranks) -> np.ndarray:
    """Rank of a key at each slot of a dimension; the lowest where variables write it in several ways."""
    axis = selections[0].group.axes[dimension]
    if key == "type":
        control, others = ranks.of_value("type", "cf"), ranks.of_value("type", "pf")
        return np.where(axis.labels == 0, control, others)
    found = [ranks.of_slots(part) for one in selections for part in _parts(one, dimension) if part.key == key]
    highest = np.iinfo(np.int64).max
    least = np.min([np.where(one < 0, highest, one) for one in found], axis=0)
    return np.asarray(least)


def used_slots_of(selections: Sequence[Selection]) -> dict[str, np.ndarray]:
    """Slots of each dimension over selections of one group, ascending."""
    found: dict[str, list[np.ndarray]] = {}
    for selection in selections:
        for name, used in zip(selection.variable.dims, selection.used, strict=True):
            found.setdefault(name, []).append(used)
    return {name: np.unique(np.concatenate(parts)) for name, parts in found.items()}


def by_param(request: Request, selections: Sequence[Selection]) -> list[Selection]:
    """Selections in the order in which the request names parameters; as they are where it names none."""
    if request.is_all("param"):
        return list(selections)
    answers = Answers("param", request.named("param"), request.language)
    return sorted(selections, key=lambda one: min(answers.places(one.constants.get("param", "")), default=-1))
