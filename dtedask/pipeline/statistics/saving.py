"""The state of statistics as a checkpoint keeps it, and back, to the last bit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dtedask.pipeline.action import Saved
from dtedask.pipeline.operations import OperationState
from dtedask.pipeline.statistics.series import Pane, Part, Series
from dtedask.pipeline.statistics.templates import Templates
from dtedask.pipeline.windows import Window

if TYPE_CHECKING:
    import numpy as np

_TIMES = ("reference", "origin", "first", "last", "first_distance", "distance")


def save_series(all_series: Iterable[Series]) -> Saved:
    """Return what a checkpoint keeps: times and keys as JSON, numbers as arrays.

    Parameters
    ----------
    all_series : iterable of Series
        They stay as they are, and so does what is returned when they go on.
    """
    writer = _Writer()
    document = [writer.series(series) for series in all_series]
    return Saved({"series": document, "templates": writer.templates.document()}, writer.arrays)


def load_series(saved: Saved) -> list[Series]:
    """Return the series that were saved."""
    if not saved.document:
        return []
    reader = _Reader(saved.arrays, Templates.load(saved.document["templates"], saved.arrays))
    return [reader.series(document) for document in saved.document["series"]]


@dataclass(slots=True)
class _Writer:
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    templates: Templates = field(default_factory=Templates)

    def series(self, series: Series) -> dict[str, Any]:
        times = {name: getattr(series, name) for name in _TIMES}
        panes = [self.pane(pane) for pane in (*series.earlier, series.pane)]
        return {"message": self.templates.add(series.message, self.arrays), "panes": panes, **times}

    def pane(self, pane: Pane) -> dict[str, Any]:
        return {
            "window": [pane.window.start, pane.window.end],
            "opening": self.array(pane.opening),
            "fields": pane.fields,
            "first": pane.first,
            "parts": {str(hour): self.part(part) for hour, part in pane.parts.items()},
        }

    def part(self, part: Part) -> dict[str, Any]:
        states = {"merged": self.state(part.merged), "segment": self.state(part.segment, copied=True)}
        return {**states, "fields": part.fields, "first": part.first, "last": part.last}

    def state(self, state: OperationState | None, *, copied: bool = False) -> dict[str, Any] | None:
        """Only the state of a segment under way changes in place, and must not with what was saved."""
        if state is None:
            return None
        document, arrays = state.save()
        names = {name: self.array(array.copy() if copied else array) for name, array in arrays.items()}
        return {"document": document, "arrays": names}

    def array(self, array: np.ndarray | None) -> str | None:
        if array is None:
            return None
        name = f"array-{len(self.arrays)}"
        self.arrays[name] = array
        return name


@dataclass(slots=True)
class _Reader:
    arrays: dict[str, np.ndarray]
    templates: Templates

    def series(self, document: dict[str, Any]) -> Series:
        *earlier, pane = [self.pane(pane) for pane in document["panes"]]
        times = {name: document[name] for name in _TIMES}
        return Series(message=self.templates.message(document["message"]), pane=pane, earlier=earlier, **times)

    def pane(self, document: dict[str, Any]) -> Pane:
        opening = document["opening"]
        parts = {int(hour): self.part(part) for hour, part in document["parts"].items()}
        opened = None if opening is None else self.arrays[opening]
        return Pane(Window(*document["window"]), opened, parts, document["fields"], document["first"])

    def part(self, document: dict[str, Any]) -> Part:
        merged, segment = self.state(document["merged"]), self.state(document["segment"])
        return Part(merged, segment, document["fields"], document["first"], document["last"])

    def state(self, document: dict[str, Any] | None) -> OperationState | None:
        if document is None:
            return None
        arrays = {name: self.arrays[place] for name, place in document["arrays"].items()}
        return OperationState.load(document["document"], arrays)
