"""The fields of cubes that a request takes, in the order of their valid times."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.pipeline.message import valid_time_of
from dtedask.pipeline.sources.source import AtRest, Moment, Unread, by_moment
from dtedask.store.arrays import grib_attributes
from dtedask.store.described import described
from dtedask.store.location import Location
from dtedask.store.selection import Record

if TYPE_CHECKING:
    from dtedask.store import Store
    from dtedask.store.described import Described
    from dtedask.store.root_handle import RequestLike
    from dtedask.store.selection import Selection
    from dtedask.store.write import StoredField

__all__ = ["CubeSource", "unread_records"]

_TIMES = ("forecast_reference_time", "step")


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads a field of a snapshot."""

    source: StoredField

    def __call__(self) -> np.ndarray:
        """Its values."""
        return np.asarray(self.source.read(), dtype=np.float64)


class CubeSource(AtRest):
    """Fields of a root, as they are when the source is made: later commits change nothing.

    Only the places of the fields are held, a few numbers each; their keys are made step by step.

    Parameters
    ----------
    store : Store
        The root, or several as one.
    request : Request, str or mapping, optional
        Which fields.
    name : str
        What to call the root in positions.

    Raises
    ------
    NoMatchError
        If nothing matches.
    MissingFieldsError
        If a value that the request names does not exist.
    """

    def __init__(self, store: Store, request: RequestLike = None, *, name: str = "") -> None:
        super().__init__()
        self._request = request
        self._name = name
        self._selections = store.selections(request)
        self._times = [_valid_times(selection) for selection in self._selections]

    @property
    def identity(self) -> dict[str, Any]:
        """See `Source`: the root and the request. What is added to the root later follows what was there."""
        return {"kind": "cube", "root": self._name, "request": str(self._request or "")}

    @property
    def total(self) -> int | None:
        """See `Source`."""
        return sum(len(selection.slots) for selection in self._selections)

    def steps(self, after: Moment | None = None) -> Iterator[tuple[Moment, Sequence[Unread]]]:
        """See `AtRest`."""
        known: set[int] = set()
        for times in self._times:
            known.update(np.unique(times).tolist())
        for time in sorted(known):
            if after is None or time >= after[0]:
                for moment, fields in by_moment(unread_records(self._records_at(time))):
                    if after is None or moment >= after:
                        yield moment, fields

    def _records_at(self, time: int) -> Iterator[Record]:
        for selection, times in zip(self._selections, self._times, strict=True):
            for slots in map(tuple, selection.slots[times == time].tolist()):
                yield Record(selection, slots)


def _valid_times(selection: Selection) -> np.ndarray:
    """Valid time of each field of a selection, seconds since 1970."""
    dims, slots = selection.variable.dims, selection.slots
    if "forecast_reference_time" not in dims or "step" in selection.constants or "hdate" in dims or "date" in dims:
        keys = (selection.keys_of(row) for row in map(tuple, slots.tolist()))
        return np.array([valid_time_of(one) for one in keys], dtype=np.int64)
    found = np.zeros(len(slots), dtype=np.int64)
    for name in _TIMES:
        if name in dims:
            found += selection.group.axes[name].labels[slots[:, dims.index(name)]].astype(np.int64)
    return found


def unread_records(records: Iterator[Record]) -> Iterator[Unread]:
    """Records of a store as fields that are not read yet."""
    for record in records:
        (one,) = described([record], location_of(record))
        yield _unread(one, record.selection.variable.attributes)


def location_of(record: Record) -> Location:
    """The root that a record is in."""
    snapshot = record.selection.snapshot
    return Location.parse(snapshot.url.removesuffix(snapshot.cube).rstrip("/"))


def _unread(one: Described, attributes: Mapping[str, Any]) -> Unread:
    source = one.source
    description = replace(one.description, attributes=grib_attributes(attributes))
    text = f"{source.location.url} {source.cube} {source.snapshot} {source.key}"
    return Unread(
        description=description,
        read=Reading(source),
        coordinates=one.coordinates,
        origin=f"{source.location.cube_url(source.cube)} {source.key}",
        token=hashlib.sha256(text.encode()).hexdigest()[:32],
    )
