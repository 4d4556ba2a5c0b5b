"""Fold fields into as few requests as possible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from dtedask.request import Language, Request
from dtedask.request.vocabulary import key_order
from dtedask.store.folding import fold
from dtedask.store.ranks import sort_values


def compact(fields: Iterable[Mapping[str, str]], language: Language | None = None) -> list[Request]:
    """Requests that take exactly some fields, none of them twice.

    Parameters
    ----------
    fields : iterable of mapping
        MARS keys of each field, in canonical form.
    language : Language, optional
        Keys and types of the root that are not as in MARS.

    Returns
    -------
    list of Request
        Few; the fewest there could be are not sought. Values stand in the order people expect.
    """
    kinds: dict[tuple[str, ...], dict[tuple[str, ...], None]] = {}
    for keys in fields:
        kinds.setdefault(tuple(keys), {})[tuple(keys.values())] = None
    merged: dict[tuple[str, ...], dict[tuple[str, ...], None]] = {}
    for names, rows in kinds.items():  # the same keys in another order are the same
        order = sorted(range(len(names)), key=lambda place: _place(names[place]))
        found = merged.setdefault(tuple(names[place] for place in order), {})
        found.update(dict.fromkeys(tuple(row[place] for place in order) for row in rows))
    return [request for names, rows in merged.items() for request in _requests(names, list(rows), language)]


def _requests(names: tuple[str, ...], rows: list[tuple[str, ...]], language: Language | None) -> list[Request]:
    values = [sort_values(name, set(column)) for name, column in zip(names, zip(*rows, strict=True), strict=True)]
    places = [{value: place for place, value in enumerate(found)} for found in values]
    columns = zip(places, zip(*rows, strict=True), strict=True)
    points = np.array([[place[value] for value in column] for place, column in columns], dtype=np.int64).T
    boxes = sorted(fold(points.reshape(len(rows), len(names))))
    folded = (
        {name: [found[place] for place in box] for name, found, box in zip(names, values, one, strict=True)}
        for one in boxes
    )
    return [Request(one, language=language) for one in folded]


def _place(key: str) -> int:
    order = key_order()
    return order.get(key, len(order))
