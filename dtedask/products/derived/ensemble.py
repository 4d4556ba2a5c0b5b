"""Derived parameters over the members of an ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.core.errors import ProductError
from dtedask.products.derived.folding import statistic_node
from dtedask.products.derived.parameter import Axes, Derived, Keys
from dtedask.products.derived.statistics import LIMITS, Statistic

if TYPE_CHECKING:
    from dtedask.products.node import Node, Nodes

__all__ = ["OfMembers"]

# Streams whose members are no perturbed forecasts: ensembles of analyses, and seasonal forecasts.
_OF_ANALYSES = frozenset({"enda", "elda", "ewda", "ewla"})
_OF_SEASONS = frozenset({"mmsf", "wasf"})
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
        return {**kept, "type": _type_of_members(keys), "param": self.param or keys["param"]}

    def inputs(self, keys: Keys, axes: Axes) -> tuple[Keys, ...]:
        """See `Derived`."""
        like = self.like(keys)
        numbers = sorted(set(axes.get("number", ())), key=int)
        if not numbers:
            raise ProductError(
                f"No members of param={like['param']} are known for type={self.statistic.kind}.",
                hint="Name them by number=0/to/50, where 0 is the control forecast.",
            )
        return tuple({**like, "number": number} for number in numbers)

    def make(self, nodes: Nodes, keys: Keys, inputs: Sequence[Node]) -> Node:  # noqa: ARG002 - they are told by members
        """See `Derived`."""
        return statistic_node(nodes, self.statistic, inputs)


def _type_of_members(keys: Keys) -> str:
    stream = keys.get("stream", "")
    if stream in _OF_ANALYSES:
        return "an" if keys.get("step", "0") == "0" else "fc"
    return "fc" if stream in _OF_SEASONS else "pf"
