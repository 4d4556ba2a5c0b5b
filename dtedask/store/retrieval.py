"""From selections to answers: axes, groups, and what to say of fields that are missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dtedask.core.errors import ControlledError, NoMatchError, RequestError, SeveralGroupsError
from dtedask.request import Request, parameter, parameter_ids
from dtedask.store.ranks import sort_values
from dtedask.store.schema import CUBE_KEYS
from dtedask.store.selection import Selection

if TYPE_CHECKING:
    from dtedask.store.reader import Reader

_SHOWN = 12


def cube_may_match(name: str, request: Request) -> bool:
    """Whether a cube of this name can hold what is asked for."""
    base, *qualifiers = name.split(",")
    keys = dict(zip(CUBE_KEYS, base.split("/"), strict=True))
    keys |= {key: value for key, _, value in (part.partition("=") for part in qualifiers)}
    return all(request.select(key, [value]) for key, value in keys.items())


def axes_of(selections: Iterable[Selection]) -> dict[str, list[str]]:
    """Values of every key over all selections, each sorted; the grid too."""
    found: dict[str, dict[str, None]] = {}
    for selection in selections:
        for key, values in (*selection.axes.items(), ("grid", [selection.group.grid.label])):
            found.setdefault(key, {}).update(dict.fromkeys(values))
    return {key: sort_values(key, values) for key, values in found.items() if values}


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
    for key in request.ranged:
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


def no_match(request: Request, store: Reader) -> NoMatchError:
    """Explain why nothing matches: the key without a match, and what exists."""
    existing = existing_axes(store, Request({}))
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


def existing_axes(store: Reader, request: Request) -> dict[str, list[str]] | None:
    """Values that exist, for a hint; None where they may not be listed."""
    try:
        return store.axes(request)
    except ControlledError:
        return None


def without(request: Request, *keys: str) -> Request:
    """The request without some of its keys."""
    return request.without(*keys)


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
    return f"{param} ({name})" if name and name != param else param
