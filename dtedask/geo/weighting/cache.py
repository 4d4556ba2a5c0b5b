"""The folder in which weights are kept, by the digest of what they depend on.

Each entry is a folder named by its key. It is written under another name and renamed when it is complete, so that no
reader ever sees half of one; of two processes that write the same at once one wins, and both have the same.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import GridError
from dtedask.core.settings import setting
from dtedask.geo.weighting.entry import DamagedWeightsError, Entry, described, write_entry

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dtedask.geo.weighting.interpolation import Interpolation

_ASIDE = ".aside-"
_LEFT_AFTER_S = 86400.0
logger = logging.getLogger(__name__)


def cache_folder(named: str | os.PathLike[str] | None = None) -> Path:
    """Say where weights are kept.

    Parameters
    ----------
    named : path-like, optional
        The folder; by default that of the setting ``geo.weights-cache``, and without one the user's cache folder, by
        the rules of XDG.
    """
    folder = named if named is not None else setting("geo.weights-cache")
    if folder is not None:
        return Path(folder).expanduser().absolute()
    home = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (home if home.is_absolute() else Path.home() / ".cache") / "dtedask" / "weights"


@dataclass(frozen=True, slots=True)
class Kept:
    """Weights in a cache, as listings show them.

    Parameters
    ----------
    key : str
        Their name.
    folder : Path
        Where they are.
    size_bytes : int
        On the disk.
    attributes : dict
        What they say of themselves; empty where that is damaged.
    """

    key: str
    folder: Path
    size_bytes: int
    attributes: dict[str, Any]

    @property
    def is_damaged(self) -> bool:
        """Whether their description cannot be read."""
        return not self.attributes

    def to_dict(self) -> dict[str, Any]:
        """Make an object of it for JSON."""
        return {"key": self.key, "folder": str(self.folder), "bytes": self.size_bytes} | self.attributes


@dataclass(frozen=True, slots=True)
class WeightsCache:
    """A folder of weights.

    Parameters
    ----------
    folder : Path
        It need not exist.
    """

    folder: Path

    def find(self, key: str) -> Entry | None:
        """Open an entry; None where there is none. One that is damaged is reported in the log, and removed."""
        try:
            return Entry.open(self.folder / key)
        except FileNotFoundError:
            return None
        except DamagedWeightsError as error:
            self.discard(key, error)
            return None

    def keep(self, interpolation: Interpolation, weights: csr_array) -> None:
        """Keep weights; where they are kept already, nothing happens.

        Raises
        ------
        GridError
            If the folder cannot be written.
        """
        place = self.folder / interpolation.key
        aside = self.folder / f"{_ASIDE}{os.getpid()}-{uuid.uuid4().hex[:12]}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._sweep()
            write_entry(aside, interpolation, weights)
            _rename(aside, place)
        except OSError as error:
            raise GridError(
                f"Weights cannot be kept in '{self.folder}': {error.strerror or error}.",
                hint="Set dtedask.geo.weights-cache to a folder that can be written, or call with cache=False.",
            ) from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def discard(self, key: str, why: Exception) -> None:
        """Remove an entry that is damaged, and say so in the log."""
        logger.warning("%s They are made anew.", str(why).partition("\n")[0].partition(" Remove them")[0])
        self.remove(key)

    def remove(self, key: str) -> bool:
        """Remove an entry, if there is one; whoever reads it at this moment makes it anew."""
        aside = self.folder / f"{_ASIDE}{os.getpid()}-{uuid.uuid4().hex[:12]}"
        try:
            (self.folder / key).rename(aside)
        except FileNotFoundError:
            return False
        shutil.rmtree(aside, ignore_errors=True)
        return True

    def list(self) -> Iterator[Kept]:
        """List entries by key; those that are being written are left out."""
        if not self.folder.is_dir():
            return
        for place in sorted(self.folder.iterdir()):
            if place.name.startswith(".") or not place.is_dir():
                continue
            try:
                attributes = described(place)
            except DamagedWeightsError:
                attributes = {}
            yield Kept(place.name, place, _size(place), attributes)

    def _sweep(self) -> None:
        """Remove what processes left behind that were killed, a day ago or more."""
        before = time.time() - _LEFT_AFTER_S
        for place in self.folder.glob(f"{_ASIDE}*"):
            with suppress(OSError):
                if place.stat().st_mtime < before:
                    shutil.rmtree(place, ignore_errors=True)


def _rename(aside: Path, place: Path) -> None:
    try:
        aside.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
