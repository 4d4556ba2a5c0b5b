"""What to do about damage, and the newest snapshot to go back to."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.errors import DtedaskError
from dtedask.store.repository import open_repository
from dtedask.store.snapshot import Snapshot
from dtedask.store.upkeep.contents import Array, arrays_of, bad_chunks, changed_chunks, rows_in_both, rows_of
from dtedask.store.upkeep.integrity import BRANCH_FILE, branch_text, parents, problems_of

if TYPE_CHECKING:
    from dtedask.store.location import Location
    from dtedask.store.upkeep.findings import Finding

_MOST_BACK = 100
_SAFE: Mapping[str, str] = {
    "digest": "Nothing is lost: remove the file; the next commit keeps digests again.",
    "transaction": "No field is lost: it only tells what a commit changed, for the difference of snapshots.",
    "series": "No field is lost: the fields are read instead. `dtedask store rechunk REQUEST --rebuild` makes it anew.",
}


@dataclass(frozen=True)
class WaysBack:
    """Remedies for the damage of one cube.

    Parameters
    ----------
    bad_keys : tuple of str
        Zarr keys of the chunks that are damaged.
    main : str
        The newest snapshot of the cube; empty where it is not known.
    is_main_read : bool
        Whether its chunks could be verified; those that an older one shares with it need no second look then.
    """

    location: Location
    cube: str
    pool: ThreadPoolExecutor
    bad_keys: tuple[str, ...]
    main: str
    is_main_read: bool

    def remedy(self, finding: Finding, tip: str | None) -> str:
        """What to do about a finding.

        Parameters
        ----------
        tip : str, optional
            The snapshot of the branch or tag whose past, or newest state, the finding is about.
        """
        if finding.kind in _SAFE:
            return _SAFE[finding.kind]
        if finding.kind == "reference":
            return self._of_reference(finding)
        if tip is not None and finding.snapshot != tip:
            return "Newer snapshots do not need it: read those, or let `dtedask store purge` take the past."
        back = self._back(finding)
        if finding.kind == "chunk":
            return f"Archive the fields again, which replaces the chunk{f'; or {back}' if back else ''}."
        other = "No older snapshot is whole. Restore the object from a backup, or archive its fields into a new root"
        return f"{back[:1].upper()}{back[1:] or other}."

    def _of_reference(self, finding: Finding) -> str:
        if not finding.path.endswith(BRANCH_FILE):
            return "If it is a tag, remove it; if it is a branch, write it anew."
        return f"Write it anew: {branch_text(self.main)}." if self.main else "Write it anew."

    def _back(self, finding: Finding) -> str:
        if finding.snapshot != self.main or not self._good:
            return ""
        command = f"dtedask store rollback {self.cube} --to {self._good} --doit"
        return f"read the newest snapshot that is whole, `at={self._good}`, or go back to it: `{command}`"

    @cached_property
    def _good(self) -> str:
        """The newest snapshot in which nothing is damaged of what was found to be; empty if there is none."""
        known: dict[str, bool] = {}
        for _, digests in zip(range(_MOST_BACK), parents(self.location, self.cube, self.main), strict=False):
            is_whole = digests.sequence > 0 and not problems_of(self.location, self.cube, digests, known)
            if is_whole and self._reads(digests.snapshot):
                return digests.snapshot
        return ""

    def _reads(self, snapshot: str) -> bool:
        """Whether the chunks of a snapshot are whole: those that are damaged in the newest, and those that differ."""
        try:
            repo = open_repository(self.location, self.cube)
            opened = Snapshot(self.location.cube_url(self.cube), repo, snapshot)
            only = changed_chunks(repo, snapshot, self.main) if self.is_main_read else None
            for array in arrays_of(opened, repo):
                rows = rows_of(opened, array, frozenset())
                if only is not None:
                    rows = rows_in_both(rows, self._asked(array, only))
                if any(True for _ in bad_chunks(opened, array, rows, self.pool, quick=False, count=lambda *_: None)):
                    return False
        except DtedaskError:
            return False
        return True

    def _asked(self, array: Array, changed: Mapping[str, np.ndarray]) -> np.ndarray:
        keys = [key for key in self.bad_keys if key.startswith(f"{array.path}/c/")]
        damaged = np.array([key.rsplit("/c/", 1)[1].split("/") for key in keys], dtype=np.int64)
        parts = [rows for rows in (changed.get(array.path), damaged) if rows is not None and rows.size]
        return np.concatenate(parts) if parts else np.empty((0, len(array.document["shape"])), dtype=np.int64)
