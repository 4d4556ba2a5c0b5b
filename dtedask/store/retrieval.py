"""From selections to answers: axes, groups, and what to say of fields that are missing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.errors import ControlledError, MissingFieldsError, NoMatchError, RequestError, SeveralGroupsError
from dtedask.request import Request, parameter, parameter_ids, parse_step
from dtedask.store.schema import CUBE_KEYS
from dtedask.store.selection import Selection

if TYPE_CHECKING:
    from dtedask.store.reader import Reader

_SHOWN = 12


def cube_may_match(name: str, request: Request) -> bool:
    """Whether a cube of this name can hold what is asked for."""
    base, *qualifiers = name.split(",")
    keys = dict(zip(CUBE_KEYS, base.split("/"), strict=True))
    keys |= dict(part.split("=", 1) for part in qualifiers)
    return all(request.select(key, [value]) for key, value in keys.items())


def axes_of(selections: Iterable[Selection]) -> dict[str, list[str]]:
    """Values of every key over all selections, each sorted; the grid too."""
    found: dict[str, dict[str, None]] = {}
    for selection in selections:
        for key, values in (*selection.axes.items(), ("grid", [selection.group.grid.label])):
            found.setdefault(key, {}).update(dict.fromkeys(values))
    return {key: sort_values(key, values) for key, values in found.items() if values}


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


def by_group(selections: Iterable[Selection]) -> dict[tuple[str, str], list[Selection]]:
    """Selections by cube and group."""
    found: dict[tuple[str, str], list[Selection]] = {}
    for selection in selections:
        found.setdefault((selection.cube, selection.group.name), []).append(selection)
    return found


def single_group(selections: Sequence[Selection]) -> Sequence[Selection]:
    """The selections, which must be of one group.

    Raises
    ------
    SeveralGroupsError
        If they are of several.
    """
    parts = by_group(selections)
    if len(parts) > 1:
        names = ", ".join(f"{cube}/{group}" for cube, group in parts)
        differing = [key for key, values in axes_of(selections).items() if len(values) > 1]
        keys = [key for key in (*CUBE_KEYS, "type", "levtype", "grid") if key in differing]
        raise SeveralGroupsError(
            f"The request takes fields of {len(parts)} groups: {names}.",
            hint=f"Name one {' or '.join(keys) or 'group'} in the request, or use retrieve_tree.",
        )
    return selections


def check_ambiguous(request: Request, selections: Sequence[Selection]) -> None:
    """Refuse a short name that stands for several parameters which exist."""
    for name in request.named("param"):
        if name.isdigit():
            continue
        ids = set(parameter_ids(name))
        found = sorted({s.constants["param"] for s in selections if s.constants["param"] in ids}, key=int)
        if len(found) > 1:
            raise RequestError(
                f"param={name} stands for several parameters that exist: {', '.join(found)}.",
                hint=f"Name one: param={found[0]}.",
            )


def warn_dropped(request: Request, selections: Sequence[Selection]) -> None:
    """Warn of existing values inside a range which its default increment leaves out."""
    for key in request:
        existing = {
            text
            for selection in selections
            for parts in selection.dimensions
            for part in parts
            if part.key == key
            for text in part.texts
            if text
        }
        if existing:
            request.warn_dropped(key, sort_values(key, existing))


def check_complete(request: Request, selections: Sequence[Selection], store: Reader) -> None:
    """Every combination of the values that a request names must exist.

    Raises
    ------
    MissingFieldsError
        Naming what is missing.
    """
    named = {key: request.named(key) for key in request if request.named(key) and key not in ("type", "grid")}
    absent = _absent_values(named, selections)
    if absent:
        existing = _existing(store, without(request, *absent)) or {}
        asked = ", ".join(f"{key}={'/'.join(values)}" for key, values in absent.items())
        have = "; ".join(f"{key}={shorten(key, existing.get(key, []))}" for key in absent)
        raise MissingFieldsError(
            f"The request names fields that do not exist: {asked}.",
            hint=f"What exists is {have}. Leave the key out, or allow missing fields.",
        )
    missing = _absent_combinations({key: values for key, values in named.items() if len(values) > 1}, selections)
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise MissingFieldsError(
            f"The request names {len(missing)} combinations that do not exist: {'; '.join(missing[:_SHOWN])}{more}.",
            hint="Ask for fewer, or allow missing fields.",
        )


def no_match(request: Request, store: Reader) -> NoMatchError:
    """Explain why nothing matches: the key without a match, and what exists."""
    existing = _existing(store, Request({}))
    if existing is None:
        return NoMatchError(f"Nothing matches {request}.", hint="What exists may not be listed: see `store locks`.")
    for key in request:
        values = existing.get(key, [])
        if not request.select(key, values) and not request.is_all(key):
            have = f"What exists is {key}={shorten(key, values)}." if values else f"No field has the key '{key}'."
            return NoMatchError(f"Nothing matches {key}={'/'.join(request[key])}.", hint=have)
    for key in reversed(list(request)):
        others = without(request, key)
        found = axes_of(store.select(others)).get(key, [])
        if found:
            return NoMatchError(
                f"Nothing matches {key}={'/'.join(request[key])} together with {others}.",
                hint=f"With the other keys there is {key}={shorten(key, found)}.",
            )
    return NoMatchError(f"Nothing matches {request}." if request else "The root holds no fields.")


def _existing(store: Reader, request: Request) -> dict[str, list[str]] | None:
    """Values that exist, for a hint; None where they may not be listed."""
    try:
        return store.axes(request)
    except ControlledError:
        return None


def without(request: Request, *keys: str) -> Request:
    """The request without some of its keys."""
    return Request({name: list(values) for name, values in request.items() if name not in keys})


def shorten(key: str, values: Sequence[str]) -> str:
    """Join values by slashes, the middle left out where there are many; parameters with their short names."""
    shown = list(values) if len(values) <= _SHOWN else [*values[: _SHOWN - 2], "...", values[-1]]
    if key == "param":
        shown = [_with_short_name(value) for value in shown]
    return "/".join(shown) + (f" ({len(values)} values)" if len(values) > _SHOWN else "")


def _with_short_name(param: str) -> str:
    try:
        name = parameter(param).short_name
    except RequestError:
        name = ""
    return f"{param} ({name})" if name else param


def _absent_values(named: dict[str, tuple[str, ...]], selections: Sequence[Selection]) -> dict[str, list[str]]:
    absent = {}
    for key, values in named.items():
        answered = {value for s in selections for answers in _used(s, _Answers.of(s, key, values)) for value in answers}
        missing = [value for value in values if value not in answered]
        if missing:
            absent[key] = missing
    return absent


def _used(selection: Selection, answers: _Answers) -> list[tuple[str, ...]]:
    if answers.position is None:
        return answers.values
    return [answers.values[slot] for slot in set(selection.slots[:, answers.position].tolist())]


def _absent_combinations(named: dict[str, tuple[str, ...]], selections: Sequence[Selection]) -> list[str]:
    wanted = dict.fromkeys(itertools.product(*named.values())) if len(named) > 1 else {}
    for selection in selections:
        parts = [_Answers.of(selection, key, values) for key, values in named.items()]
        positions = [part.position for part in parts if part.position is not None]
        for row in np.unique(selection.slots[:, positions], axis=0).tolist():
            slots = iter(row)
            found = [part.values[0 if part.position is None else next(slots)] for part in parts]
            for combination in itertools.product(*found):
                wanted.pop(combination, None)
    return [",".join(f"{key}={value}" for key, value in zip(named, one, strict=True)) for one in wanted]


@dataclass(frozen=True)
class _Answers:
    """Which of the values that a request names each slot of a variable answers to."""

    position: int | None
    values: list[tuple[str, ...]]

    @classmethod
    def of(cls, selection: Selection, key: str, named: tuple[str, ...]) -> _Answers:
        for position, parts in enumerate(selection.dimensions):
            for part in parts:
                if part.key == key:
                    aliases = part.aliases or part.texts
                    rows = zip(part.texts, aliases, strict=True)
                    return cls(position, [_answers(key, named, texts) for texts in rows])
        constant = selection.constants.get(key, "")
        return cls(None, [_answers(key, named, (constant,))])


def _answers(key: str, named: tuple[str, ...], texts: tuple[str, ...]) -> tuple[str, ...]:
    direct = tuple(text for text in dict.fromkeys(texts) if text in named)
    if direct or key not in ("param", "date", "hdate", "timespan", "stattype"):
        return direct
    return tuple(value for value in named if Request({key: [value]}).matches({key: texts[0]} if texts[0] else {}))
