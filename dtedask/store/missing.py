"""What a request names and the store does not have."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.errors import MissingFieldsError, RequestError
from dtedask.request import Language, Request
from dtedask.store.folding import fold_gaps
from dtedask.store.ranks import Answers, places_of
from dtedask.store.retrieval import axes_of, existing_axes, no_match, shorten, without

if TYPE_CHECKING:
    from dtedask.store.reader import Reader
    from dtedask.store.selection import Selection

_SHOWN = 12
_NOT_NEEDED = ("grid", "timespan", "stattype")
_SINGLY = ("type", "grid")  # each of their values must exist, not each with all values of the other keys


def check_complete(request: Request, selections: Sequence[Selection], store: Reader) -> None:
    """Every combination of the values that a request names must exist.

    Raises
    ------
    MissingFieldsError
        Naming all that is missing.
    """
    missing = missing_fields(request, selections)
    if missing:
        raise _error(request, selections, store, missing)


def check_full(request: Request, selections: Sequence[Selection], store: Reader) -> None:
    """A request must name every key of the fields that it takes, and all that it names must exist.

    Raises
    ------
    RequestError
        If it leaves a key out.
    MissingFieldsError
        Naming all that is missing.
    """
    axes = axes_of(selections)
    left_out = [key for key in axes if key not in _NOT_NEEDED and not request.named(key)]
    if left_out:
        have = "; ".join(f"{key}={shorten(key, axes[key])}" for key in left_out)
        raise RequestError(
            f"inspect needs a value of every key; the request {str(request) or 'that is empty'!r} names none of "
            f"{', '.join(left_out)}.",
            hint=f"There is {have}. Or use list, which takes all values of a key that is left out.",
        )
    if not selections:
        why = no_match(request, store)
        one = request.without()
        raise MissingFieldsError(f"None of the fields exists. {why.message}", hint=why.hint, missing=[one])
    check_complete(request, selections, store)


def missing_fields(request: Request, selections: Sequence[Selection]) -> list[Request]:
    """Requests of the combinations of named values for which there is no field; none of them twice.

    Parameters
    ----------
    request : Request
        What was asked for; keys that it leaves out, or of which it takes all, do not count.
    selections : sequence of Selection
        What there is of it.
    """
    named = {key: request.named(key) for key in request if request.named(key)}
    if selections and all(len(values) == 1 for values in named.values()):
        return []  # what was found answers to the only combination there is
    product = {key: values for key, values in named.items() if key not in _SINGLY}
    found = list(_gaps(product, selections, request.language))
    absent = {key: _absent(key, named[key], selections) for key in _SINGLY if len(named.get(key, ())) > 1}
    fixed = {key: named[key] for key in _SINGLY if key in named}
    return [Request({**fixed, **one}, language=request.language) for one in found] + [
        Request({**named, key: values}, language=request.language) for key, values in absent.items() if values
    ]


def count_of(requests: Sequence[Request]) -> int:
    """Number of combinations that some requests name; types and grids count once."""
    return sum(math.prod(len(values) for key, values in one.items() if key not in _SINGLY) for one in requests)


def _gaps(
    named: dict[str, tuple[str, ...]], selections: Sequence[Selection], language: Language | None
) -> Iterator[dict[str, list[str]]]:
    keys = [key for key, values in named.items() if len(values) > 1]
    answers = [Answers(key, named[key], language) for key in keys]
    single = [Answers(key, values, language) for key, values in named.items() if key not in keys]
    points = [_points(one, answers) for one in selections if all(_answers_at_all(one, other) for other in single)]
    there = np.concatenate([np.empty((0, len(keys)), dtype=np.int64), *points])
    for box in fold_gaps(there, [len(named[key]) for key in keys]):
        values = {key: [named[key][place] for place in places] for key, places in zip(keys, box, strict=True)}
        yield {key: values.get(key, list(named[key])) for key in named}


def _points(selection: Selection, answers: Sequence[Answers]) -> np.ndarray:
    """Places of the named values that the fields of a selection answer to, shape (points, keys)."""
    parts = [_places(selection, one) for one in answers]
    positions = [position for position, _ in parts if position is not None]
    rows = _distinct(selection, positions)
    columns = iter(rows.T)
    answered = [
        _table(places)[next(columns) if position is not None else np.zeros(len(rows), dtype=np.int64)]
        for position, places in parts
    ]
    found = []
    for choice in itertools.product(*(range(one.shape[1]) for one in answered)):
        one = [column[:, place] for column, place in zip(answered, choice, strict=True)]
        points = np.stack(one, axis=1) if one else np.empty((len(rows), 0), dtype=np.int64)
        found.append(points[(points >= 0).all(axis=1)])
    return np.concatenate(found)


def _distinct(selection: Selection, positions: Sequence[int]) -> np.ndarray:
    """Slots of the fields on some dimensions, without repeats; one row where no dimension is asked for."""
    if not positions:
        return np.empty((1, 0), dtype=np.int64)
    if len(positions) == 1:
        return selection.used[positions[0]][:, np.newaxis]
    return np.unique(selection.slots[:, list(positions)], axis=0)


def _places(selection: Selection, answers: Answers) -> tuple[int | None, list[tuple[int, ...]]]:
    for position, parts in enumerate(selection.dimensions):
        for part in parts:
            if part.key == answers.key:
                return position, places_of(part, answers)
    return None, [answers.places(selection.constants.get(answers.key, ""))]


def _table(places: Sequence[tuple[int, ...]]) -> np.ndarray:
    """Places as an array, filled up by -1."""
    width = max((len(one) for one in places), default=0) or 1
    rows = [(*one, *(-1 for _ in range(width - len(one)))) for one in places]
    return np.array(rows, dtype=np.int64).reshape(len(rows), width)


def _answers_at_all(selection: Selection, answers: Answers) -> bool:
    position, places = _places(selection, answers)
    if position is None:
        return any(places)
    return any(places[slot] for slot in selection.used[position].tolist())


def _absent(key: str, named: Sequence[str], selections: Sequence[Selection]) -> list[str]:
    existing = {value for one in selections for value in one.axes.get(key, [one.group.grid.label])}
    return [value for value in named if value not in existing]


def _error(
    request: Request, selections: Sequence[Selection], store: Reader, missing: list[Request]
) -> MissingFieldsError:
    absent = _absent_values(request, selections)
    if absent:
        exists = existing_axes(store, without(request, *absent)) or {}
        asked = ", ".join(f"{key}={'/'.join(values)}" for key, values in absent.items())
        have = "; ".join(f"{key}={shorten(key, exists.get(key, []))}" for key in absent)
        return MissingFieldsError(
            f"The request names fields that do not exist: {asked} ({count_of(missing):,} of {count_of([request]):,}).",
            hint=f"What exists is {have}. Leave the key out, or allow missing fields.",
            missing=missing,
        )
    count, shown = count_of(missing), "; ".join(_short(request, one) for one in missing[:_SHOWN])
    more = f" and {len(missing) - _SHOWN} more such requests" if len(missing) > _SHOWN else ""
    return MissingFieldsError(
        f"The request names {count:,} combinations that do not exist: {shown}{more}.",
        hint="Ask for fewer, or allow missing fields.",
        missing=missing,
    )


def _absent_values(request: Request, selections: Sequence[Selection]) -> dict[str, list[str]]:
    """Named values to which no field answers, by key."""
    found = {}
    for key in request:
        existing = {value for values in _existing(request, selections, key) for value in values}
        absent = [value for value in request.named(key) if value not in existing]
        if absent:
            found[key] = absent
    return found


def _existing(request: Request, selections: Sequence[Selection], key: str) -> Iterator[tuple[str, ...]]:
    """Values that a request names for a key and to which at least one field answers."""
    answers = Answers(key, request.named(key), request.language)
    for one in selections:
        if key in _SINGLY:
            yield tuple(one.axes.get(key, [one.group.grid.label]))
            continue
        position, places = _places(one, answers)
        used = places if position is None else [places[slot] for slot in one.used[position].tolist()]
        yield tuple(answers.named[place] for found in used for place in found)


def _short(request: Request, missing: Request) -> str:
    """The keys of which the request names several values, in what is missing."""
    return ",".join(f"{key}={'/'.join(values)}" for key, values in missing.items() if len(request.named(key)) > 1)
