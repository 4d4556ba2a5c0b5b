"""All recipes of derived parameters that are known here: the user's, those of installed packages, and our own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from dtedask.core.documents import load_document
from dtedask.core.registry import Registry
from dtedask.core.settings import setting
from dtedask.pipeline.keys.parameter_tables import AVERAGE_RATES, LOCAL_TO_WMO, pairs
from dtedask.products.derived.document import ParameterRecipe, ProbabilityRecipe, RecipeDocument

__all__ = ["ENTRY_POINTS", "Book", "book"]

ENTRY_POINTS = "dtedask.derived_parameters"
_PACKAGES = Registry("document of recipes", ENTRY_POINTS, {})


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Recipes by what they give.

    Parameters
    ----------
    formulas : mapping of str to tuple of ParameterRecipe
        By paramId of the result.
    probabilities : mapping of str to tuple of ProbabilityRecipe
        By paramId of the result.
    limits : mapping of str to tuple of ProbabilityRecipe
        Probabilities by paramId of the members.
    rates : mapping of str to tuple of str
        ParamIds of accumulations, by that of their mean rate.
    """

    formulas: Mapping[str, tuple[ParameterRecipe, ...]]
    probabilities: Mapping[str, tuple[ProbabilityRecipe, ...]]
    limits: Mapping[str, tuple[ProbabilityRecipe, ...]]
    rates: Mapping[str, tuple[str, ...]]


def book() -> Book:
    """Recipes as the settings stand now.

    Raises
    ------
    DocumentError
        If a document of the user or of an installed package is wrong.
    """
    users = setting("products.recipes") or []
    return _book(tuple(str(Path(one).expanduser()) for one in users))


@lru_cache(maxsize=8)
def _book(users: tuple[str, ...]) -> Book:
    sources: list[Any] = [Path(one) for one in users]
    sources += [_PACKAGES.load(name) for name in _PACKAGES.places()]
    sources.append(Path(__file__).with_name("recipes.yaml"))
    documents = [load_document(one, RecipeDocument, kind="recipes") for one in sources]
    formulas = [(one.param, one) for document in documents for one in document.recipes]
    probabilities = [one for document in documents for one in document.probabilities]
    return Book(
        formulas=_grouped(formulas),
        probabilities=_grouped((one.param, one) for one in probabilities),
        limits=_grouped((member, one) for one in probabilities for member in one.members),
        rates=_rates(),
    )


def _rates() -> Mapping[str, tuple[str, ...]]:
    """Accumulations of each mean rate, those in older units behind the others."""
    older = _grouped((new, old) for table in LOCAL_TO_WMO.values() for old, new in pairs(table))
    found: list[tuple[str, str]] = []
    for accumulation, rate in pairs(AVERAGE_RATES):
        found += [(rate, accumulation), *((rate, one) for one in older.get(accumulation, ()))]
    return {rate: tuple(dict.fromkeys(found)) for rate, found in _grouped(found).items()}


def _grouped(items: Iterable[tuple[str, Any]]) -> dict[str, tuple[Any, ...]]:
    found: dict[str, list[Any]] = {}
    for key, value in items:
        found.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in found.items()}
