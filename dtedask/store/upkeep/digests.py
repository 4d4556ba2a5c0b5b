"""Digests of what Icechunk writes without a checksum: snapshots, transaction logs and manifests.

One small file a snapshot, ``.dtedask/digests/<cube>/<snapshot>.json``, written before the snapshot is published. It
holds the digests of all manifests of its snapshot, also of those that older commits wrote: so it needs no other file,
and goes when its snapshot goes. A digest of its own tells a damaged file of digests from damage of what it describes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import DamagedError, StoreError
from dtedask.store.location import Location
from dtedask.store.root_files import RootFiles
from dtedask.store.upkeep.manifests import manifests_by_array

if TYPE_CHECKING:
    import icechunk

FOLDER = ".dtedask/digests"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Digest:
    """Size and SHA-256 of an object."""

    size: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> Digest:
        """Digest of some bytes."""
        return cls(len(data), hashlib.sha256(data).hexdigest())

    def problem(self, data: bytes | None) -> str:
        """What is wrong with an object that should have this digest; empty if nothing is."""
        if data is None:
            return "it is missing"
        if len(data) != self.size:
            return f"it has {len(data)} bytes instead of {self.size}"
        return "" if Digest.of(data) == self else "its bytes have changed"


@dataclass(frozen=True, slots=True)
class SnapshotDigests:
    """Digests of one snapshot and of all that it needs but the chunks.

    Parameters
    ----------
    snapshot, parent : str
        Identifiers of the snapshot and of the one before it.
    sequence : int
        Number of the commit in the history of its cube.
    own : Digest, optional
        Of the snapshot itself; None while it is being rewritten, as happens when those before it expire.
    transaction : Digest, optional
        Of its transaction log.
    manifests : mapping of str to Digest
        Of each manifest, by its identifier.
    """

    snapshot: str
    parent: str
    sequence: int
    own: Digest | None
    transaction: Digest | None
    manifests: Mapping[str, Digest]

    def to_bytes(self) -> bytes:
        """The file, with a digest of its own."""
        body = {
            "format": _FORMAT,
            "snapshot": self.snapshot,
            "parent": self.parent,
            "sequence": self.sequence,
            "own": _pair(self.own),
            "transaction": _pair(self.transaction),
            "manifests": {name: _pair(digest) for name, digest in self.manifests.items()},
        }
        return json.dumps({"sha256": _checksum(body), "body": body}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> SnapshotDigests:
        """Read a file.

        Raises
        ------
        ValueError
            If it is damaged.
        """
        try:
            document = json.loads(data)
            body = document["body"]
            if document["sha256"] != _checksum(body):
                raise ValueError("its bytes have changed")
            return cls(
                body["snapshot"],
                body["parent"],
                body["sequence"],
                _digest(body["own"]),
                _digest(body["transaction"]),
                {name: Digest(*pair) for name, pair in body["manifests"].items()},
            )
        except (KeyError, TypeError, AttributeError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ValueError("it cannot be read") from error


def digest_file(cube: str, snapshot: str) -> str:
    """Name, below the root, of the file with the digests of a snapshot."""
    return f"{digest_folder(cube)}/{snapshot}.json"


def digest_folder(cube: str) -> str:
    """Name, below the root, of the folder with the digests of a cube."""
    return f"{FOLDER}/{cube.replace('/', '+')}"


def read_digests(location: Location, cube: str, snapshot: str) -> SnapshotDigests | None:
    """Digests of a snapshot; None where none are kept, as for what an older dtedask wrote.

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    if location.is_memory:
        return None
    data = RootFiles(location).read(digest_file(cube, snapshot))
    return None if data is None else SnapshotDigests.from_bytes(data)


def keep_digests(
    location: Location, cube: str, repo: icechunk.Repository, snapshot: str, parent: str, sequence: int
) -> None:
    """Write the digests of a snapshot that is not published yet.

    Only what its parent does not have is read. A root in memory has none.

    Raises
    ------
    StoreError
        If what was just written is not there.
    """
    if location.is_memory:
        return
    known = _known_manifests(location, cube, parent)
    manifests = [found.id for found in repo.lookup_snapshot(snapshot).manifests]
    _check_left_out(location, cube, repo, {name: known[name] for name in known.keys() - set(manifests)}, snapshot)
    new = [name for name in manifests if name not in known]
    names = [f"snapshots/{snapshot}", f"transactions/{snapshot}", *(f"manifests/{name}" for name in new)]
    found = RootFiles(location).read_all([f"{cube}/{name}" for name in names])
    for name, data in zip(names, found, strict=True):
        if data is None:
            raise StoreError(f"{name!r} of the cube {location.cube_url(cube)!r} was written and is not there.")
    own, transaction, *others = (Digest.of(data) for data in found if data is not None)
    fresh = dict(zip(new, others, strict=True))
    digests = {name: known[name] if name in known else fresh[name] for name in manifests}
    kept = SnapshotDigests(snapshot, parent, sequence, own, transaction, digests)
    if sequence == 1:
        _keep_first(location, cube, parent)
    RootFiles(location).write(digest_file(cube, snapshot), kept.to_bytes())
    _newest[location.cube_url(cube)] = kept


