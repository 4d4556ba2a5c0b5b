"""The places that the references of a cube may point into: kept in its Icechunk configuration."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dtedask.store.layouts.references import authorization, container, container_prefix
from dtedask.store.repository import opened, own_prefixes

if TYPE_CHECKING:
    import icechunk

    from dtedask.store.location import Location

_MOST_BESIDE = 16
_ATTEMPTS = 6
_CHANGED_BESIDE = "config was updated"  # what Icechunk says where somebody else saved it meanwhile


def with_containers(
    location: Location, cube: str, repo: icechunk.Repository, urls: Iterable[str]
) -> icechunk.Repository:
    """A repository that may refer to files; their places are added to its configuration where they are not in it.

    The cube must be locked. What else the configuration says stays as it is.

    Parameters
    ----------
    location : Location
        The root.
    cube : str
        Name of the cube.
    repo : icechunk.Repository
        Its repository.
    urls : iterable of str
        The files.
    """
    import icechunk

    prefixes = {container_prefix(url) for url in urls}
    if not prefixes:
        return repo
    storage = location.storage(cube)
    for attempt in range(_ATTEMPTS):
        try:
            if not _add(storage, prefixes, own_prefixes(location, cube)):
                return repo
            return opened(location, cube, storage)
        except icechunk.IcechunkError as error:
            # Where no lock keeps others out, the conditional put of an object store does.
            if attempt == _ATTEMPTS - 1 or _CHANGED_BESIDE not in str(error):
                raise
        time.sleep(0.05 * 2**attempt)
    raise AssertionError


def _add(storage: icechunk.Storage, prefixes: Iterable[str], own: Iterable[str]) -> bool:
    """Add places to the configuration of a repository; False where all of them are in it."""
    import icechunk

    config = icechunk.Repository.fetch_config(storage) or icechunk.RepositoryConfig.default()
    known = {*own, *(config.virtual_chunk_containers or ())}
    new = joined([prefix for prefix in sorted(prefixes) if not prefix.startswith(tuple(known))])
    for prefix in new:
        config.set_virtual_chunk_container(container(prefix))
    if new:
        icechunk.Repository.open(storage, config, authorization({*known, *new})).save_config()
    return bool(new)


def joined(prefixes: Sequence[str]) -> list[str]:
    """Fewer prefixes that cover the given ones: many side by side become the folder above them.

    Each is read whenever the cube is opened, so that thousands of folders must not become thousands of prefixes.
    """
    found = sorted(set(prefixes))
    found = [one for one in found if not any(one != other and one.startswith(other) for other in found)]
    while len(found) > _MOST_BESIDE:
        deepest = max(len(_folders(one)) for one in found)
        if deepest <= 1:
            break
        found = sorted({_above(one) if len(_folders(one)) == deepest else one for one in found})
        found = [one for one in found if not any(one != other and one.startswith(other) for other in found)]
    return found


def _folders(prefix: str) -> list[str]:
    return prefix.partition("://")[2].strip("/").split("/")


def _above(prefix: str) -> str:
    return f"{prefix.rstrip('/').rpartition('/')[0]}/"
