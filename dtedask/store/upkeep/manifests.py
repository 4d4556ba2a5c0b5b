"""Which manifests hold the chunks of which array."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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


@dataclass(frozen=True)
class Extents:
    """All manifests of one array, and the chunks that each is about.

    Parameters
    ----------
    ids : tuple of str
        Identifiers.
    first, end : numpy.ndarray of int64, shape (manifests, dimensions)
        The chunks from `first` up to, and without, `end`.
    """

    ids: tuple[str, ...]
    first: np.ndarray
    end: np.ndarray

    def holding(self, chunks: np.ndarray, is_known: Callable[[str], bool]) -> list[str]:
        """Identifiers of the manifests that are about any of some chunks, given as rows of coordinates.

        Those that are known may be left out: nobody asks of them.
        """
        found = np.zeros(len(self.ids), dtype=bool)
        if len(chunks) < len(self.ids):
            for chunk in chunks:
                found |= ((self.first <= chunk) & (chunk < self.end)).all(axis=1)
        else:
            for number in (number for number, name in enumerate(self.ids) if not is_known(name)):
                inside = (self.first[number] <= chunks) & (chunks < self.end[number])
                found[number] = inside.all(axis=1).any()
        return [self.ids[number] for number in np.flatnonzero(found)]


def extents_by_array(repo: icechunk.Repository, snapshot: str) -> dict[str, Extents]:
    """Manifests of each array that has some, by the path of the array without its first slash."""
    found = json.loads(repo.inspect_snapshot(snapshot, pretty=False))
    return {
        node["path"].lstrip("/"): _extents(node["manifest_refs"])
        for node in found["nodes"]
        if node["node_type"] == "array" and node["manifest_refs"]
    }


def _extents(refs: list[dict[str, Any]]) -> Extents:
    extents = np.array([ref["extents"] for ref in refs], dtype=np.int64).reshape(len(refs), -1, 2)
    return Extents(tuple(ref["id"] for ref in refs), extents[..., 0], extents[..., 1])


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
