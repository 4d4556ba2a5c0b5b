"""What a product needs: which fields that exist or will, by their keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.core.errors import ProductError
from dtedask.products.planning.canonical import canonical

if TYPE_CHECKING:
    from dtedask.products.planning.available import Available
    from dtedask.products.planning.cycle_fields import CycleFields
    from dtedask.products.planning.defaults import FindRecipes
    from dtedask.products.planning.recipes import Recipe

__all__ = ["Need", "Needs"]

Keys = Mapping[str, str]
_DEEPEST = 4
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
    like : mapping, optional
        Keys that all of its inputs have, where nobody knows yet which ones there will be.
    """

    keys: Keys
    available: Available | None = None
    recipe: Recipe | None = None
    inputs: tuple[Need, ...] = ()
    like: Keys | None = None

    @property
    def missing(self) -> tuple[Keys, ...]:
        """Canonical keys of the fields that do not exist."""
        if self.inputs:
            return tuple(keys for one in self.inputs for keys in one.missing)
        return () if self.available is not None else (self._itself,)

    @property
    def fields(self) -> tuple[Keys, ...]:
        """Canonical keys of all fields that are read for it, whether they exist or not."""
        if self.inputs:
            return tuple(keys for one in self.inputs for keys in one.fields)
        return (self._itself,)

    @property
    def _itself(self) -> Keys:
        return canonical(self.keys if self.like is None else self.like)


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
        self._made: dict[tuple[tuple[tuple[str, str], ...], tuple[str, ...]], Need] = {}
        self._met: dict[tuple[int, tuple[str, ...]], tuple[Keys, Need]] = {}
        self._kinds: dict[tuple[tuple[str, str], ...], bool] = {}
        self._under_way: set[tuple[tuple[str, str], ...]] = set()

    def of(self, keys: Keys, members: tuple[str, ...] = ()) -> Need:
        """The need of a field: itself where it exists, or others of its kind do; else what it can be made of.

        Parameters
        ----------
        keys : mapping
            Keys of the field.
        members : tuple of str
            What a statistic over members is made of; all that there are by default.

        Raises
        ------
        ProductError
            If it does not exist, and can never be made of what does.
        """
        known = self._met.get((id(keys), members))
        if known is not None:
            return known[1]
        place = (tuple(keys.items()), members)
        found = self._made.get(place)
        if found is None:
            available = self._known.find(keys)
            found = Need(keys, available) if available is not None else self._of_others(keys, members)
            self._made[place] = found
        self._met[(id(keys), members)] = keys, found
        return found

    def _of_others(self, keys: Keys, members: tuple[str, ...]) -> Need:
        """The first way to make a field of which all inputs exist, else the first."""
        place = tuple(keys.items())
        if place in self._under_way or "all" in keys.values() or self._is_read(keys):
            return Need(keys)
        self._under_way.add(place)
        try:
            return self._best(keys, members)
        finally:
            self._under_way.remove(place)

    def _best(self, keys: Keys, members: tuple[str, ...]) -> Need:
        found: list[Need] = []
        problems: list[ProductError] = []
        for recipe in self._find(keys):
            try:
                found.append(self._by(recipe, keys, members))
            except ProductError as error:
                problems.append(error)
                continue
            if not found[-1].missing:
                return found[-1]
        if problems and not found:
            raise problems[0]
        return found[0] if found else Need(keys)

    def _by(self, recipe: Recipe, keys: Keys, members: tuple[str, ...]) -> Need:
        like, axes = self._seen(recipe.like(keys))
        if members:
            axes["number"] = list(members)
        try:
            inputs = recipe.inputs(keys, axes)
        except ProductError:
            if any(axes.values()):
                raise
            inputs = ()
        if not inputs:  # it is made of fields that nobody has seen yet
            return Need(keys, None, recipe, like=like)
        return Need(keys, None, recipe, tuple(self.of(one) for one in inputs))

    def _seen(self, like: Keys, depth: int = 0) -> tuple[Keys, dict[str, list[str]]]:
        """Members, steps and levels of some fields, or of those that they are made of; and which of both it is."""
        axes = self._known.axes(like)
        if any(axes.values()) or depth == _DEEPEST or self._is_read(like):
            return like, axes
        found = [self._seen(recipe.like(like), depth + 1) for recipe in self._find(like)]
        seen = (one for one in found if any(one[1].values()))
        return next(seen, found[0] if found else (like, axes))

    def _is_read(self, keys: Keys) -> bool:
        """Whether fields of the kind come as such, now or later: then none of them is made of others."""
        kind = {key: value for key, value in keys.items() if key not in _WITHIN_A_KIND}
        place = tuple(kind.items())
        if place not in self._kinds:
            self._kinds[place] = self._known.is_kind_known(kind)
        return self._kinds[place]
