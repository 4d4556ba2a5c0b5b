"""Give a root that holds fields another schema, while nobody writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from dtedask.core.errors import SchemaError
from dtedask.request import Request
from dtedask.store.location import RootFiles
from dtedask.store.lock import cube_lock
from dtedask.store.repository import cached_snapshot, open_repository
from dtedask.store.roots import RootDocument
from dtedask.store.schema import Schema, SchemaUpdate, check_found, differences
from dtedask.store.selection import select

if TYPE_CHECKING:
    from dtedask.store.location import Location
    from dtedask.store.selection import Record


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
        fields = check_found(_records(location, cubes), before, after)
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


def _records(location: Location, cubes: list[str]) -> Iterator[Record]:
    for cube in cubes:
        repo = open_repository(location, cube)
        heads = [repo.lookup_branch(name) for name in repo.list_branches()]
        tagged = [repo.lookup_tag(name) for name in repo.list_tags()]
        for head in dict.fromkeys([*heads, *tagged]):
            for part in select(cached_snapshot(location, cube, head), cube, Request({})):
                yield from part.records()
