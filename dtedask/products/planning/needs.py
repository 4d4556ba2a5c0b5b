"""What a product needs: which fields that exist or will, by their keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.products.planning.canonical import canonical
from dtedask.products.planning.recipes import FindRecipes, Recipe, axes_for

if TYPE_CHECKING:
    from dtedask.products.planning.available import Available
    from dtedask.products.planning.cycle_fields import CycleFields

__all__ = ["Need", "Needs"]

Keys = Mapping[str, str]
_WITHIN_A_KIND = frozenset({"step", "levelist", "number"})


@dataclass(frozen=True, slots=True, eq=False)
class Need:
    """A field as it is before any post-processing, and what it is made of.

    Parameters
    ----------
    keys : mapping
        Its keys.
    available : Available, optional
        The field itself, where it exists.
    recipe : Recipe, optional
        How it is made of others, where it does not.
    inputs : tuple of Need
        What it is made of.
    """

    keys: Keys
    available: Available | None = None
    recipe: Recipe | None = None
    inputs: tuple[Need, ...] = ()

    @property
    def missing(self) -> tuple[Keys, ...]:
        """Canonical keys of the fields that do not exist."""
        if self.inputs:
            return tuple(keys for one in self.inputs for keys in one.missing)
        return () if self.available is not None else (canonical(self.keys),)

    @property
    def fields(self) -> tuple[Keys, ...]:
        """Canonical keys of all fields that are read for it, whether they exist or not."""
        if self.inputs:
            return tuple(keys for one in self.inputs for keys in one.fields)
        return (canonical(self.keys),)


class Needs:
    """Needs of the fields of one cycle, each made out once.

    Parameters
    ----------
    known : CycleFields
        What exists.
    find : callable
        Finds ways to make what does not.
    """

    def __init__(self, known: CycleFields, find: FindRecipes) -> None:
        self._known, self._find = known, find
        self._made: dict[tuple[tuple[str, str], ...], Need] = {}
        self._kinds: dict[tuple[tuple[str, str], ...], bool] = {}
        self._under_way: set[tuple[tuple[str, str], ...]] = set()

    def of(self, keys: Keys) -> Need:
        """The need of a field: itself where it exists, or others of its kind do; else what it can be made of."""
        place = tuple(keys.items())
        found = self._made.get(place)
        if found is None:
            available = self._known.find(keys)
            found = Need(keys, available) if available is not None else self._of_others(keys, place)
            self._made[place] = found
        return found

    def _of_others(self, keys: Keys, place: tuple[tuple[str, str], ...]) -> Need:
        """The first way to make a field of which all inputs exist, else the first."""
        itself = Need(keys)
        if place in self._under_way or self._is_read(keys):
            return itself
        self._under_way.add(place)
        try:
            found = [self._by(recipe, keys) for recipe in self._find(keys)]
        finally:
            self._under_way.remove(place)
        whole = (one for one in found if not one.missing)
        return next(whole, found[0] if found else itself)

    def _is_read(self, keys: Keys) -> bool:
        """Whether fields of the kind come as such, now or later: then none of them is made of others."""
        kind = {key: value for key, value in keys.items() if key not in _WITHIN_A_KIND}
        place = tuple(kind.items())
        if place not in self._kinds:
            self._kinds[place] = self._known.is_kind_known(kind)
        return self._kinds[place]

    def _by(self, recipe: Recipe, keys: Keys) -> Need:
        inputs = recipe.inputs(keys, axes_for(recipe, keys, self._known))
        return Need(keys, None, recipe, tuple(self.of(one) for one in inputs))
