"""Which chunks may differ between two snapshots: from Icechunk's transaction logs, else from the manifests."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.store.repository import own_metadata

if TYPE_CHECKING:
    import icechunk

    from dtedask.store.snapshot import Snapshot

Extent = tuple[tuple[int, int], ...]


@dataclass
class Touched:
    """Chunks that may differ.

    Parameters
    ----------
    arrays : set of str
        Paths of arrays of which any chunk may differ.
    chunks : dict
        By path, the coordinates of single chunks.
    same : dict, optional
        By path, boxes of chunks that are the same; all others may differ. None where `chunks` says it.
    """

    arrays: set[str] = field(default_factory=set)
    chunks: dict[str, set[tuple[int, ...]]] = field(default_factory=dict)
    same: dict[str, list[Extent]] | None = None

    def mask(self, place: tuple[str, str], before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Which fields, given by their slots in both snapshots, may differ."""
        path = f"/{place[0]}/{place[1]}"
        moved: np.ndarray = (before != after).any(axis=1)
        if path in self.arrays:
            moved[:] = True
        elif self.same is not None:
            moved |= ~_are_inside(after, self.same.get(path, []))
        elif path in self.chunks:
            width = after.shape[1]
            touched = {chunk[:width] for chunk in self.chunks[path]}
            moved |= np.fromiter((tuple(row) in touched for row in after.tolist()), dtype=bool, count=len(after))
        return moved

    def add(self, diff: icechunk.Diff) -> None:
        """Add what the transaction logs of some commits say."""
        self.arrays |= diff.new_arrays | diff.deleted_arrays
        for path, chunks in diff.updated_chunks.items():
            self.chunks.setdefault(path, set()).update(map(tuple, chunks))


def touched_between(old: Snapshot, new: Snapshot) -> Touched:
    """Chunks that may differ between two snapshots of a cube, whichever is older."""
    import icechunk

    found = Touched()
    try:
        shared = _shared(old, new)
        for snapshot in (old, new):
            if snapshot.id != shared:
                found.add(new.repo.diff(from_snapshot_id=shared, to_snapshot_id=snapshot.id))
    except (icechunk.IcechunkError, LookupError):  # expired snapshots have no transaction logs
        return Touched(same=_same_manifests(old, new))
    return found


def _shared(old: Snapshot, new: Snapshot) -> str:
    """The newest snapshot that both come from."""
    past = list(old.repo.ancestry(snapshot_id=old.id))
    places = {info.id: place for place, info in enumerate(past)}
    chain = []
    for info in new.repo.ancestry(snapshot_id=new.id):
        chain.append(info)
        if info.id in places:
            _check_whole(chain)
            _check_whole(past[: places[info.id] + 1])
            if not new.are_logs_whole(one.id for one in (*chain[:-1], *past[: places[info.id]])):
                raise LookupError(new.id)  # manifests say it too, and are compared with their digests
            return info.id
    raise LookupError(new.id)


def _check_whole(chain: list[icechunk.SnapshotInfo]) -> None:
    """Refuse a past with holes: of what expired in between nothing is known any more."""
    expected = None
    for info in chain:
        ours = own_metadata(info)
        number = ours.get("sequence", None if info.parent_id else 0)
        if number is not None and expected is not None and number != expected:
            raise LookupError(info.id)
        if number is not None:
            expected = None if ours.get("rolled_back") else number - 1


def _same_manifests(old: Snapshot, new: Snapshot) -> dict[str, list[Extent]]:
    """Boxes of chunks of which both snapshots have the same manifest, by array."""
    one, two = _manifests(old), _manifests(new)
    return {path: [extent for key, extent in boxes.items() if key in two.get(path, {})] for path, boxes in one.items()}


def _manifests(snapshot: Snapshot) -> dict[str, dict[tuple[str, Extent], Extent]]:
    found: dict[str, dict[tuple[str, Extent], Extent]] = {}
    document: dict[str, Any] = json.loads(snapshot.repo.inspect_snapshot(snapshot.id))
    for node in document["nodes"]:
        boxes = found.setdefault(node["path"], {})
        for reference in node.get("manifest_refs", ()):
            extent = tuple((int(first), int(end)) for first, end in reference["extents"])
            boxes[(reference["id"], extent)] = extent
    return found


def _are_inside(rows: np.ndarray, boxes: list[Extent]) -> np.ndarray:
    inside = np.zeros(len(rows), dtype=bool)
    for box in boxes:
        part = np.ones(len(rows), dtype=bool)
        for position, (first, end) in zip(range(rows.shape[1]), box, strict=False):
            part &= (rows[:, position] >= first) & (rows[:, position] < end)
        inside |= part
    return inside
