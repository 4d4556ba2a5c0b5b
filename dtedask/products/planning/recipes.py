"""How fields that do not exist are made of others: what planning asks of derived parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dtedask.products.node import Node, Nodes

__all__ = ["Recipe"]

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
