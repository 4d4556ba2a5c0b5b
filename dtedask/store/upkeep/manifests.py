"""Which manifests hold the chunks of which array."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import icechunk


@dataclass(frozen=True)
class Manifest:
    """A manifest of one array, and the chunks that it is about.

    Parameters
    ----------
    id : str
        Its identifier.
    first, end : numpy.ndarray of int64, shape (dimensions,)
        The chunks from `first` up to, and without, `end`.
    """

    id: str
    first: np.ndarray
    end: np.ndarray

    @property
    def size(self) -> int:
        """Most chunks that it can hold."""
        return int(np.prod(self.end - self.first))

    def overlaps(self, other: Manifest) -> bool:
        """Whether both are about some of the same chunks."""
        return bool(((self.first < other.end) & (other.first < self.end)).all())

    def holds_any(self, chunks: np.ndarray) -> bool:
        """Whether it is about any of some chunks, given as rows of coordinates."""
        return bool(((chunks >= self.first) & (chunks < self.end)).all(axis=1).any())


def manifests_by_array(repo: icechunk.Repository, snapshot: str) -> dict[str, tuple[Manifest, ...]]:
    """Manifests of each array of a snapshot, by the path of the array without its first slash."""
    found = json.loads(repo.inspect_snapshot(snapshot, pretty=False))
    return {
        node["path"].lstrip("/"): tuple(
            Manifest(
                ref["id"],
                np.array([first for first, _ in ref["extents"]], dtype=np.int64),
                np.array([end for _, end in ref["extents"]], dtype=np.int64),
            )
            for ref in node["manifest_refs"]
        )
        for node in found["nodes"]
        if node["node_type"] == "array"
    }