def _keep_first(location: Location, cube: str, snapshot: str) -> None:
    """Digest of the empty snapshot that every cube begins with."""
    data = RootFiles(location).read(f"{cube}/snapshots/{snapshot}")
    if data is not None:
        first = SnapshotDigests(snapshot, "", 0, Digest.of(data), None, {})
        RootFiles(location).write(digest_file(cube, snapshot), first.to_bytes())


def _check_left_out(
    location: Location, cube: str, repo: icechunk.Repository, gone: Mapping[str, Digest], snapshot: str
) -> None:
    """What took the place of a damaged manifest is damaged too, and would get a digest that says it is whole.

    A damaged manifest that is left out with all of its fields, as by a wipe, does no harm.
    """
    stored = RootFiles(location).read_all([f"{cube}/manifests/{name}" for name in gone])
    problems = {name: gone[name].problem(data) for name, data in zip(gone, stored, strict=True)}
    parent = repo.lookup_snapshot(snapshot).parent_id
    if not any(problems.values()) or parent is None:
        return
    before, after = manifests_by_array(repo, parent), manifests_by_array(repo, snapshot)
    for path, manifests in before.items():
        for manifest in manifests:
            if problems.get(manifest.id) and any(map(manifest.overlaps, after.get(path, ()))):
                raise DamagedError(
                    f"The manifest {location.cube_url(cube)}/manifests/{manifest.id} is damaged: "
                    f"{problems[manifest.id]}; nothing was published.",
                    hint="`dtedask store verify` says how to get back to a good snapshot.",
                )


@contextmanager
def rewriting(location: Location, cube: str, repo: icechunk.Repository, older_than: datetime) -> Iterator[None]:
    """Around an expiry: Icechunk rewrites each snapshot whose parent expires, and its digest follows.

    In between, such a snapshot has no digest, so that no reader takes the rewriting for damage. To be used under the
    lock of the cube.

    Raises
    ------
    DamagedError
        If one of them does not match its digest now.
    """
    kept = [found for found in _to_be_rewritten(location, cube, repo, older_than) if found is not None]
    files = RootFiles(location)
    for digests in kept:
        data = files.read(f"{cube}/snapshots/{digests.snapshot}")
        problem = digests.own.problem(data) if digests.own else ""
        if problem:
            raise DamagedError(
                f"The snapshot {digests.snapshot} of the cube {location.cube_url(cube)!r} is damaged: {problem}.",
                hint="`dtedask store verify` says how to get back to a good one.",
            )
        files.write(digest_file(cube, digests.snapshot), replace(digests, own=None).to_bytes())
    try:
        yield
    finally:
        for digests in kept:
            data = files.read(f"{cube}/snapshots/{digests.snapshot}")
            if data is not None:
                files.write(digest_file(cube, digests.snapshot), replace(digests, own=Digest.of(data)).to_bytes())


def _to_be_rewritten(
    location: Location, cube: str, repo: icechunk.Repository, older_than: datetime
) -> Iterator[SnapshotDigests | None]:
    tips = {repo.lookup_branch(name) for name in repo.list_branches()} | {
        repo.lookup_tag(name) for name in repo.list_tags()
    }
    seen: set[str] = set()
    for tip in sorted(tips):
        newer: str | None = None
        for info in repo.ancestry(snapshot_id=tip):
            if newer is not None and info.written_at < older_than and newer not in seen:
                seen.add(newer)
                yield _readable_digests(location, cube, newer)
            newer = info.id if info.id == tip or info.written_at >= older_than else None


def _readable_digests(location: Location, cube: str, snapshot: str) -> SnapshotDigests | None:
    try:
        return read_digests(location, cube, snapshot)
    except ValueError:
        return None


def _known_manifests(location: Location, cube: str, parent: str) -> Mapping[str, Digest]:
    newest = _newest.get(location.cube_url(cube))
    if newest is None or newest.snapshot != parent:
        newest = _readable_digests(location, cube, parent)
    return newest.manifests if newest else {}


def _checksum(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _pair(digest: Digest | None) -> list[object] | None:
    return [digest.size, digest.sha256] if digest else None


def _digest(pair: list[Any] | None) -> Digest | None:
    return Digest(*pair) if pair else None


_newest: dict[str, SnapshotDigests] = {}
