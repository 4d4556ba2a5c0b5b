"""Fold fields into as few requests as possible."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from dtedask.request import Language, Request
from dtedask.request.vocabulary import key_order
from dtedask.store.folding import fold
from dtedask.store.ranks import sort_values

if TYPE_CHECKING:
    from dtedask.store.selection import Record, Selection

Places = defaultdict[str, dict[str, int]]


def compact(records: Iterable[Record], language: Language | None = None) -> list[Request]:
    """Requests that take exactly some fields of a store, none of them twice.

    Parameters
    ----------
    records : iterable of Record
        The fields.
    language : Language, optional
        Keys and types of the root that are not as in MARS.

    Returns
    -------
    list of Request
        Few; the fewest there could be are not sought. Values stand in the order people expect.
    """
    rows: dict[int, list[tuple[int, ...]]] = {}
    selections: dict[int, Selection] = {}
    for record in records:
        name = id(record.selection)
        if name not in rows:
            rows[name], selections[name] = [], record.selection
        rows[name].append(record.slots)
    places: Places = defaultdict(dict)
    kinds: dict[tuple[str, ...], list[np.ndarray]] = defaultdict(list)
    for name, selection in selections.items():
        slots = np.array(rows[name], dtype=np.int64).reshape(len(rows[name]), len(selection.dimensions))
        for names, points in _coded(selection, slots, places):
            kinds[names].append(points)
    return [one for names, parts in kinds.items() for one in _requests(names, np.concatenate(parts), places, language)]


def compact_keys(fields: Iterable[Mapping[str, str]], language: Language | None = None) -> list[Request]:
    """Requests that name exactly some combinations of keys, none of them twice.

    Parameters
    ----------
    fields : iterable of mapping
        MARS keys in canonical form.
    language : Language, optional
        Keys and types of the root that are not as in MARS.
    """
    places: Places = defaultdict(dict)
    kinds: dict[tuple[str, ...], list[list[int]]] = defaultdict(list)
    for keys in fields:
        names = tuple(sorted(keys, key=_place))
        kinds[names].append([_code(places, name, keys[name]) for name in names])
    return [one for names, rows in kinds.items() for one in _requests(names, np.array(rows), places, language)]


def _coded(selection: Selection, slots: np.ndarray, places: Places) -> Iterator[tuple[tuple[str, ...], np.ndarray]]:
    """Fields of one variable as points, those with the same keys together; -1 stands for a key that is not there."""
    constants = {**selection.constants, **selection.beside_request}
    columns = {key: np.full(len(slots), _code(places, key, value)) for key, value in constants.items()}
    for position, parts in enumerate(selection.dimensions):
        for part in parts:
            texts, codes = part.coded
            known = np.array([_code(places, part.key, text) if text else -1 for text in texts], dtype=np.int64)
            columns[part.key] = known[codes[slots[:, position]]]
    if selection.has_control:
        is_control = slots[:, selection.variable.dims.index("member")] == selection.control_slot
        columns["type"] = np.where(is_control, _code(places, "type", "cf"), columns["type"])
    names = sorted(columns, key=_place)
    points = np.stack([columns[name] for name in names], axis=1)
    has_key = points >= 0
    if has_key.all():
        yield tuple(names), points
        return
    patterns, owners = np.unique(has_key, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        yield tuple(np.array(names)[pattern].tolist()), points[owners.ravel() == number][:, pattern]


def _code(places: Places, key: str, value: str) -> int:
    known = places[key]
    return known.setdefault(value, len(known))


def _requests(names: tuple[str, ...], points: np.ndarray, places: Places, language: Language | None) -> list[Request]:
    values = [sort_values(name, places[name]) for name in names]
    columns = [np.argsort([places[name][value] for value in found]) for name, found in zip(names, values, strict=True)]
    ranked = np.stack([ranks[points[:, place]] for place, ranks in enumerate(columns)], axis=1)
    folded = (
        {name: [found[place] for place in box] for name, found, box in zip(names, values, one, strict=True)}
        for one in sorted(fold(ranked))
    )
    return [Request(one, language=language) for one in folded]


def _place(key: str) -> int:
    order = key_order()
    return order.get(key, len(order))
