"""How a field that does not exist can be made of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from dtedask.core.documents import load_document
from dtedask.products.derived.by_formula import ByFormula
from dtedask.products.derived.document import ParameterRecipe, RecipeDocument
from dtedask.products.derived.ensemble import OfMembers
from dtedask.products.derived.parameter import Derived
from dtedask.products.derived.statistics import statistic_of
from dtedask.request.parameters import accepted_ids

__all__ = ["candidates", "find"]


def find(keys: Mapping[str, str]) -> Derived | None:
    """The likeliest way to make a field, None where there is none; see `candidates`."""
    return next(_found(keys), None)


def candidates(keys: Mapping[str, str]) -> tuple[Derived, ...]:
    """All ways to make a field, the likeliest first.

    Parameters
    ----------
    keys : mapping of str to str
        MARS keys of the field, canonical; for types of ensembles with ``quantile``, or with a limit of a probability
        (``above``, ``at-least``, ``below``, ``at-most``, ``between``).

    Raises
    ------
    ProductError
        If the keys ask for a statistic and do not say all of it.
    """
    return tuple(_found(keys))


def _found(keys: Mapping[str, str]) -> Iterator[Derived]:
    statistic = statistic_of(keys)
    if statistic is not None:
        yield OfMembers(statistic)
        return
    for param in accepted_ids(keys["param"]) if not keys["param"].isdecimal() else (keys["param"],):
        for recipe in _recipes().get(param, ()):
            if recipe.fits(keys):
                yield ByFormula(recipe.param, recipe.formula)


@cache
def _recipes() -> Mapping[str, tuple[ParameterRecipe, ...]]:
    document = load_document(Path(__file__).with_name("recipes.yaml"), RecipeDocument, kind="recipes")
    found: dict[str, tuple[ParameterRecipe, ...]] = {}
    for recipe in document.recipes:
        found[recipe.param] = (*found.get(recipe.param, ()), recipe)
    return found
