"""Dask's configuration while a profile is in use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from dtedask.cluster.imports import import_undisturbed

if TYPE_CHECKING:
    from dtedask.cluster.documents.profiles import Profile


@contextmanager
def configured(profile: Profile) -> Iterator[None]:
    """Let the configuration of a profile hold, over what is set; sister keys stay."""
    import dask.config

    if profile.kind == "slurm":  # what it adds to the configuration when it is imported must outlast this one
        with suppress(ImportError):
            import_undisturbed("dask_jobqueue")
    current = {key: dask.config.get(key, {}) for key in profile.configuration}
    over = {
        key: dask.config.merge(current[key], value) if isinstance(value, Mapping) else value
        for key, value in profile.configuration.items()
    }
    with dask.config.set(over):
        yield
