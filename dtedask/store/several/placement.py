"""Which root of a space a new run goes to, decided once for all processes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from dtedask.core.errors import DamagedError
from dtedask.store.location import Location
from dtedask.store.root_files import RootFiles
from dtedask.store.schema import CUBE_KEYS
from dtedask.store.schema.document import CUBE_QUALIFIERS
from dtedask.store.several.document import Policy
from dtedask.store.shared_file import change_file

FILE = ".dtedask/placement.json"
_FORMAT = 1
_RUN_KEYS = (*CUBE_KEYS, *CUBE_QUALIFIERS, "date", "time")
_KEPT_RUNS = 1000
_MEASURED_FOR = timedelta(minutes=10)
Run = Mapping[str, str]


def run_of(keys: Mapping[str, str]) -> dict[str, str]:
    """The run that a field is of: what FDB keeps in one database, the keys of its cube with date and time."""
    found = {key: keys[key] for key in _RUN_KEYS if key in keys}
    if len(found.get("date", "")) != 8:  # a climatology, which has no day
        found.pop("date", None)
        found.pop("time", None)
    return found


@dataclass
class _Space:
    """What is kept of one set of roots.

    Parameters
    ----------
    next : int
        Counts the runs that were placed in turn.
    runs : dict
        Root of each of the newest runs.
    used : dict
        Bytes of each root, and when they were counted.
    """

    next: int = 0
    runs: dict[str, str] = field(default_factory=dict)
    used: dict[str, tuple[int, str]] = field(default_factory=dict)


def place_run(run: Run, policy: Policy, roots: Sequence[Location], size_bytes: int) -> Location:
    """Choose the root of a new run; every process that asks gets the same answer.

    What was chosen is kept in the first of the roots, under its lock on local disk and by compare-and-set in an object
    store.

    Parameters
    ----------
    run : mapping
        Its keys.
    policy : {"first", "round-robin", "least-used"}
        How to choose.
    roots : sequence of Location
        Those that can be written, at least one.
    size_bytes : int
        About how much is to be written, for who counts bytes.
    """
    if policy == "first" or len(roots) == 1:
        return roots[0]
    name = ",".join(f"{key}={value}" for key, value in run.items())
    chosen: list[str] = []

    def edit(data: bytes | None) -> bytes | None:
        spaces = _decoded(data, roots[0])
        space = spaces.setdefault(" ".join(root.url for root in roots), _Space())
        known = space.runs.get(name)
        chosen[:] = [known or _CHOOSE[policy](space, roots)]
        if known:
            return None
        space.next += 1
        space.runs[name] = chosen[0]
        if chosen[0] in space.used:
            count, time = space.used[chosen[0]]
            space.used[chosen[0]] = (count + size_bytes, time)
        for old in list(space.runs)[:-_KEPT_RUNS]:
            del space.runs[old]
        return _encoded(spaces)

    change_file(roots[0], FILE, edit)
    return Location(chosen[0])


def _in_turn(space: _Space, roots: Sequence[Location]) -> str:
    return roots[space.next % len(roots)].url


def _least_used(space: _Space, roots: Sequence[Location]) -> str:
    """The root with the most free bytes where each has a disk of its own, else the one that holds the fewest."""
    free = _free_bytes(roots)
    if free is not None:
        return max(zip(free, range(0, -len(roots), -1), roots, strict=True))[2].url
    now = datetime.now(UTC)
    for root in roots:
        known = space.used.get(root.url)
        if known is None or now - datetime.fromisoformat(known[1]) > _MEASURED_FOR:
            space.used[root.url] = (_stored_bytes(root), now.isoformat())
    return min(roots, key=lambda root: space.used[root.url][0]).url


def _stored_bytes(root: Location) -> int:
    """Bytes of the cubes of a root."""
    return sum(size for name, size in RootFiles(root).sizes("").items() if not name.startswith("."))


def _free_bytes(roots: Sequence[Location]) -> list[int] | None:
    """Free bytes of the disk of each root; None where two share one, or one is no folder."""
    if not all(root.is_local for root in roots):
        return None
    devices = {os.stat(root.url).st_dev for root in roots}  # noqa: PTH116
    return [shutil.disk_usage(root.url).free for root in roots] if len(devices) == len(roots) else None


_CHOOSE: dict[Policy, Callable[[_Space, Sequence[Location]], str]] = {
    "round-robin": _in_turn,
    "least-used": _least_used,
}


def _encoded(spaces: Mapping[str, _Space]) -> bytes:
    found = {
        roots: {"next": one.next, "runs": one.runs, "used": {url: list(used) for url, used in one.used.items()}}
        for roots, one in spaces.items()
    }
    return json.dumps({"format": _FORMAT, "spaces": found}, indent=1).encode()


def _decoded(data: bytes | None, root: Location) -> dict[str, _Space]:
    if data is None:
        return {}
    try:
        found: dict[str, Any] = json.loads(data)["spaces"]
        return {
            roots: _Space(one["next"], dict(one["runs"]), {url: tuple(used) for url, used in one["used"].items()})
            for roots, one in found.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedError(
            f"What {root.url}/{FILE} says of runs and their roots cannot be read: {error}.",
            hint="Remove the file: runs that have fields stay where they are, new ones are placed anew.",
        ) from error
