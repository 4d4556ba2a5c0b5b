"""Statistics of ensembles in little memory: a few members at a time are folded into a state and let go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dtedask.pipeline.operations import OperationSet, OperationState
from dtedask.pipeline.statistics.facts import WindowFacts
from dtedask.pipeline.statistics.series import SEGMENT
from dtedask.products.derived.members import MembersOperation, check_alike, operations_of
from dtedask.products.operation import Operation

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription
    from dtedask.products.derived.statistics import Statistic
    from dtedask.products.node import Node, Nodes

__all__ = ["FoldMembers", "FoldedMembers", "OfFolded", "statistic_node"]

_AT_ONCE = 8  # members that are held together; a segment of the fold is so many of them that they fit in


@dataclass(frozen=True, slots=True, eq=False)
class FoldedMembers:
    """What is kept of the members so far: never changed, but replaced.

    Parameters
    ----------
    merged : OperationState, optional
        Of the segments that are complete.
    segment : OperationState, optional
        Of the one that is not.
    dtype : numpy.dtype
        Of the members.
    """

    merged: OperationState | None
    segment: OperationState | None
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        states = [state for state in (self.merged, self.segment) if state is not None]
        return sum(array.nbytes for state in states for array in state.arrays.values())


@dataclass(frozen=True, slots=True)
class FoldMembers(Operation):
    """Take some more members into a state; its first input is the state before, unless they are the first.

    Parameters
    ----------
    statistic : Statistic
        What the state is for.
    units : str
        Units of the members.
    is_first : bool
        Whether there is no state yet.
    """

    name: ClassVar[str] = "fold"
    bytes_per_point: ClassVar[float] = 24.0
    statistic: Statistic
    units: str
    is_first: bool

    @property
    def identity(self) -> str:
        """See `Operation`."""
        return f"{self.statistic.text}|{self.units}|{self.is_first}"

    def describe(self, *fields: FieldDescription) -> FieldDescription:
        """See `Operation`; a state is described as the first member that is in it."""
        check_alike(fields)
        return fields[0]

    def __call__(self, *values: Any) -> FoldedMembers:
        """See `Operation`."""
        members: Sequence[NDArray[np.floating]] = values if self.is_first else values[1:]
        before = FoldedMembers(None, None, np.result_type(*members)) if self.is_first else values[0]
        operations = operations_of(self.statistic, self.units)
        merged, segment = before.merged, _copied(before.segment)
        for member in members:
            segment = _taken(operations, segment, self.statistic.compared(member))
            if segment.fields == SEGMENT:
                merged = segment if merged is None else operations.merge(merged, segment)
                segment = None
        return FoldedMembers(merged, segment, before.dtype)

    def flops(self, *fields: FieldDescription) -> float:
        """See `Operation`."""
        return self.statistic.flops(len(fields)) * len(fields) * fields[0].grid.size


@dataclass(frozen=True, slots=True)
class OfFolded(Operation):
    """The statistic, when all members are folded.

    Parameters
    ----------
    statistic : Statistic
        What is made.
    units : str
        Units of the members.
    members : int
        How many there are.
    """

    name: ClassVar[str] = "members"
    statistic: Statistic
    units: str
    members: int

    @property
    def identity(self) -> str:
        """See `Operation`."""
        return f"{self.statistic.text}|{self.units}|{self.members}"

    def describe(self, *fields: FieldDescription) -> FieldDescription:
        """See `Operation`."""
        return self.statistic.describe(fields[0], self.members)

    def __call__(self, *values: Any) -> NDArray[np.floating]:
        """See `Operation`."""
        (folded,) = values
        operations = operations_of(self.statistic, self.units)
        state = folded.segment
        if folded.merged is not None:
            state = folded.merged if state is None else operations.merge(folded.merged, state)
        made = self.statistic.finished(operations, state, WindowFacts(0, 0, 0, 0, self.members), self.units)
        return made.astype(folded.dtype)


def statistic_node(nodes: Nodes, statistic: Statistic, members: Sequence[Node]) -> Node:
    """Return the node of a statistic: many members are folded a few at a time, as far as it can be done so.

    The bits are those of all members at once.

    Raises
    ------
    ProductError
        If members differ in parameter, units or grid.
    """
    units = members[0].description.units
    if len(members) <= _AT_ONCE or statistic.kind == "pb":
        return nodes.make(MembersOperation(statistic, units), *members)
    state = nodes.make(FoldMembers(statistic, units, is_first=True), *members[:_AT_ONCE])
    for start in range(_AT_ONCE, len(members), _AT_ONCE):
        more = members[start : start + _AT_ONCE]
        state = nodes.make(FoldMembers(statistic, units, is_first=False), state, *more)
    return nodes.make(OfFolded(statistic, units, len(members)), state)


def _copied(state: OperationState | None) -> OperationState | None:
    """A state that may be changed in place: the one before may be needed again."""
    if state is None:
        return None
    return OperationState(state.fields, state.shape, {name: array.copy() for name, array in state.arrays.items()})


def _taken(operations: OperationSet, state: OperationState | None, member: NDArray[np.floating]) -> OperationState:
    return operations.begin(member) if state is None else operations.update(state, member)
