"""From FDB's schema to ours: three nested levels of keys become flat rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from dtedask.core.document_errors import describe
from dtedask.core.errors import DocumentError
from dtedask.request import is_key, is_reserved, own_type
from dtedask.store.schema.check import canonical_name
from dtedask.store.schema.document import CUBE_QUALIFIERS, Schema
from dtedask.store.schema.fdb import FdbSchema, Level, Predicate, parse_fdb

# A date that stands on several levels is cut into parts there; the finest says which field it is.
_FINEST = ("date", "climate-daily", "year-month", "climate-monthly", "month", "year")
_NO_QUALIFIERS = frozenset(
    {"class", "stream", "expver", "type", "levtype", "param", "timespan", "stattype", "date", "time", "hdate", "step"}
    | {"number", "levelist", "domain", "year", "month", "fcmonth", "grid"}
)


@dataclass(frozen=True)
class Converted:
    """A schema made of FDB's, and the line of each rule in the text."""

    schema: Schema
    lines: tuple[int, ...]


def from_fdb(text: str, place: str) -> Converted:
    """Convert FDB's schema text.

    Parameters
    ----------
    text : str
        The text.
    place : str
        Its name in messages.

    Raises
    ------
    DocumentError
        Naming file, line and text of what is wrong or has no like here.
    """
    found = parse_fdb(text, place)
    rules = [(line, _rule(parts, found)) for top in found.rules for line, parts in _paths(top)]
    own, ignored = _own_types(found, [rule for _, rule in rules])
    document: dict[str, Any] = {
        "qualifiers": [*CUBE_QUALIFIERS, *_qualifiers(found)],
        "keys": own,
        "rules": [
            {"keys": {key: _shortened(key, one, own, ignored) for key, one in rule.items()}} for _, rule in rules
        ],
    }
    lines = tuple(line for line, _ in rules)
    try:
        return Converted(Schema.model_validate(document), lines)
    except ValidationError as error:
        raise _told(error, found, lines, place) from error


def _paths(top: Level) -> Iterator[tuple[int, list[tuple[int, Predicate]]]]:
    """The rules in an outer bracket: each way down to an innermost one, with the depth of each key."""
    for index in top.below:
        for datum in index.below:
            levels = (top, index, datum)
            yield datum.line, [(depth, one) for depth, level in enumerate(levels) for one in level.predicates]


def _rule(parts: Sequence[tuple[int, Predicate]], found: FdbSchema) -> dict[str, dict[str, Any]]:
    """What a rule says of each key; the types of a level hold on those below it, those of the text on all."""
    rule: dict[str, dict[str, Any]] = {}
    types = dict(found.types)
    for _, one in parts:
        key = canonical_name(one.key)
        types[key] = one.type or types.get(key, types.get(one.key, ""))
        said = _said(one, types[key])
        if said == {"hidden": True} and is_reserved(key) and not is_key(key):
            continue  # such as resol: no field and no request here has it
        rule[key] = _joined(rule[key], said) if key in rule else said
    return rule


def _said(one: Predicate, type_name: str) -> dict[str, Any]:
    if one.kind == "hidden" or type_name == "ignore":
        return {"hidden": True}
    said: dict[str, Any] = {"type": type_name} if type_name else {}
    if one.kind == "optional":
        said |= {"default": one.default} if one.default else {"optional": True}
    if one.values:
        said["exclude" if one.is_excluded else "allow"] = list(one.values)
    return said


def _joined(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """A key that stands on two levels, such as a date by its year and then by its day."""
    types = [said["type"] for said in (before, after) if said.get("type")]
    finest = min(types, key=lambda name: _FINEST.index(name) if name in _FINEST else len(_FINEST), default="")
    said = {**before, **after}
    return {**said, "type": finest} if finest else said


def _own_types(found: FdbSchema, rules: Sequence[dict[str, dict[str, Any]]]) -> tuple[dict[str, str], frozenset[str]]:
    """Types of the keys that MARS does not have, or has otherwise, where they hold for all rules."""
    own: dict[str, str] = {}
    for key in dict.fromkeys(key for rule in rules for key in rule):
        types = {rule[key].get("type", "") for rule in rules if key in rule and not rule[key].get("hidden")}
        if not is_reserved(key):
            own[key] = next(iter(types)) if len(types) == 1 and "" not in types else "string"
        elif len(types) == 1 and (name := next(iter(types))) not in ("", own_type(key)):
            own[key] = name
    ignored = frozenset(canonical_name(key) for key, name in found.types.items() if name == "ignore")
    return own, ignored


def _shortened(key: str, said: dict[str, Any], own: dict[str, str], ignored: frozenset[str]) -> dict[str, Any]:
    """What a rule says of a key without the type that it has anyway."""
    if key in ignored:
        return {"hidden": True}
    usual = own.get(key) or (own_type(key) if is_reserved(key) else "")
    return {name: value for name, value in said.items() if name != "type" or value != usual}


def _qualifiers(found: FdbSchema) -> list[str]:
    """Keys of the outer level that name a cube here too."""
    keys = [canonical_name(one.key) for top in found.rules for one in top.predicates if one.kind != "hidden"]
    return [key for key in dict.fromkeys(keys) if key not in _NO_QUALIFIERS and key not in CUBE_QUALIFIERS]


def _told(error: ValidationError, found: FdbSchema, lines: Sequence[int], place: str) -> DocumentError:
    texts = []
    for item in error.errors(include_url=False):
        said = describe(dict(item), Schema)
        line = _line(said.path, found, lines)
        texts.append(f"{place}:{line}: {said.text} {said.hint}".rstrip())
    return DocumentError("\n  ".join(dict.fromkeys(texts)))


def _line(path: tuple[str | int, ...], found: FdbSchema, lines: Sequence[int]) -> int:
    if path[:1] == ("rules",) and len(path) > 1:
        number, key = int(path[1]), path[3] if len(path) > 3 else ""
        parts = [parts for top in found.rules for _, parts in _paths(top)][number]
        return next((one.line for _, one in parts if canonical_name(one.key) == key), lines[number])
    key = str(path[1]) if len(path) > 1 else ""
    return next((one.line for top in found.rules for _, parts in _paths(top) for _, one in parts if one.key == key), 1)
