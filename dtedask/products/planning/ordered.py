"""What the fields of products need, their post-processing included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dtedask.products.planning.defaults import (
    FindRecipes,
    FormulaInputs,
    NativeInputs,
    fields_in_formula,
    find_recipes,
    native_inputs,
)
from dtedask.products.planning.expansion import is_over_members
from dtedask.products.planning.needs import Need, Needs

if TYPE_CHECKING:
    from dtedask.products.planning.inventory import Inventory
    from dtedask.products.product import Product
    from dtedask.products.requirement import Cycle, PostProcessing

__all__ = ["Ordered", "Ordering", "inputs_of_product"]

Keys = Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Ordered:
    """A field of a product, and all that it is made with.

    Parameters
    ----------
    need : Need
        The field, or the first of two that it is made of.
    pair : Need, optional
        The second one.
    others : mapping of str to Need
        Fields that formulas name.
    """

    need: Need
    pair: Need | None = None
    others: Mapping[str, Need] = field(default_factory=dict)

    @property
    def _all(self) -> Iterable[Need]:
        yield self.need
        if self.pair is not None:
            yield self.pair
        yield from self.others.values()

    @property
    def is_derived(self) -> bool:
        """Whether a part of it is made of other parameters."""
        return any(need.recipe is not None for need in self._all)

    @property
    def missing(self) -> tuple[Keys, ...]:
        """Canonical keys of the fields that do not exist."""
        return tuple(keys for need in self._all for keys in need.missing)

    @property
    def fields(self) -> tuple[Keys, ...]:
        """Canonical keys of all fields that are read for it, whether they exist or not."""
        return tuple(keys for need in self._all for keys in need.fields)


class Ordering:
    """What fields of products need, made out once for all products.

    Parameters
    ----------
    inventory : Inventory
        What exists.
    find : callable
        Finds ways to make what does not.
    natives : callable
        Says which fields post-processing makes a field of.
    named : callable
        Says which other fields a formula names.
    """

    def __init__(
        self,
        inventory: Inventory,
        *,
        find: FindRecipes = find_recipes,
        natives: NativeInputs = native_inputs,
        named: FormulaInputs = fields_in_formula,
    ) -> None:
        self._inventory, self._find = inventory, find
        self._natives, self._named = natives, named
        self._needs: dict[Cycle, Needs] = {}
        # What stands for an object by its identity is held beside it.
        self._made: dict[tuple[int, int, tuple[str, ...]], tuple[PostProcessing, Keys, Ordered]] = {}

    def of(self, product: Product, how: PostProcessing | None = None) -> tuple[Ordered, ...]:
        """What each field of a product needs, in their order; `how` is one object for all that are made the same."""
        needs, how = self._at(product.cycle), how or product.requirement.how
        members = _members(product.requirement.request)
        return tuple(self._ordered(needs, keys, how, members) for keys in product.fields)

    def _at(self, cycle: Cycle) -> Needs:
        if cycle not in self._needs:
            self._needs[cycle] = Needs(self._inventory.at(cycle), self._find)
        return self._needs[cycle]

    def _ordered(self, needs: Needs, keys: Keys, how: PostProcessing, members: tuple[str, ...]) -> Ordered:
        place = (id(how), id(keys), members)
        if place not in self._made:
            first, *second = (needs.of(one, members) for one in self._natives(keys, how))
            named = (one for formula in how.formulas for one in self._named(formula, keys))
            others = {name: needs.of(other, members) for name, other in named}
            self._made[place] = how, keys, Ordered(first, second[0] if second else None, others)
        return self._made[place][2]


def inputs_of_product(product: Product, inventory: Inventory) -> tuple[Keys, ...]:
    """Canonical keys of every field that is read for a product, each once, whether it exists or not."""
    found = (keys for one in Ordering(inventory).of(product) for keys in one.fields)
    return tuple({tuple(sorted(keys.items())): keys for keys in found}.values())


def _members(request: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Members that statistics are made of, where a requirement names them."""
    if not is_over_members(request) or "all" in request.get("number", ("all",)):
        return ()
    return request["number"]
