"""A rolling archive: fields that are older than so long behind the newest are wiped, and their room is given back."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import ControlledError, NoMatchError, NotFoundError

if TYPE_CHECKING:
    from dtedask.recipe.document import Keep
    from dtedask.store import Store

logger = logging.getLogger(__name__)
_TIME = "forecast_reference_time"
_DAYS = ("date", "hdate")
Wanted = Mapping[str, Any]
_Times = dict[tuple[tuple[str, str], ...], bool]


@dataclass(frozen=True, slots=True)
class Rolled:
    """What a rolling archive let go.

    Parameters
    ----------
    fields : int
        Fields that were wiped.
    freed_bytes : int
        Bytes that the purge gave back.
    refused : tuple of str
        Requests whose fields are old and locked: they stay, and the locks are named in the log.
    """

    fields: int = 0
    freed_bytes: int = 0
    refused: tuple[str, ...] = ()

    def __add__(self, other: Rolled) -> Rolled:
        return Rolled(
            self.fields + other.fields,
            self.freed_bytes + other.freed_bytes,
            tuple(dict.fromkeys((*self.refused, *other.refused))),
        )

    def __str__(self) -> str:
        locked = f"; {len(self.refused)} old runs are locked and stay" if self.refused else ""
        return f"{self.fields:,} old fields wiped, {self.freed_bytes:,} bytes freed{locked}"


def roll(store: Store, keep: Keep, cubes: Iterable[str]) -> Rolled:
    """Wipe what is too old in some cubes, and purge them where something was wiped.

    How old a field is goes by its reference time, counted back from the newest of its cube: an archive that gets
    nothing new loses nothing. Fields without a reference time stay.

    Parameters
    ----------
    store : Store
        The root.
    keep : Keep
        What stays.
    cubes : iterable of str
        Names of the cubes.
    """
    total, rolled = Rolled(), []
    for cube in dict.fromkeys(cubes):
        found = Rolled()
        for request in _old_requests(store, keep, cube):
            found += _wipe(store, request)
        rolled += [cube] if found.fields else []
        total += found
    if rolled:
        total += Rolled(freed_bytes=store.purge(keep=keep.past, cubes=rolled).size_bytes)
    return total


def _old_requests(store: Store, keep: Keep, cube: str) -> Iterator[Wanted]:
    """Exact requests of the runs that are too old: whole days together, days that are cut one by one."""
    keys, times = _times(store, keep, cube)
    days: dict[tuple[tuple[str, str], ...], list[tuple[str, bool]]] = {}
    for time, is_old in times.items():
        day = tuple(pair for pair in time if pair[0] != "time")
        days.setdefault(day, []).append((dict(time).get("time", ""), is_old))
    whole: dict[tuple[str, ...], list[str]] = {}
    for day, found in days.items():
        names = tuple(name for name, _ in day)
        if all(is_old for _, is_old in found):
            if len(names) == 1:
                whole.setdefault(names, []).append(day[0][1])
            else:
                yield _request(keys, keep, dict(day))
        elif old := [time for time, is_old in found if is_old]:
            yield _request(keys, keep, {**dict(day), "time": old})
    for (name,), values in whole.items():
        yield _request(keys, keep, {name: values})


def _times(store: Store, keep: Keep, cube: str) -> tuple[Mapping[str, str], _Times]:
    """Keys of a cube, and the keys of each of its reference times with whether it is too old."""
    base, *qualifiers = cube.split(",")
    keys = dict(zip(("class", "stream", "expver"), base.split("/"), strict=True))
    keys |= dict(part.split("=", 1) for part in qualifiers)
    try:
        found = store.select(_request(keys, keep, {}))
    except NotFoundError:
        return keys, {}
    parts = [part for part in found if part.cube == cube and not part.snapshot.seen_as]
    dated = [(part, part.variable.dims.index(_TIME)) for part in parts if _TIME in part.variable.dims]
    labels = [part.group.axes[_TIME].labels[part.used[position]] for part, position in dated]
    if not labels:
        return keys, {}
    limit = max(int(one.max()) for one in labels) - keep.fields_s
    are_old: _Times = {}
    for (part, position), times in zip(dated, labels, strict=True):
        texts = part.dimensions[position]
        for slot, label in zip(part.used[position].tolist(), np.asarray(times).tolist(), strict=True):
            are_old[tuple((one.key, one.texts[slot]) for one in texts)] = label <= limit
    return keys, are_old


def _request(keys: Mapping[str, str], keep: Keep, times: Mapping[str, str | list[str]]) -> Wanted:
    return {**keep.request, **keys, **times}


def _wipe(store: Store, request: Wanted) -> Rolled:
    """Wipe the fields of a request; where some are locked, day by day all that are not."""
    try:
        return Rolled(store.wipe(request, doit=True).fields)
    except NoMatchError:
        return Rolled()
    except ControlledError as error:
        key, days = next(((key, days) for key in _DAYS if isinstance(days := request.get(key), list)), ("", []))
        if len(days) < 2:
            logger.warning("what is older than the archive keeps stays: %s", error)
            return Rolled(refused=(",".join(f"{name}={value}" for name, value in request.items()),))
    return sum((_wipe(store, {**request, key: [day]}) for day in days), Rolled())
