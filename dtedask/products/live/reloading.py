"""Requirements of files that are edited while products are made."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.core.errors import DtedaskError
from dtedask.products.requirements.sources import files_of

if TYPE_CHECKING:
    from dtedask.products.requirement import Requirement

__all__ = ["Reloading"]

logger = logging.getLogger(__name__)
Stamp = tuple[tuple[str, int, int], ...]


class Reloading:
    """Gives requirements when one of their files has changed, came or went; what `follow` takes as `reload`.

    Files that cannot be read just now leave the requirements as they are.

    Parameters
    ----------
    paths : iterable of str or path
        Files, folders and patterns.
    load : callable
        Reads the requirements.
    """

    def __init__(self, paths: Iterable[str | os.PathLike[str]], load: Callable[[], Sequence[Requirement]]) -> None:
        self._paths = [Path(path).expanduser() for path in paths]
        self._load = load
        self._seen = self._stamp()

    def __call__(self) -> Sequence[Requirement] | None:
        """The requirements; None as long as they are as they were."""
        stamp = self._stamp()
        if stamp == self._seen:
            return None
        self._seen = stamp
        try:
            found = self._load()
        except DtedaskError as error:
            logger.warning("The requirements stay as they were: %s", error)
            return None
        logger.info("The requirements have changed: there are %d", len(found))
        return found

    def _stamp(self) -> Stamp:
        """What tells that files are others: their names, times and sizes."""
        found = []
        for path in self._paths:
            try:
                stats = [(str(file), file.stat()) for file in files_of(path)]
            except (DtedaskError, OSError):  # it is being replaced
                continue
            found += [(name, stat.st_mtime_ns, stat.st_size) for name, stat in stats]
        return tuple(found)
