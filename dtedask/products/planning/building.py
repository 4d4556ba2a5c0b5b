"""From what products need to nodes: every value that several of them share is one node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from dtedask.core.errors import ProductError
from dtedask.products.derived import apply_formula
from dtedask.products.operations.chain import post_processed
from dtedask.products.operations.pairs import inputs_for

if TYPE_CHECKING:
    from dtedask.products.node import Node, Nodes
    from dtedask.products.planning.needs import Need
    from dtedask.products.planning.ordered import Ordered
    from dtedask.products.requirement import Formula, PostProcessing

__all__ = ["Building"]

Bring = Callable[["Node"], "Node"]
"""Brings a field to where another one is."""


class Building:
    """Makes the nodes of fields of products; what was made for one is there for the others.

    Parameters
    ----------
    nodes : Nodes
        Makes the nodes.
    """

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        # What stands for an object by its identity is held beside it.
        self._natives: dict[int, tuple[Need, Node]] = {}
        self._made: dict[tuple[int, int], tuple[PostProcessing, Ordered, Node]] = {}

    def native(self, need: Need) -> Node:
        """A field before any post-processing; all of its inputs exist.

        Raises
        ------
        DtedaskError
            If it cannot be made of its inputs.
        """
        if id(need) not in self._natives:
            self._natives[id(need)] = need, self._native(need)
        return self._natives[id(need)][1]

    def _native(self, need: Need) -> Node:
        if need.available is not None:
            return self.nodes.make(need.available.read)
        if need.recipe is None:
            raise ProductError(f"There is no field {dict(need.keys)}.")
        return need.recipe.make(self.nodes, need.keys, [self.native(one) for one in need.inputs])

    def processed(self, ordered: Ordered, how: PostProcessing) -> Node:
        """A field as it was ordered.

        Raises
        ------
        DtedaskError
            If it cannot be made so.
        """
        place = (id(how), id(ordered))
        if place not in self._made:
            self._made[place] = how, ordered, self._processed(ordered, how)
        return self._made[place][2]

    def _processed(self, ordered: Ordered, how: PostProcessing) -> Node:
        if how.derive == "target" and ordered.need.recipe is not None:
            return self._derived_there(ordered, how)
        pair = None if ordered.pair is None else self.native(ordered.pair)
        apply = partial(self._formula, ordered)
        return post_processed(self.nodes, how, self.native(ordered.need), pair=pair, formula=apply)

    def _derived_there(self, ordered: Ordered, how: PostProcessing) -> Node:
        """A field that is made of others that are on its grid already; formulas act on it there."""
        plain = replace(how, formulas=())

        def there(need: Need, beside: Sequence[Need] = ()) -> Node:
            if need.recipe is not None:
                inputs = [there(one, need.inputs) for one in need.inputs]
                return need.recipe.make(self.nodes, need.keys, inputs)
            others = {keys["param"] for keys in inputs_for(need.keys, plain)[1:]}
            pair = next((self.native(one) for one in beside if one.keys["param"] in others), None)
            return post_processed(self.nodes, plain, self.native(need), pair=pair)

        made = there(ordered.need)
        for formula in how.formulas:
            made = apply_formula(self.nodes, formula, made, lambda name: there(ordered.others[name]))
        return made

    def _formula(self, ordered: Ordered, nodes: Nodes, formula: Formula, field: Node, bring: Bring) -> Node:
        return apply_formula(nodes, formula, field, lambda name: bring(self.native(ordered.others[name])))
