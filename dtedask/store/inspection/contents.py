"""What a snapshot says of its arrays without looking at their chunks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dtedask.store.repository import open_repository

if TYPE_CHECKING:
    from dtedask.store.location import Location


@dataclass(frozen=True, slots=True)
class Manifest:
    """A file that says where chunks are.

    Parameters
    ----------
    id : str
        Its name below ``manifests/``.
    references : int
        Chunks that it knows.
    size_bytes : int
        Its size.
    """

    id: str
    references: int
    size_bytes: int


def manifests_of(location: Location, cube: str, snapshot: str) -> dict[str, tuple[Manifest, ...]]:
    """Manifests of every array of a snapshot, by its path.

    The snapshot's document alone says this, so that a million fields take as long as one.
    """
    document: Mapping[str, Any] = json.loads(open_repository(location, cube).inspect_snapshot(snapshot))
    files = {one["id"]: Manifest(one["id"], one["num_chunk_refs"], one["size_bytes"]) for one in document["manifests"]}
    return {
        node["path"].strip("/"): tuple(files[part["id"]] for part in node.get("manifest_refs", ()))
        for node in document["nodes"]
        if node["node_type"] == "array"
    }
