"""How a field that does not exist can be made of others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from dtedask.core.errors import ProductError
from dtedask.pipeline.keys.parameters import known_parameter
from dtedask.products.derived.book import Book, book
from dtedask.products.derived.by_formula import ByFormula
from dtedask.products.derived.ensemble import OfMembers
from dtedask.products.derived.parameter import Derived
from dtedask.products.derived.period import OfPeriod
from dtedask.products.derived.statistics import Statistic, limit_in, statistic_of
from dtedask.products.derived.units import known_unit, unit_of
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
    known = book()
    for param in accepted_ids(keys["param"]) if not keys["param"].isdecimal() else (keys["param"],):
        yield from _of_members(known, {**keys, "param": param})
        if keys.get("type") not in ("em", "es", "ep", "pb"):
            yield from _of_fields(known, {**keys, "param": param})


def _of_members(known: Book, keys: Mapping[str, str]) -> Iterator[Derived]:
    statistic = statistic_of(keys)
    if statistic is not None and _is_direction(keys["param"]):
        yield from _of_directions(known, keys, statistic)
    elif statistic is not None:
        yield OfMembers(_with_own_parameter(known, keys["param"], statistic))
    elif keys.get("type") == "ep":
        for recipe in known.probabilities.get(keys["param"], ()):
            assert recipe.statistic is not None
            yield from (OfMembers(recipe.statistic, param) for param in recipe.members)


def _of_fields(known: Book, keys: Mapping[str, str]) -> Iterator[Derived]:
    if keys.get("timespan", "none") not in ("none", "fs"):
        yield OfPeriod(keys["param"], keys["param"])
    for recipe in known.formulas.get(keys["param"], ()):
        if recipe.fits(keys):
            yield ByFormula(recipe.param, recipe.formula)
    yield from (OfPeriod(keys["param"], param, is_rate=True) for param in known.rates.get(keys["param"], ()))


def _of_directions(known: Book, keys: Mapping[str, str], statistic: Statistic) -> Iterator[Derived]:
    """The mean direction is that of the mean wind: between 350 and 10 degrees lies north, not south."""
    if statistic.kind != "em":
        raise ProductError(
            f"Directions of param={keys['param']} lie on a circle: type={statistic.kind} of them has no meaning.",
            hint="Ask for type=em, which is the direction of the mean wind, or for the components.",
        )
    for recipe in known.formulas.get(keys["param"], ()):
        if recipe.fits(keys):
            yield ByFormula(recipe.param, recipe.formula)


def _is_direction(param: str) -> bool:
    return known_unit(known_parameter(param).units) == unit_of("degree")


def _with_own_parameter(known: Book, param: str, statistic: Statistic) -> Statistic:
    """The statistic as the parameter that such a probability has of its own, which GRIB says anyway."""
    if statistic.kind != "ep":
        return statistic
    units = known_parameter(param).units
    for recipe in known.limits.get(param, ()):
        own = recipe.statistic
        if own is not None and _side(own) == _side(statistic) and _same_limits(own, statistic, units):
            return replace(statistic, param=recipe.param)
    return statistic


def _side(statistic: Statistic) -> str:
    """GRIB does not tell whether a limit is included."""
    return {"at-least": "above", "at-most": "below"}.get(statistic.compare, statistic.compare)


def _same_limits(one: Statistic, other: Statistic, units: str) -> bool:
    limits = zip(one.limits, other.limits, strict=True)
    return all(math.isclose(limit_in(own, units), limit_in(asked, units), rel_tol=1e-9) for own, asked in limits)
