"""Give a root that holds fields another schema, while nobody writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from dtedask.core.errors import FieldError, RequestError, SchemaError
from dtedask.request import Request, canonical_value
from dtedask.store.identity import cube_of, labels_of
from dtedask.store.lock import cube_lock
from dtedask.store.opaque import is_opaque
from dtedask.store.repository import cached_snapshot, open_repository
from dtedask.store.root_files import RootFiles
from dtedask.store.roots import RootDocument
from dtedask.store.schema import Fitted, Schema, SchemaUpdate, differences
from dtedask.store.selection import select

if TYPE_CHECKING:
    from dtedask.store.location import Location
    from dtedask.store.selection import Record

_SHOWN = 5


def update_schema(location: Location, after: Schema, lock_timeout_s: float, *, doit: bool) -> SchemaUpdate:
    """Replace the schema of a root if every field of every branch and tag is found under the new one as before.

    Writers of all cubes wait meanwhile; those that hold fields which were archived under the schema before are refused
    when they flush.

    Raises
    ------
    NotFoundError
        If there is no root.
    SchemaError
        If fields would not be found, or would be archived elsewhere.
    LockedError
        If a writer holds a cube for too long.
    """
    cubes = RootFiles(location).cubes()
    with ExitStack() as locks:
        for cube in cubes if doit else ():
            locks.enter_context(cube_lock(location, cube, lock_timeout_s))
        document = RootDocument(location)
        version, before = document.version(), document.schema()
        changes = tuple(differences(before, after))
        fields = check_found(_records(location, cubes), after)
        if changes:
            version = document.update(before, after) if doit else version + 1
        return SchemaUpdate(version, changes, fields)


def check_schema(location: Location, schema: Schema) -> None:
    """Refuse to go on if the schema of a root is not the one under which fields were archived.

    Raises
    ------
    SchemaError
        If it is another.
    """
    if RootDocument(location).schema() != schema:
        raise SchemaError(
            f"The schema of {location.url!r} was changed after the fields were archived that are to be flushed.",
            hint="Discard them, and archive them again under the new schema.",
        )


def check_found(records: Iterable[Record], after: Schema) -> int:
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
    check = _Check(after)
    lost: list[str] = []
    count = 0
    for record in records:
        count += 1
        reason = check.lost(record)
        if reason:
            lost.append(f"{','.join(f'{key}={value}' for key, value in record.keys.items())} ({reason})")
    if lost:
        more = f"; and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        raise SchemaError(
            f"Under the new schema {len(lost)} of {count} fields would not be found: {'; '.join(lost[:_SHOWN])}{more}.",
            hint="Let the new rules take them as they are, or archive into a new root.",
        )
    return count


class _Check:
    """Whether fields that exist are where the schema would put them, and are found by their keys."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._values: set[tuple[str, str]] = set()
        self._dims: dict[object, tuple[tuple[str, str], ...]] = {}

    def lost(self, record: Record) -> str:
        """Say why a field would not be found; nothing where it is."""
        keys = record.keys
        try:
            for key, value in keys.items() - self._values:
                if canonical_value(key, value, language=self._schema.language) != value:
                    return f"{key}={value} would be another value"
                self._values.add((key, value))
            fitted = self._schema.fit(keys, "" if is_opaque(record.grid) else record.grid.label)
        except RequestError as error:
            return error.message.rstrip(".")
        except FieldError as error:
            return error.message.partition("; ")[2].rstrip(".") or error.message
        if fitted.keys != keys:
            changed = sorted({key for key, _ in fitted.keys.items() ^ keys.items()})
            return f"{'/'.join(changed)} would be {'another' if len(changed) == 1 else 'others'}"
        cube = cube_of(keys, self._schema)[0]
        if cube != record.cube:
            return f"it would belong to the cube {cube}"
        return "" if self._dimensions(fitted) == _stored(record) else "it would have other dimensions"

    def _dimensions(self, fitted: Fitted) -> tuple[tuple[str, str], ...]:
        """Dimensions that the schema gives a field, and their types; they follow from which keys it has."""
        kind = (tuple(fitted.keys), fitted.keys.get("type") == "cf", fitted.rule)
        if kind not in self._dims:
            names, _ = labels_of(fitted, self._schema)
            self._dims[kind] = tuple((name, fitted.types.get(name, "")) for name in names)
        return self._dims[kind]


def _stored(record: Record) -> tuple[tuple[str, str], ...]:
    axes = record.selection.group.axes
    return tuple((name, axes[name].dimension.type) for name in record.selection.variable.dims)


def _records(location: Location, cubes: list[str]) -> Iterator[Record]:
    for cube in cubes:
        repo = open_repository(location, cube)
        heads = [repo.lookup_branch(name) for name in repo.list_branches()]
        tagged = [repo.lookup_tag(name) for name in repo.list_tags()]
        for head in dict.fromkeys([*heads, *tagged]):
            for part in select(cached_snapshot(location, cube, head), cube, Request({})):
                yield from part.records()
