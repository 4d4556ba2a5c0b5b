"""Creating the repository of a cube, once, with manifests that stay small."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dtedask.core.settings import setting
from dtedask.store.failures import storage_error
from dtedask.store.layouts.references import authorization, container
from dtedask.store.repository import kept_repository, opened, own_prefixes
from dtedask.store.root_files import RootFiles
from dtedask.store.upkeep.integrity import BRANCH_FILE

if TYPE_CHECKING:
    import icechunk

    from dtedask.store.identity import Address
    from dtedask.store.location import Location

logger = logging.getLogger(__name__)
INLINE_BYTES = 512
_EXPECTED_STEPS = 60
_ATTEMPTS = 6
# What Icechunk says where somebody else makes the same repository, or made a part of it.
_MADE_BESIDE = ("clean prefixes", "branch update conflict", "config was updated")
_FIRST_FILES = frozenset({"snapshots/1CECHNKREP0F1RSTCMT0", "config.yaml"})


def create_repository(location: Location, cube: str, addresses: Sequence[Address]) -> icechunk.Repository:
    """Open the repository of a cube, and create it where there is none.

    Its manifests are split from the beginning, since a commit rewrites those that it touches and the limits cannot be
    changed later without rewriting all of them.

    Parameters
    ----------
    location : Location
        The root.
    cube : str
        Name of the cube.
    addresses : sequence of Address
        The fields of the first transaction; the split is estimated from them.
    """
    import icechunk

    if location.is_local and os.path.isfile(f"{location.cube_url(cube)}/{BRANCH_FILE}"):  # noqa: PTH113 - a hot place
        _allow_packs_once(location, cube)
        return kept_repository(location, cube)
    storage = location.storage(cube)
    for attempt in range(_ATTEMPTS):
        try:
            if icechunk.Repository.exists(storage):
                _allow_packs_once(location, cube)
                return opened(location, cube, storage)
            prefixes = own_prefixes(location, cube)
            repo = icechunk.Repository.open_or_create(storage, _config(addresses, prefixes), authorization(prefixes))
            repo.save_config()
        except icechunk.IcechunkError as error:
            if attempt == _ATTEMPTS - 1 or not any(words in str(error) for words in _MADE_BESIDE):
                raise storage_error(error, location.cube_url(cube)) from error
        else:
            return repo
        # Another writer makes it right now, or one died while it did.
        time.sleep(0.05 * 2**attempt)
        if attempt >= _ATTEMPTS // 2:
            _remove_half_made(location, cube)
    raise AssertionError


def allow_packs(location: Location, cube: str) -> None:
    """Name the place of the packs in the configuration of a cube, where plain readers of Icechunk look for it.

    It is there already but for cubes that an older dtedask made, that were moved, or that are called by another path.
    """
    import icechunk

    storage = location.storage(cube)
    config = icechunk.Repository.fetch_config(storage) or icechunk.RepositoryConfig.default()
    missing = [one for one in own_prefixes(location, cube) if one not in (config.virtual_chunk_containers or {})]
    for prefix in missing:
        config.set_virtual_chunk_container(container(prefix))
    if missing:
        try:
            icechunk.Repository.open(storage, config, authorization(missing)).save_config()
        except icechunk.IcechunkError as error:
            if not any(words in str(error) for words in _MADE_BESIDE):
                raise
            logger.info("the configuration of %s was changed meanwhile: %s", location.cube_url(cube), error)


@lru_cache(maxsize=1024)
def _allow_packs_once(location: Location, cube: str) -> None:
    allow_packs(location, cube)


def _remove_half_made(location: Location, cube: str) -> None:
    """Remove what a writer left that died before the branch was there: the first snapshot, which is always the same.

    Whoever makes the cube at this moment and is only slow writes the same again, or finds it.
    """
    files = RootFiles(location)
    names = [file.name for file in files.files(cube)]
    if names and all(name.removeprefix(f"{cube}/") in _FIRST_FILES for name in names):
        logger.warning("The cube %s was left half made; it is made anew", location.cube_url(cube))
        for name in names:
            files.delete(name)


def _config(addresses: Sequence[Address], prefixes: Sequence[str]) -> icechunk.RepositoryConfig:
    import icechunk
    from icechunk import ManifestSplitCondition, ManifestSplitDimCondition

    config = icechunk.RepositoryConfig.default()
    config.inline_chunk_threshold_bytes = INLINE_BYTES
    times, steps = split_of(addresses, setting("store.manifest-split"))
    split: dict[Any, int] = {ManifestSplitDimCondition.DimensionName("forecast_reference_time"): times}
    if steps:
        split[ManifestSplitDimCondition.DimensionName("step")] = steps
    splitting = icechunk.ManifestSplittingConfig.from_dict({ManifestSplitCondition.AnyArray(): split})
    config.manifest = icechunk.ManifestConfig(splitting=splitting)
    for prefix in prefixes:
        config.set_virtual_chunk_container(container(prefix))
    return config


def split_of(addresses: Sequence[Address], chunks: int) -> tuple[int, int]:
    """Reference times and steps in one manifest, so that it holds about `chunks` fields.

    Parameters
    ----------
    addresses : sequence of Address
        Fields of the first transaction. Analyses have one step; of a forecast, which may arrive step by step, at least
        60 steps are expected.
    chunks : int
        Fields wanted in a manifest.

    Returns
    -------
    tuple of (int, int)
        Reference times, and steps; 0 steps stand for no limit.
    """
    labels: dict[tuple[str, str], dict[str, set[object]]] = {}
    for address in addresses:
        found = labels.setdefault((address.group, address.variable.name), {})
        for name, label in zip(address.variable.dims, address.labels, strict=True):
            found.setdefault(name, set()).add(label)
    fields, steps, only_analyses = 1, 1, True
    for (group, _), found in labels.items():
        others = [len(values) for name, values in found.items() if name not in ("forecast_reference_time", "step")]
        fields = max(fields, math.prod(others))
        is_analysis = group.startswith("an/") or "step" not in found
        only_analyses &= is_analysis
        steps = max(steps, len(found.get("step", ())) if is_analysis else max(len(found["step"]), _EXPECTED_STEPS))
    times = max(chunks // (fields * steps), 1)
    return times, 0 if only_analyses else max(chunks // (fields * times), 1)
