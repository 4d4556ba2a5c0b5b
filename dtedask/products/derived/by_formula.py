"""Derived parameters that are a formula over fields of the same time and member."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.core.errors import ProductError
from dtedask.products.derived.formula import apply_formula, fields_of
from dtedask.products.derived.names import meant
from dtedask.products.derived.parameter import Axes, Derived, Keys
from dtedask.products.derived.tree import Name, written
from dtedask.products.requirement import Formula

if TYPE_CHECKING:
    from dtedask.products.node import Node, Nodes

__all__ = ["ByFormula"]

_PLACE = re.compile(r"\{(\w+)\}")
_AXES = ("step", "levelist", "number")


@dataclass(frozen=True, slots=True)
class ByFormula(Derived):
    """A parameter that a formula makes.

    Parameters
    ----------
    param : str
        ParamId of the result.
    formula : str
        Over short names; ``{levelist}`` and other keys in braces stand for values of the field that is wanted.
    """

    param: str
    formula: str

    def like(self, keys: Keys) -> Keys:
        """See `Derived`."""
        return {**keys, "param": self.inputs(keys, {})[0]["param"]}

    def inputs(self, keys: Keys, axes: Axes) -> tuple[Keys, ...]:  # noqa: ARG002 - all are of the same time and member
        """See `Derived`."""
        return tuple(meant(one, keys) for one in self._names(keys))

    def make(self, nodes: Nodes, keys: Keys, inputs: Sequence[Node]) -> Node:
        """See `Derived`."""
        by_name = {written(one): node for one, node in zip(self._names(keys), inputs, strict=True)}
        return apply_formula(nodes, Formula(self._text(keys), param=self.param), inputs[0], by_name.__getitem__)

    def _names(self, keys: Keys) -> list[Name]:
        return [one for one in fields_of(self._text(keys)) if isinstance(one, Name)]

    def _text(self, keys: Keys) -> str:
        try:
            return _PLACE.sub(lambda place: keys[place[1]], self.formula)
        except KeyError as error:
            raise ProductError(
                f"Parameter {self.param} is derived as '{self.formula}', but the field that is wanted has no {error}.",
                hint="Say it in the request.",
            ) from error
