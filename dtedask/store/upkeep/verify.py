"""Verify a root: every object of every kind, whatever else is damaged.

Cube by cube: its references, then each snapshot with its transaction log and manifests against their digests, then the
chunks, which carry a checksum of their own. What differs from its digest is not read, so that damage is not believed.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.cores import cores
from dtedask.core.errors import DamagedError, NotFoundError
from dtedask.store.failures import first_line
from dtedask.store.location import Location
from dtedask.store.past.tag_file import FILE as TAGS
from dtedask.store.past.tag_file import decoded, tags_of
from dtedask.store.repository import open_repository, own_metadata, snapshot_at
from dtedask.store.root_files import RootFiles
from dtedask.store.roots import FILE, RootDocument
from dtedask.store.selection import group_may_match
from dtedask.store.snapshot import Snapshot
from dtedask.store.upkeep.affected import Affected
from dtedask.store.upkeep.contents import Array, arrays_of, bad_chunks, box_of, changed_chunks, rows_in_both, rows_of
from dtedask.store.upkeep.digests import Digest, SnapshotDigests, digest_file, read_digests
from dtedask.store.upkeep.findings import Finding, Kind, Tally, Verification, VerifyProgress
from dtedask.store.upkeep.integrity import BRANCH_FILE, is_unknown, newest_kept
from dtedask.store.upkeep.waysback import WaysBack

if TYPE_CHECKING:
    import icechunk

    from dtedask.request import Request

_AT_ONCE = 64
_MANIFEST = re.compile(r"manifest_id=(\w+)")
_MOST_OF_AN_ARRAY = 1000
_MOST_NAMED = 20_000
Told = Callable[[VerifyProgress], None]


@dataclass(frozen=True)
class VerifyOptions:
    """What is verified, and how.

    Parameters
    ----------
    request : Request
        Chunks of these fields only; everything else is verified in any case.
    at : str, optional
        A snapshot, in place of the newest one of each branch and tag.
    all_snapshots : bool
        Whether the past is verified too.
    quick : bool
        Whether existence and sizes are enough.
    threads : int, optional
        Threads; None for as many as cores.
    on_progress : callable, optional
        Told how far it has come, after each array.
    """

    request: Request
    at: str | None = None
    all_snapshots: bool = False
    quick: bool = False
    threads: int | None = None
    on_progress: Told | None = None


def verify_root(location: Location, cubes: Sequence[str], options: VerifyOptions) -> Verification:
    """Verify the cubes of a root, one after the other."""
    tally = Tally()
    _verify_document(location, tally)
    with ThreadPoolExecutor(options.threads or cores(), thread_name_prefix="verify") as pool:
        for cube in cubes:
            _CubeVerifier(location, cube, options, tally, pool).run()
    return Verification(
        location.url,
        tuple(tally.findings),
        len(tally.snapshots),
        tally.objects,
        tally.size_bytes,
        options.quick,
        tuple(tally.undigested),
    )


def _verify_document(location: Location, tally: Tally) -> None:
    data = RootFiles(location).read(FILE)
    tally.count(data)
    problem = "it is missing" if data is None else _why_unreadable(lambda: RootDocument(location).schema())
    if problem:
        remedy = "Take the file from another root of the same schema, or from a backup."
        tally.findings.append(Finding("root", f"{location.url}/{FILE}", "", "", problem, (), remedy))
    problem = _why_unreadable(lambda: tags_of(location))
    if problem:
        remedy = "Restore it, or remove it and tag the states anew: `dtedask store history` names their snapshots."
        tally.findings.append(Finding("root", f"{location.url}/{TAGS}", "", "", problem, (), remedy))


def _why_unreadable(read: Callable[[], object]) -> str:
    try:
        read()
    except Exception as error:  # noqa: BLE001 - whatever a parser says of a damaged document
        return f"it cannot be read: {first_line(error)}"
    return ""


@dataclass
class _CubeVerifier:
    location: Location
    cube: str
    options: VerifyOptions
    tally: Tally
    pool: ThreadPoolExecutor
    known: dict[str, str] = field(default_factory=dict)
    bad_keys: list[str] = field(default_factory=list)
    told: set[str | tuple[str, str]] = field(default_factory=set)
    tips: dict[str, str] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)

    def run(self) -> None:
        begin = len(self.tally.findings)
        tips = self._references()
        repo = self._repository()
        wanted = self._wanted(tips, repo)
        for snapshot, newer in self._snapshots(wanted, repo):
            self.tally.snapshots.add((self.cube, snapshot))
            self._verify_snapshot(repo, snapshot, newer)
        main = wanted[0] if wanted else ""
        ways = WaysBack(self.location, self.cube, self.pool, tuple(self.bad_keys), main, main in self.read)
        for place in range(begin, len(self.tally.findings)):
            finding = self.tally.findings[place]
            if not finding.remedy:
                remedy = ways.remedy(finding, self.tips.get(finding.snapshot))
                self.tally.findings[place] = replace(finding, remedy=remedy)

    # -- references

    def _references(self) -> dict[str, str]:
        """Snapshot of each branch and tag; what is wrong with the others is told."""
        if self.location.is_memory:
            repo = open_repository(self.location, self.cube)
            return {name: repo.lookup_branch(name) for name in repo.list_branches()}
        files = RootFiles(self.location)
        names = [file.name for file in files.files(f"{self.cube}/refs")]
        names = [name for name in names if name.endswith("/ref.json") and f"{name}.deleted" not in names]
        found = {}
        for name, data in zip(names, files.read_all(names), strict=True):
            self.tally.count(data)
            snapshot, problem = self._target(data)
            if problem:
                self._tell("reference", name.removeprefix(f"{self.cube}/"), "", problem)
            else:
                found[name.split("/refs/", 1)[1].split("/")[0]] = snapshot
        if f"{self.cube}/{BRANCH_FILE}" not in names:
            self._tell("reference", BRANCH_FILE, "", "it is missing")
        self._verify_tags(found)
        return found

    def _verify_tags(self, found: Mapping[str, str]) -> None:
        """Each tag of the root names the snapshot that its pin in the cube names."""
        with contextlib.suppress(DamagedError):
            for name, (tag, pin) in decoded(RootFiles(self.location).read(TAGS), self.location.url).items():
                snapshot = tag.snapshots.get(self.cube, "")
                if snapshot and found.get(f"tag.{pin}") != snapshot:
                    problem = f"the tag {name!r} names the snapshot {snapshot}, which nothing keeps"
                    self._tell("reference", f"refs/tag.{pin}/ref.json", "", problem)

    def _target(self, data: bytes | None) -> tuple[str, str]:
        try:
            snapshot = str(json.loads(data or b"")["snapshot"])
        except (ValueError, KeyError, TypeError):
            return "", "it cannot be read"
        there = RootFiles(self.location).read_all(
            [f"{self.cube}/snapshots/{snapshot}", digest_file(self.cube, snapshot)]
        )
        return snapshot, "" if any(there) else f"it names the snapshot {snapshot}, which never was"

    def _repository(self) -> icechunk.Repository | None:
        try:
            return open_repository(self.location, self.cube)
        except NotFoundError:
            return None
        except DamagedError as error:
            if not any(finding.cube == self.cube for finding in self.tally.findings):
                self._tell("reference", "config.yaml", "", error.message)
            return None

    # -- snapshots

    def _wanted(self, tips: dict[str, str], repo: icechunk.Repository | None) -> list[str]:
        if self.options.at is not None:
            if repo is None or not is_unknown(self.location, self.cube, self.options.at):
                return [self.options.at]
            return [snapshot_at(self.location, self.cube, self.options.at).id]
        main = tips.pop("branch.main", None) or tips.pop("main", None) or newest_kept(self.location, self.cube)
        others = tips.values() if self.options.all_snapshots else ()
        return list(dict.fromkeys([*([main] if main else []), *others]))

    def _snapshots(self, wanted: Sequence[str], repo: icechunk.Repository | None) -> Iterator[tuple[str, str | None]]:
        """Snapshots to verify, each with the one after it where that was verified before it."""
        waiting = [(tip, tip) for tip in wanted]
        for begin, tip in waiting:
            snapshot: str | None = begin
            newer = None
            while snapshot and (self.cube, snapshot) not in self.tally.snapshots:
                self.tips.setdefault(snapshot, tip)
                yield snapshot, newer
                if not self.options.all_snapshots:
                    break
                waiting += [(left, tip) for left in self._left_behind(snapshot, repo)]
                snapshot, newer = self._parent(snapshot, repo), snapshot

    def _left_behind(self, snapshot: str, repo: icechunk.Repository | None) -> list[str]:
        """What a rollback left behind, as long as it is not purged."""
        try:
            undone = str(own_metadata(repo.lookup_snapshot(snapshot)).get("undone") or "") if repo else ""
        except Exception:  # noqa: BLE001 - damage of any kind, told when the snapshot itself is verified
            return []
        return [undone] if undone and not is_unknown(self.location, self.cube, undone) else []

    def _parent(self, snapshot: str, repo: icechunk.Repository | None) -> str | None:
        digests = self._digests(snapshot)
        # Purge gives the oldest that it keeps another parent, and takes the digests of the old one away.
        if digests is not None and (not digests.parent or self._digests(digests.parent) is not None):
            return digests.parent or None
        try:
            return repo.lookup_snapshot(snapshot).parent_id if repo else None
        except Exception:  # noqa: BLE001 - damage of any kind, told when the snapshot itself is verified
            return None

    def _digests(self, snapshot: str) -> SnapshotDigests | None:
        with contextlib.suppress(ValueError):
            return read_digests(self.location, self.cube, snapshot)
        return None

    def _verify_snapshot(self, repo: icechunk.Repository | None, snapshot: str, newer: str | None) -> None:
        bad = self._verify_metadata(snapshot)
        if repo is None or f"snapshots/{snapshot}" in bad:
            self._tell_all(bad, snapshot, None, [])
            return
        damaged = frozenset(name.removeprefix("manifests/") for name in bad if name.startswith("manifests/"))
        try:
            opened = Snapshot(self.location.cube_url(self.cube), repo, snapshot)
            arrays = arrays_of(opened, repo)
        except Exception as error:  # noqa: BLE001 - no digest said so, yet it cannot be read
            bad[f"snapshots/{snapshot}"] = f"it cannot be read: {first_line(error)}"
            self._tell_all(bad, snapshot, None, [])
            return
        unlisted = frozenset(one.path for one in arrays if any(found.id in damaged for found in one.manifests))
        affected = Affected(opened, self.cube, unlisted)
        self._tell_all(bad, snapshot, affected, arrays)
        if not damaged:
            self.read.add(snapshot)
        only = None if newer is None else changed_chunks(repo, snapshot, newer)
        for array in arrays:
            self._verify_array(opened, array, damaged, affected, only)
            self._tell_progress()

    def _verify_metadata(self, snapshot: str) -> dict[str, str]:
        """What is wrong with the snapshot, its log and its manifests, by name."""
        if self.location.is_memory:
            return {}
        try:
            digests = read_digests(self.location, self.cube, snapshot)
        except ValueError as error:
            self._tell("digest", digest_file(self.cube, snapshot), snapshot, str(error))
            digests = None
        if digests is None:
            self.tally.undigested.append(snapshot)
            return {}
        wanted: dict[str, Digest | None] = {
            f"snapshots/{snapshot}": digests.own,
            f"transactions/{snapshot}": digests.transaction,
            **{f"manifests/{name}": digest for name, digest in digests.manifests.items()},
        }
        return self._compare({name: digest for name, digest in wanted.items() if digest is not None})

    def _compare(self, wanted: dict[str, Digest]) -> dict[str, str]:
        files = RootFiles(self.location)
        new = [name for name in wanted if name not in self.known]
        for start in range(0, len(new), _AT_ONCE):
            part = new[start : start + _AT_ONCE]
            for name, data in zip(part, files.read_all([f"{self.cube}/{one}" for one in part]), strict=True):
                self.tally.count(data)
                self.known[name] = wanted[name].problem(data)
        return {name: self.known[name] for name in wanted if self.known[name]}

    def _tell_all(self, bad: dict[str, str], snapshot: str, affected: Affected | None, arrays: Sequence[Array]) -> None:
        for name, problem in bad.items():
            if name in self.told:
                continue
            self.told.add(name)
            kind: Kind = name.split("/", 1)[0].removesuffix("s")  # type: ignore[assignment]  # its folder says it
            requests = self._affected_by(name, affected, arrays)
            self._tell(kind, name, snapshot, problem, requests)

    def _affected_by(self, name: str, affected: Affected | None, arrays: Sequence[Array]) -> tuple[str, ...]:
        if name.startswith("transactions/"):
            return ()
        if affected is None:
            return (",".join(f"{key}={value}" for key, value in _keys_of_cube(self.cube).items()),)
        identifier = name.removeprefix("manifests/")
        found: dict[str, None] = {}
        for array in arrays:
            for manifest in array.manifests:
                if manifest.id == identifier:
                    is_field = array.kind == "chunk" and manifest.size <= _MOST_NAMED
                    rows = box_of(manifest).tolist() if is_field else []
                    named = affected.fields(array.path, rows) if is_field else affected.all_of(array.path)
                    found |= dict.fromkeys(named)
        return tuple(found)

    # -- chunks

    def _verify_array(
        self,
        opened: Snapshot,
        array: Array,
        damaged: frozenset[str],
        affected: Affected,
        only: dict[str, np.ndarray] | None,
    ) -> None:
        try:
            with opened.told_damage():
                rows = self._rows(opened, array, damaged, affected, only)
        except DamagedError as error:
            named = _MANIFEST.search(str(error.__cause__))
            name = f"manifests/{named[1] if named else f'of {array.path}'}"
            if name not in self.told:
                self.told.add(name)
                self._tell("manifest", name, opened.id, error.message, affected.all_of(array.path))
            return
        found = []
        count = self._count
        for bad in bad_chunks(opened, array, rows, self.pool, quick=self.options.quick, count=count):
            found.append(bad)
            self.bad_keys.append(array.key(bad.row))
        # Where a damaged log hides what two snapshots share, a chunk that is damaged in both is taken for one.
        found = [bad for bad in found if only is not None or (array.key(bad.row), bad.problem) not in self.told]
        self.told.update((array.key(bad.row), bad.problem) for bad in found)
        for bad in found[:_MOST_OF_AN_ARRAY]:
            requests = _affected_by_chunk(affected, array, bad.row)
            self._tell(array.kind, array.key(bad.row), opened.id, bad.problem, requests, bad.remedy)
        rest = found[_MOST_OF_AN_ARRAY:]
        if rest:
            requests = affected.fields(array.path, [bad.row for bad in rest])
            self._tell(array.kind, f"{array.path}/c", opened.id, f"{len(rest):,} more chunks are damaged", requests)

    def _rows(
        self,
        opened: Snapshot,
        array: Array,
        damaged: frozenset[str],
        affected: Affected,
        only: dict[str, np.ndarray] | None,
    ) -> np.ndarray:
        everything = rows_of(opened, array, damaged)
        if only is not None:
            changed = only.get(array.path)
            return everything[:0] if changed is None else rows_in_both(everything, changed)
        group = array.path.rsplit("/", 1)[0]
        if not self.options.request:
            return everything
        if not group_may_match(opened, group, self.options.request):
            return everything[:0]
        wanted = affected.rows(array.path, self.options.request) if array.kind == "chunk" else None
        return everything if wanted is None else wanted

    def _count(self, objects: int, size: int) -> None:
        self.tally.objects += objects
        self.tally.size_bytes += size

    # -- telling

    def _tell(
        self, kind: Kind, name: str, snapshot: str, problem: str, requests: tuple[str, ...] = (), remedy: str = ""
    ) -> None:
        top = self.location.url if kind == "digest" else self.location.cube_url(self.cube)
        self.tally.findings.append(Finding(kind, f"{top}/{name}", self.cube, snapshot, problem, requests, remedy))

    def _tell_progress(self) -> None:
        if self.options.on_progress is not None:
            tally = self.tally
            now = VerifyProgress(self.cube, tally.objects, tally.size_bytes, len(tally.findings))
            self.options.on_progress(now)


def _affected_by_chunk(affected: Affected, array: Array, row: tuple[int, ...]) -> tuple[str, ...]:
    if array.kind == "series":
        return affected.runs(array.path, row)
    return affected.fields(array.path, [row]) if array.kind == "chunk" else affected.all_of(array.path)


def _keys_of_cube(cube: str) -> dict[str, str]:
    from dtedask.store.schema import CUBE_KEYS

    base, *qualifiers = cube.split(",")
    keys = dict(zip(CUBE_KEYS, base.split("/"), strict=True))
    return keys | dict(part.split("=", 1) for part in qualifiers)
