"""Derived parameters over the members of an ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.core.errors import ProductError
from dtedask.products.derived.members import MembersOperation
from dtedask.products.derived.parameter import Axes, Derived, Keys
from dtedask.products.derived.statistics import LIMITS, Statistic

if TYPE_CHECKING:
    from dtedask.products.node import Node, Nodes

__all__ = ["OfMembers"]

_OWN = frozenset({"number", "quantile", "stattype", *LIMITS})


@dataclass(frozen=True, slots=True)
class OfMembers(Derived):
    """A statistic of the members of an ensemble, the control among them.

    Parameters
    ----------
    statistic : Statistic
        Which.
    param : str
        ParamId of the members, "" for that of the result.
    """

    statistic: Statistic
    param: str = ""

    def like(self, keys: Keys) -> Keys:
        """See `Derived`."""
        kept = {key: value for key, value in keys.items() if key not in _OWN}
        return {**kept, "type": "pf", "param": self.param or keys["param"]}

    def inputs(self, keys: Keys, axes: Axes) -> tuple[Keys, ...]:
        """See `Derived`."""
        numbers = sorted(set(axes.get("number", ())), key=int)
        if not numbers:
            raise ProductError(
                f"There are no members of param={keys['param']} for type={self.statistic.kind}.",
                hint="Name them by number=0/to/50, where 0 is the control forecast.",
            )
        like = self.like(keys)
        return tuple({**like, "number": number} for number in numbers)

    def make(self, nodes: Nodes, keys: Keys, inputs: Sequence[Node]) -> Node:  # noqa: ARG002 - they are told by members
        """See `Derived`."""
        return nodes.make(MembersOperation(self.statistic, inputs[0].description.units), *inputs)
