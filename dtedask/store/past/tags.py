"""Tags: names for the state of all cubes of a root, which keep their data from being purged."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dtedask.core.errors import NotFoundError, StoreError, TagError
from dtedask.core.nearest import did_you_mean
from dtedask.store.author import author
from dtedask.store.lock import cube_lock
from dtedask.store.moment import is_moment
from dtedask.store.past.tag_file import FILE, Tag, decoded, encoded
from dtedask.store.repository import open_repository
from dtedask.store.shared_file import change_file

if TYPE_CHECKING:
    from dtedask.store.location import Location

logger = logging.getLogger(__name__)
PIN = "dtedask."
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=-]*")
_SNAPSHOT = re.compile(r"[0-9A-HJKMNP-TV-Z]{20}")


def create_tag(location: Location, name: str, snapshots: Mapping[str, str], message: str, timeout_s: float) -> Tag:
    """Name snapshots of cubes, all of them or none.

    Each snapshot is pinned first, by a tag of Icechunk. The name is there when the one file that holds it is written.

    Raises
    ------
    TagError
        If the name is taken or cannot be one.
    """
    _check_name(name)
    tag = Tag(name, dict(sorted(snapshots.items())), message, author(), datetime.now(UTC))
    pin = f"{PIN}{name}.{uuid.uuid4().hex[:8]}"
    with ExitStack() as locks:
        for cube in tag.snapshots:
            locks.enter_context(cube_lock(location, cube, timeout_s))
        try:
            _pin(location, tag, pin)
            change_file(location, FILE, _adding(location, tag, pin))
        except BaseException:
            _unpin(location, tag, pin)
            raise
    return tag


def delete_tag(location: Location, name: str, timeout_s: float) -> Tag:
    """Take a name away; what it alone kept goes with the next purge.

    Raises
    ------
    NotFoundError
        If there is no such tag.
    """
    gone: list[tuple[Tag, str]] = []

    def edit(data: bytes | None) -> bytes:
        found = decoded(data, location.url)
        if name not in found:
            raise NotFoundError(
                f"The root {location.url!r} has no tag {name!r}.",
                hint=did_you_mean(name, list(found)) or "`dtedask store tags` lists the tags.",
            )
        gone[:] = [found.pop(name)]
        return encoded(found)

    change_file(location, FILE, edit)
    tag, pin = gone[0]
    with ExitStack() as locks:
        for cube in tag.snapshots:
            locks.enter_context(cube_lock(location, cube, timeout_s))
        _unpin(location, tag, pin)
    return tag


def _adding(location: Location, tag: Tag, pin: str) -> Callable[[bytes | None], bytes]:
    def edit(data: bytes | None) -> bytes:
        found = decoded(data, location.url)
        if tag.name in found:
            raise TagError(
                f"The root {location.url!r} has a tag {tag.name!r} already.",
                hint="Take another name, or delete that tag first.",
            )
        return encoded(found | {tag.name: (tag, pin)})

    return edit


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or is_moment(name) or _SNAPSHOT.fullmatch(name):
        raise TagError(
            f"{name!r} cannot be the name of a tag.",
            hint="Use letters, digits and . _ + = -, and nothing that reads as a moment or as a snapshot.",
        )


def _pin(location: Location, tag: Tag, pin: str) -> None:
    for cube, snapshot in tag.snapshots.items():
        open_repository(location, cube).create_tag(pin, snapshot)


def _unpin(location: Location, tag: Tag, pin: str) -> None:
    """Let go of the snapshots; a pin that stays behind only keeps data."""
    import icechunk

    for cube in tag.snapshots:
        try:
            repo = open_repository(location, cube)
            if pin in repo.list_tags():
                repo.delete_tag(pin)
        except (icechunk.IcechunkError, StoreError) as error:
            logger.warning("the pin %s of %s stays: %s", pin, location.cube_url(cube), error)
