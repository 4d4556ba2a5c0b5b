"""Another schema for a root that holds fields: what differs, and which fields would not be found any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.core.errors import FieldError, RequestError, SchemaError
from dtedask.request import canonical_value

if TYPE_CHECKING:
    from dtedask.store.schema.document import Schema
    from dtedask.store.selection import Record

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class SchemaUpdate:
    """What became of an update.

    Parameters
    ----------
    version : int
        Number of the schema that the root has now; of a dry run the one it would have.
    changes : tuple of str
        What differs from the schema before; none where nothing does, and nothing was written.
    fields : int
        Fields that were checked: all are found as before.
    """

    version: int
    changes: tuple[str, ...]
    fields: int


def differences(before: Schema, after: Schema) -> list[str]:
    """Say what differs between two schemas, part by part."""
    found = [*_of_keys(before, after), *_of_rules(before, after)]
    others = ("qualifiers", "layout", "values", "parameters")
    return [*found, *(f"other {name}" for name in others if getattr(before, name) != getattr(after, name))]


def check_found(records: Iterable[Record], before: Schema, after: Schema) -> int:
    """Refuse a schema under which fields that exist would not be found, or would be archived elsewhere.

    Returns
    -------
    int
        Number of fields.

    Raises
    ------
    SchemaError
        Naming the fields, and why.
    """
    lost: list[str] = []
    count = 0
    seen: set[tuple[str, str]] = set()
    for record in records:
        count += 1
        reason = _lost(record.keys, record.grid.label, before, after, seen)
        if reason:
            lost.append(f"{','.join(f'{key}={value}' for key, value in record.keys.items())} ({reason})")
    if lost:
        more = f"; and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        raise SchemaError(
            f"Under the new schema {len(lost)} of {count} fields would not be found: {'; '.join(lost[:_SHOWN])}{more}.",
            hint="Let the new rules take them as they are, or archive into a new root.",
        )
    return count


def _lost(keys: Mapping[str, str], grid: str, before: Schema, after: Schema, seen: set[tuple[str, str]]) -> str:
    """Say why a field would not be found; nothing where it is."""
    from dtedask.store.identity import cube_of, labels_of

    try:
        for key, value in keys.items() - seen:
            if canonical_value(key, value, language=after.language) != value:
                return f"{key}={value} would be another value"
            seen.add((key, value))
        new, old = after.fit(keys, grid), before.fit(keys, grid)
    except RequestError as error:
        return error.message.rstrip(".")
    except FieldError as error:
        return error.message.partition("; ")[2].rstrip(".") or error.message
    if dict(new.keys) != dict(keys):
        changed = sorted({key for key, _ in new.keys.items() ^ keys.items()})
        return f"{'/'.join(changed)} would be {'another' if len(changed) == 1 else 'others'}"
    if cube_of(new.keys, after) != cube_of(old.keys, before):
        return f"it would belong to the cube {cube_of(new.keys, after)[0]}"
    if labels_of(new, after) != labels_of(old, before):
        return "it would have other dimensions"
    return ""


def _of_keys(before: Schema, after: Schema) -> Iterator[str]:
    for key in sorted({*before.keys, *after.keys}):
        old, new = before.keys.get(key), after.keys.get(key)
        if old is None or new is None:
            yield f"the key {key} {'is new' if old is None else 'is not there'}"
        elif old != new:
            yield f"the key {key} is {new}, not {old}"


def _of_rules(before: Schema, after: Schema) -> Iterator[str]:
    if len(before.rules) != len(after.rules):
        yield f"{len(after.rules)} rules, not {len(before.rules)}"
    for number, (old, new) in enumerate(zip(before.rules, after.rules, strict=False), 1):
        if old != new:
            keys = [key for key in dict.fromkeys([*old.keys, *new.keys]) if old.keys.get(key) != new.keys.get(key)]
            yield f"{new.label(number)} differs" + (f" in {'/'.join(keys)}" if keys else "")
