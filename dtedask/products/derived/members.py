"""Statistics over the members of an ensemble, as operations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import ProductError
from dtedask.pipeline.operations import OperationSet, OperationState
from dtedask.pipeline.statistics.facts import WindowFacts
from dtedask.pipeline.statistics.series import SEGMENT
from dtedask.products.derived.naming import param_words
from dtedask.products.derived.quantile import quantile_of
from dtedask.products.derived.statistics import Statistic
from dtedask.products.operation import Operation

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription

__all__ = ["MembersOperation", "check_alike", "operations_of"]

_BLOCK = 8_192  # points whose states stay in the cache of a core


@dataclass(frozen=True, slots=True)
class MembersOperation(Operation):
    """One statistic of all members, in the order of the inputs.

    Members are folded block by block of points, so that beside them there is only the result. The bits are those of the
    pipeline's action ``ensemble``; a quantile is exact for any number of members. A point that one member lacks is
    missing.

    Parameters
    ----------
    statistic : Statistic
        What is made.
    units : str
        Units of the members, in which limits are compared; "" where they have none.
    """

    name: ClassVar[str] = "members"
    statistic: Statistic
    units: str = ""

    @property
    def identity(self) -> str:
        """See `Operation`."""
        return f"{self.statistic.text}|{self.units}"

    def describe(self, *fields: FieldDescription) -> FieldDescription:
        """See `Operation`."""
        check_alike(fields)
        return self.statistic.describe(fields[0], len(fields))

    def __call__(self, *values: NDArray[np.floating]) -> NDArray[np.floating]:
        """See `Operation`."""
        made = np.empty(values[0].shape, np.result_type(*values))
        flat, result = [np.ascontiguousarray(one).reshape(-1) for one in values], made.reshape(-1)
        for start in range(0, result.size, _BLOCK):
            block = slice(start, start + _BLOCK)
            result[block] = self._of([one[block] for one in flat])
        return made

    def _of(self, members: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
        if self.statistic.kind == "pb":
            return quantile_of(members, self.statistic.fraction)
        operations = operations_of(self.statistic, self.units)
        state = _folded(operations, [self.statistic.compared(one) for one in members])
        return self.statistic.finished(operations, state, WindowFacts(0, 0, 0, 0, len(members)), self.units)

    def flops(self, *fields: FieldDescription) -> float:
        """See `Operation`."""
        return self.statistic.flops(len(fields)) * len(fields) * fields[0].grid.size


def check_alike(fields: Sequence[FieldDescription]) -> None:
    """Refuse members that are not of one field.

    Raises
    ------
    ProductError
        If one has another parameter, other units or another grid than the first; names both.
    """
    for other in fields[1:]:
        if _kind(other) != _kind(fields[0]):
            raise ProductError(
                f"Members of one ensemble differ: {param_words(fields[0])} in {fields[0].units} on "
                f"{fields[0].grid.label} and {param_words(other)} in {other.units} on {other.grid.label}.",
                hint="Name the members that go together by number.",
            )


def _kind(field: FieldDescription) -> tuple[str, str, str]:
    return field.grid.uid, field.keys["param"], field.units


@lru_cache(256)
def operations_of(statistic: Statistic, units: str) -> OperationSet:
    """What a statistic takes members with; one object for all calls."""
    return OperationSet([options for options, _ in statistic.parts(units)])


def _folded(operations: OperationSet, members: Sequence[NDArray[np.floating]]) -> OperationState:
    """Fold members in order; as in the pipeline, segments are folded one by one and then merged."""
    whole: OperationState | None = None
    for segment in _segments(members):
        state = operations.update_all(operations.begin(segment[0]), segment[1:])
        whole = state if whole is None else operations.merge(whole, state)
    assert whole is not None
    return whole


def _segments(members: Sequence[NDArray[np.floating]]) -> Iterator[Sequence[NDArray[np.floating]]]:
    for start in range(0, len(members), SEGMENT):
        yield members[start : start + SEGMENT]
