"""What a derived parameter is: which fields it is made of, and how."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.products.node import Node, Nodes

__all__ = ["Axes", "Derived", "Keys"]

Keys = Mapping[str, str]
Axes = Mapping[str, Sequence[str]]


class Derived(ABC):
    """One way to make fields of one kind out of others. Frozen, and the same for all fields of the kind."""

    @abstractmethod
    def like(self, keys: Keys) -> Keys:
        """Say which fields `inputs` wants to know the steps, levels and members of.

        Parameters
        ----------
        keys : mapping of str to str
            MARS keys of a field that is wanted, canonical.

        Returns
        -------
        mapping of str to str
            Keys that all of them have; an axis that does not matter stands there with its value.
        """

    @abstractmethod
    def inputs(self, keys: Keys, axes: Axes) -> tuple[Keys, ...]:
        """Say which fields a field is made of.

        Parameters
        ----------
        keys : mapping of str to str
            MARS keys of the field that is wanted, canonical.
        axes : mapping of str to sequence of str
            Values of ``step``, ``levelist`` and ``number`` that the fields of `like` have, in order.

        Returns
        -------
        tuple of mapping
            Their keys, in the order in which `make` takes them. An input may be derived itself.

        Raises
        ------
        ProductError
            If it cannot be said: no member is known yet, or a period would begin before the forecast does.
        """

    @abstractmethod
    def make(self, nodes: Nodes, keys: Keys, inputs: Sequence[Node]) -> Node:
        """Return the node of a field.

        Parameters
        ----------
        nodes : Nodes
            Makes it.
        keys : mapping of str to str
            MARS keys of the field that is wanted.
        inputs : sequence of Node
            Those of `inputs`.

        Raises
        ------
        DtedaskError
            If they do not go together: grids, units, periods.
        """
