"""Fields of one kind, one after the other in time: what is folded of them, and how far they have come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dtedask.pipeline.runs.undo import rebuilt

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message
    from dtedask.pipeline.operations import OperationSet
    from dtedask.pipeline.windows import Window

SEGMENT = 32  # consecutive fields that are folded one by one; segments are merged
ALL = -1  # the part of a window that takes fields of all hours


class Folding:
    """A set of operations and its methods: one object each for all calls, whose name in a graph is made once.

    Parameters
    ----------
    operations : OperationSet
        What is done with fields.
    """

    def __init__(self, operations: OperationSet) -> None:
        self.operations = operations
        self.merge = operations.merge
        self.finish = operations.finish
        self.carry = operations.carry


@dataclass(slots=True)
class Part:
    """What is folded of a window, or of an hour of the day in it.

    Parameters
    ----------
    merged : state of operations, optional
        Of the segments that are complete.
    segment : state of operations, optional
        Of the segment that is not.
    fields : int
        How many fields are in both.
    first, last : int
        Times of the first and the last of them, in seconds since 1970-01-01 00 UTC.
    """

    merged: Any = None
    segment: Any = None
    fields: int = 0
    first: int = 0
    last: int = 0

    def take(self, values: Any, time: int, folding: Folding, compute: Compute) -> None:
        """Fold one more field."""
        if self.fields == 0:
            self.first = time
        self.segment = compute.fold("statistics", folding.operations, self.segment, values)
        self.fields += 1
        self.last = time
        if self.fields % SEGMENT == 0:
            self.merged, self.segment = merged((self.merged, self.segment), folding, compute), None


def merged(states: Sequence[Any], folding: Folding, compute: Compute) -> Any:
    """Merge states, those that are None left out, from the first to the last; they stay as they are."""
    whole = None
    for state in states:
        if state is not None:
            whole = state if whole is None else compute.call("merge", folding.merge, whole, state)
    return whole


def joined(parts: Sequence[Part], folding: Folding, compute: Compute) -> Part:
    """Return one part of several that follow each other; they stay as they are."""
    states = [merged((part.merged, part.segment), folding, compute) for part in parts]
    fields = sum(part.fields for part in parts)
    return Part(merged(states, folding, compute), None, fields, parts[0].first, parts[-1].last)


@dataclass(slots=True)
class Pane:
    """What has gone into one window of the output frequency.

    Parameters
    ----------
    window : Window
        Its bounds.
    opening : array, optional
        Values at its start, where an operation needs them and they are not 0.
    parts : dict of int to Part
        What is folded, by hour of the day; `ALL` where hours are not told apart.
    fields : int
        How many fields came, those of hours that are not asked for included.
    first : int
        Time of the first of them.
    """

    window: Window
    opening: Any = None
    parts: dict[int, Part] = field(default_factory=dict)
    fields: int = 0
    first: int = 0


@dataclass(slots=True)
class Series:
    """How far the fields of one kind have come.

    Parameters
    ----------
    message : Message
        The first of them in a window, without its values.
    reference : int, optional
        Reference time of a forecast; None of fields that run along their dates.
    origin : int
        Where windows are counted from.
    pane : Pane
        The window that takes fields now.
    earlier : list of Pane
        Those before, as far as rolling windows reach.
    first, last : int, optional
        Times of the first field in a window, and of the last field.
    first_distance, distance : int, optional
        Time between the first two fields, and the last two.
    """

    message: Message
    reference: int | None
    origin: int
    pane: Pane
    earlier: list[Pane] = field(default_factory=list)
    first: int | None = None
    last: int | None = None
    first_distance: int | None = None
    distance: int | None = None

    def kept(self) -> Series:
        """Return a copy that stays as it is when a field is taken; arrays and what never changes are shared."""
        parts = {hour: replace(part, segment=rebuilt(part.segment)) for hour, part in self.pane.parts.items()}
        return replace(self, pane=replace(self.pane, parts=parts), earlier=list(self.earlier))

    def passes(self, time: int, distance: int | None) -> None:
        """Note the time of a field; `distance` is that of all fields where it is known."""
        if self.last is not None:
            self.distance = distance or time - self.last
            if self.first_distance is None:
                self.first_distance = self.distance
        self.last = time
