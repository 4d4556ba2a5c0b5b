"""The places that the references of a cube may point into: kept in its Icechunk configuration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dtedask.store.layouts.references import authorization, container, container_prefix
from dtedask.store.repository import opened, own_prefixes

if TYPE_CHECKING:
    import icechunk

    from dtedask.store.location import Location

_MOST_BESIDE = 16


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
    config = icechunk.Repository.fetch_config(storage) or icechunk.RepositoryConfig.default()
    known = {*own_prefixes(location, cube), *(config.virtual_chunk_containers or ())}
    new = joined([prefix for prefix in sorted(prefixes) if not prefix.startswith(tuple(known))])
    if not new:
        return repo
    for prefix in new:
        config.set_virtual_chunk_container(container(prefix))
    icechunk.Repository.open(storage, config, authorization({*known, *new})).save_config()
    return opened(location, cube, storage)


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
