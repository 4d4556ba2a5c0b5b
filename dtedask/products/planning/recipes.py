"""How fields that do not exist are made of others: what planning asks of derived parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dtedask.products.node import Node, Nodes
    from dtedask.products.planning.cycle_fields import CycleFields

__all__ = ["FindRecipes", "Recipe", "axes_for", "no_recipes"]

Keys = Mapping[str, str]


class Recipe(Protocol):
    """One way to make a parameter of others."""

    def like(self, keys: Keys) -> Keys:
        """Keys of the fields whose members, steps and levels `inputs` wants to know."""
        ...

    def inputs(self, keys: Keys, axes: Mapping[str, Sequence[str]]) -> tuple[Keys, ...]:
        """Keys of the fields that it is made of."""
        ...

    def make(self, nodes: Nodes, keys: Keys, inputs: Sequence[Node]) -> Node:
        """Make it."""
        ...


FindRecipes = Callable[[Keys], Sequence[Recipe]]
"""Ways to make a field of some keys; none where there is none."""


def no_recipes(keys: Keys) -> Sequence[Recipe]:  # noqa: ARG001 - whatever they are
    """Nothing is made of others."""
    return ()


def axes_for(recipe: Recipe, keys: Keys, known: CycleFields) -> dict[str, list[str]]:
    """Members, steps and levels of the fields that a recipe takes."""
    return known.axes(recipe.like(keys))
