"""The plug-in that keeps the catalog of a root up to date."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dtedask.core.errors import ReadOnlyError
from dtedask.core.stages import stage
from dtedask.plugins import hookimpl

if TYPE_CHECKING:
    from dtedask.core.commit import Commit

logger = logging.getLogger(__name__)


@hookimpl
def after_commit(commit: Commit) -> None:
    """Enter the groups of a commit into the catalog; nothing is written while their axes and variables stay.

    A root that cannot hold a catalog is passed over with a line in the log: its data are safe without.
    """
    from dtedask.catalog.update import catalog_path, follow

    file = catalog_path(commit.root)
    if file is None:
        logger.info("%s has no catalog file: it is not on local disk and dtedask.catalog.path is not set", commit.root)
        return
    try:
        with stage("catalog", detail=commit.cube):
            follow(commit, file)
    except ReadOnlyError as error:
        logger.warning("The commit %s of %s is not in the catalog: %s", commit.snapshot, commit.url, error)


@hookimpl
def after_purge(root: str) -> None:
    """Remove what processes that died left of a catalog that they were writing."""
    from dtedask.catalog.update import catalog_path, remove_parts

    file = catalog_path(root)
    if file is not None:
        remove_parts(file)
