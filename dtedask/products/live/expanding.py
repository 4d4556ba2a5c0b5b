"""From requirements and commits to orders and fields, as the state machine knows them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dtedask.products.format import format_class
from dtedask.products.live.growing import same_named
from dtedask.products.live.order import LeftOpen, Need, Order, need_of
from dtedask.products.planning.canonical import canonical
from dtedask.products.planning.expansion import Expansion
from dtedask.products.planning.ordered import Ordering
from dtedask.products.requirements.names import template_keys

if TYPE_CHECKING:
    from dtedask.core.commit import Change, Commit
    from dtedask.products.planning.cycle_fields import CycleFields
    from dtedask.products.planning.inventory import Inventory
    from dtedask.products.product import Product
    from dtedask.products.requirement import Cycle, PostProcessing, Requirement

__all__ = ["Expanding", "net_fields", "present_of"]

Fields = tuple[Mapping[str, str], ...]
_CYCLE = frozenset({"date", "time"})
_TOLD_BY_FIELDS = frozenset({"class", "stream", "expver", "type", "levtype"})
_WITHOUT_LEVEL = frozenset({"sfc", "o2d"})
_WITHIN_A_KIND = frozenset({"date", "time", "step", "levelist", "number"})
_WITHOUT_MEMBERS = frozenset({"an", "fc"})


class Expanding:
    """Expands requirements for one cycle; what several of them need is made out once.

    Parameters
    ----------
    inventory : Inventory
        What exists.
    cycle : Cycle
        Which run.
    """

    def __init__(self, inventory: Inventory, cycle: Cycle) -> None:
        self.cycle = cycle
        self._known = inventory.at(cycle)
        self._expansion, self._ordering = Expansion(inventory), Ordering(inventory)
        self._hows: dict[PostProcessing, PostProcessing] = {}

    def orders(self, requirement: Requirement) -> list[Order]:
        """Products of a requirement, each with all that it is made of.

        Raises
        ------
        DtedaskError
            If the requirement cannot be expanded.
        """
        names = frozenset(template_keys(requirement.file_name or format_class(requirement.format.type).default_name))
        how = self._hows.setdefault(requirement.how, requirement.how)
        found = []
        for product in self._expansion.products(requirement, self.cycle):
            ordered = self._ordering.of(product, how)
            needs = tuple(dict.fromkeys(need_of(keys) for one in ordered for keys in one.fields))
            is_made = any(one.is_derived for one in ordered)
            left_open = _left_open(product, needs, names, self._known, is_made=is_made)
            found.append(Order(product, needs, left_open))
        return found


def present_of(orders: Iterable[Order], inventory: Inventory) -> frozenset[Need]:
    """Those of the needs of orders that there are fields for."""
    needs = {need for order in orders for need in order.needs}
    return frozenset(need for need in needs if inventory.find(dict(need)) is not None)


def net_fields(commits: Iterable[Commit]) -> tuple[Fields, Fields]:
    """Keys of the fields that some commits wrote and wiped, in the form in which products name their inputs.

    A field that one wrote and a later one wiped counts as wiped, and the other way round.
    """
    written: dict[Need, Mapping[str, str]] = {}
    wiped: dict[Need, Mapping[str, str]] = {}
    for commit in commits:
        for changes, these, others in ((commit.wiped, wiped, written), (commit.changes, written, wiped)):
            for keys in _fields_of(changes):
                these[need_of(keys)] = keys
                others.pop(need_of(keys), None)
    return tuple(written.values()), tuple(wiped.values())


def _fields_of(changes: Iterable[Change]) -> Iterator[Mapping[str, str]]:
    for change in changes:
        names, values = zip(*change.request, strict=True)
        for combination in itertools.product(*(value.split("/") for value in values)):
            yield canonical(dict(zip(names, combination, strict=True)))


def _left_open(
    product: Product, needs: Sequence[Need], names: frozenset[str], known: CycleFields, *, is_made: bool
) -> LeftOpen:
    axes = _open_axes(product)
    if axes - names and not _was_before(needs, known):
        return "fields"
    params = {value for need in needs for key, value in need if key == "param"} - known.params
    if params and is_made:
        return "ways"
    if axes or any(len(same_named(param)) > 1 for param in params):
        return "products"
    return "nothing" if all(keys.keys() >= _TOLD_BY_FIELDS for keys in product.fields) else "keys"


def _was_before(needs: Sequence[Need], known: CycleFields) -> bool:
    """Whether an earlier cycle tells how many fields there will be."""
    kinds = {tuple(part for part in need if part[0] not in _WITHIN_A_KIND and part[1] != "all") for need in needs}
    return all(known.was_before(dict(kind)) for kind in kinds)


def _open_axes(product: Product) -> frozenset[str]:
    """Axes of which the requirement takes what there is."""
    request, fields = product.requirement.request, product.fields
    found = {key for key, values in request.items() if "all" in values} - _CYCLE
    found |= {key for key in ("param", "step") if key not in request}
    has_levels = any("levelist" in keys for keys in fields) or not _is_within(request, "levtype", _WITHOUT_LEVEL)
    if has_levels and "levelist" not in request:
        found.add("levelist")
    has_members = any("number" in keys for keys in fields) or not _is_within(request, "type", _WITHOUT_MEMBERS)
    if has_members and "number" not in request:
        found.add("number")
    return frozenset(found)


def _is_within(request: Mapping[str, tuple[str, ...]], key: str, values: frozenset[str]) -> bool:
    """Whether a key has only some values; one that is not named is taken to."""
    return set(request.get(key, ())) <= values
