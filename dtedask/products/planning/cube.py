"""Fields of cubes, and what stands for their content: the commit that wrote them last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import ControlledError, NotFoundError
from dtedask.pipeline.sources.cubes import location_of, unread_records
from dtedask.pipeline.sources.order import in_one_order
from dtedask.products.planning.available import Available
from dtedask.products.planning.content import Contents
from dtedask.products.planning.read import Read
from dtedask.products.planning.supply import Supply
from dtedask.products.requirement import Cycle
from dtedask.request import Request
from dtedask.store.selection import Record

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.store import Store
    from dtedask.store.selection import Selection

__all__ = ["CubeFields"]

_REFERENCE = "forecast_reference_time"


class CubeFields(Supply):
    """Fields of a root, as it is when they are asked for and as commits that are added change it.

    Parameters
    ----------
    store : Store
        The root, or several as one.
    request : Request
        Which of its fields.
    """

    def __init__(self, store: Store, request: Request) -> None:
        self._store = store
        self._request = request
        self._contents = Contents()
        self._is_locked = False
        self._of: dict[Cycle, dict[str, list[Selection]]] = {}

    @classmethod
    def open(cls, root: str, request: Any = "") -> CubeFields:
        """Look at a root, which need not hold anything yet."""
        import dtedask

        return cls(dtedask.open(root), Request.parse(request or {}))

    def cycles(self) -> Iterable[Cycle]:
        """See `Supply`."""
        found: set[Cycle] = set()
        for selection in self._select(self._request):
            found.update(_cycles_of(selection))
        return found

    def params(self, cycle: Cycle) -> Iterable[str]:
        """See `Supply`."""
        return self._at(cycle)

    def fields(self, cycle: Cycle, param: str) -> Iterator[Available]:
        """See `Supply`."""
        for selection in self._at(cycle).get(param, ()):
            for record in selection.records():
                yield Available(record.keys, record.grid, partial(self._read, record))

    def add(self, commit: Commit) -> bool:
        """See `Supply`."""
        if commit.root.rstrip("/") not in {root.rstrip("/") for root in self._store.roots}:
            return False
        self._store.refresh()
        self._of.clear()
        return True

    def _at(self, cycle: Cycle) -> dict[str, list[Selection]]:
        if cycle not in self._of:
            found: dict[str, list[Selection]] = {}
            for selection in self._select(self._request_at(cycle)):
                found.setdefault(selection.constants.get("param", ""), []).append(selection)
            self._of[cycle] = found
        return self._of[cycle]

    def _select(self, request: Request) -> Iterable[Selection]:
        try:
            return self._store.select(request, verb="retrieve")
        except ControlledError:  # only products of what is locked cannot be made: they are told when they are planned
            self._is_locked = True
            return self._store.select(request)
        except NotFoundError:  # nothing has been archived yet
            return ()

    def _request_at(self, cycle: Cycle) -> Request:
        own = {key: list(values) for key, values in self._request.items()}
        return Request({**own, **cycle.keys}, language=self._request.language)

    def _read(self, record: Record) -> Read:
        if self._is_locked:
            self._store.select(Request(dict(record.keys), language=self._request.language), verb="retrieve")
        (unread,) = unread_records(iter([record]))
        described = in_one_order(unread.description)
        content = self._contents.of(record, location_of(record))
        source = f"{record.selection.snapshot.cube}@{content.rpartition(' ')[2]}"
        return Read(content, described, unread.read, unread.coordinates, unread.origin, source, record.size_bytes)


def _cycles_of(selection: Selection) -> Iterator[Cycle]:
    """Cycles of the fields of a variable."""
    dims = selection.variable.dims
    if _REFERENCE in dims and "date" not in dims and selection.variable.attributes.get("time_text") != "none":
        labels = selection.group.axes[_REFERENCE].labels
        used = labels[selection.used[dims.index(_REFERENCE)]]
        yield from (Cycle.at(int(second)) for second in np.unique(used).tolist())
        return
    for keys in {(one.keys.get("date", ""), one.keys.get("time", "0000")) for one in selection.records()}:
        try:
            yield Cycle.of({"date": keys[0], "time": keys[1]})
        except ValueError:  # a climatology is of no cycle
            continue
