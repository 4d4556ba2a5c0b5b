"""Requirements that leave something to what exists: which fields make them be looked at again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from dtedask.core.errors import InvalidValueError
from dtedask.products.planning.canonical import params_of
from dtedask.products.requirement import Cycle
from dtedask.request.parameters import accepted_ids, parameter

if TYPE_CHECKING:
    from dtedask.products.live.order import Order
    from dtedask.products.requirement import Requirement

__all__ = ["Growing", "same_named"]
_TELLING = ("class", "stream", "expver", "model", "levtype")
"""Keys that inputs have in common with what is made of them."""


class Growing:
    """Requirements of open cycles that take what there is: any new field of their parameters may bring them more."""

    def __init__(self) -> None:
        self._known: dict[Cycle, dict[str, tuple[Requirement, frozenset[str]]]] = {}

    def opened(self, cycle: Cycle, requirement: Requirement, orders: Iterable[Order]) -> None:
        """Take notice of what a requirement asks for in a cycle."""
        orders = tuple(orders)
        self._known.get(cycle, {}).pop(requirement.name, None)
        if orders and all(order.left_open in ("nothing", "keys") for order in orders):
            return
        # Of what finds nothing yet nobody knows which parameters it is made of.
        asked = requirement.request.get("param", ())
        params = {value for order in orders for need in order.needs for key, value in need if key == "param"}
        params.update(param for name in asked for param in params_of(name))
        params.update(other for param in tuple(params) for other in same_named(param))
        is_any = not orders or not asked or "all" in asked or any(order.left_open == "ways" for order in orders)
        known = self._known.setdefault(cycle, {})
        known[requirement.name] = (requirement, frozenset() if is_any else frozenset(params))

    def touched(self, cycle: Cycle, fields: Iterable[Mapping[str, str]]) -> dict[str, Requirement]:
        """Requirements that new fields of a cycle may bring more, by name."""
        fields = tuple(fields)
        return {
            name: requirement
            for name, (requirement, params) in self._known.get(cycle, {}).items()
            if any(_may_take(requirement, params, keys) for keys in fields)
        }

    def forget(self, requirement: str) -> None:
        """Look at a requirement no more."""
        for known in self._known.values():
            known.pop(requirement, None)

    def close(self, cycle: Cycle) -> None:
        """Look at a cycle no more."""
        self._known.pop(cycle, None)


@lru_cache(maxsize=4096)
def same_named(param: str) -> frozenset[str]:
    """ParamIds of the same short name as one, itself included: a request by name means any of them."""
    try:
        return frozenset((param, *accepted_ids(parameter(param).short_name)))
    except InvalidValueError:  # of a centre whose parameters ecCodes does not know
        return frozenset((param,))


def _may_take(requirement: Requirement, params: frozenset[str], keys: Mapping[str, str]) -> bool:
    if params and keys.get("param", "") not in params:
        return False
    return all(_agrees(requirement.request.get(key, ()), keys.get(key, "")) for key in _TELLING)


def _agrees(values: tuple[str, ...], value: str) -> bool:
    return not values or not value or "all" in values or value in values
