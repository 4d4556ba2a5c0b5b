"""What differs between two schemas, and what became of an update from one to the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.store.schema.document import Schema

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
