"""Units of fields and of numbers in formulas: CF's and GRIB's spellings, converted by pint."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import ProductError
from dtedask.core.nearest import did_you_mean

if TYPE_CHECKING:
    import pint

__all__ = ["Conversion", "conversion", "known_unit", "power", "unit_of", "unit_text"]

# What the tables of ecCodes say of numbers without a unit, and what says nothing.
_PLAIN = frozenset(
    ["numeric", "(0 - 1)", "0to1", "(-1 to 1)", "proportion", "fraction", "dimensionless", "index", "1", "number", "-"]
)
_SAID_AS = {
    "percent": "%",
    "degC": "c, deg c, degrees c, celsius",
    "m": "gpm, m of water equivalent",
    "m s**-1": "m of water equivalent s**-1",
    "hPa": "mb",
    "degree": "degree true, deg true, degree, degrees, deg, degree n, degree e, degrees_north, degrees_east",
    "radian": "radians",
    "knot": "kn, kt, kts",
}
_SPELLINGS = {said: unit for unit, words in _SAID_AS.items() for said in words.split(", ")}
_FACTOR = re.compile(r"(?P<name>[A-Za-zµΩ°%_]+)(?:(?:\*\*|\^)?(?P<power>[+-]?\d{1,3}))?(?![\w.])")
_SEPARATOR = re.compile(r"\s*([*·./]|\s)\s*")
# A column of water of 1 mm has 1 kg on every square metre.
_WATER_KG_M3 = 1000.0


@dataclass(frozen=True, slots=True)
class Conversion:
    """From numbers in one unit to numbers in another: ``factor * number + offset``.

    Parameters
    ----------
    factor, offset : float
        What is done.
    """

    factor: float = 1.0
    offset: float = 0.0

    @property
    def is_nothing(self) -> bool:
        """Whether numbers stay as they are."""
        return self.factor == 1.0 and self.offset == 0.0


_lock = threading.Lock()
_made: list[pint.UnitRegistry[Any]] = []


def _registry() -> pint.UnitRegistry[Any]:
    """The one registry: units of two of them cannot be compared, and threads may come here together."""
    import pint

    with _lock:
        if not _made:
            _made.append(pint.UnitRegistry(cache_folder=None))
        return _made[0]


@lru_cache(4096)
def unit_of(text: str) -> pint.Unit:
    """Read a unit.

    Parameters
    ----------
    text : str
        As CF and GRIB write it: ``m s**-1``, ``kg m-2``, ``m/s``, ``%``, ``degC``; "" and ``1`` are no unit.

    Raises
    ------
    ProductError
        If there is no such unit.
    """
    word = " ".join(text.split())
    if word == "" or word.lower() in _PLAIN:
        return _registry().Unit("dimensionless")
    if spelled := _SPELLINGS.get(word.lower()):
        word = spelled
    return _product(word, text)


@lru_cache(4096)
def known_unit(text: str) -> pint.Unit | None:
    """Read the unit of a field; None where the tables say none that can be reckoned with (a code, a logarithm, ~)."""
    if text.strip() in ("", "~", "-", "unknown"):
        return None
    try:
        return unit_of(text)
    except ProductError:
        return None


@lru_cache(4096)
def conversion(before: pint.Unit, after: pint.Unit) -> Conversion:
    """Say how numbers in one unit become numbers in another; water is measured as a depth or as a mass on an area.

    Raises
    ------
    ProductError
        If they measure different things.
    """
    if before == after:
        return Conversion()
    one, other = _registry().Quantity(1.0, before), _registry().Quantity(0.0, before)
    density = _water(before, after)
    if density is not None:
        one, other = one * density, other * density
    try:
        offset = float(other.to(after).magnitude)
        factor = float(one.to(after).magnitude) - offset
    except Exception as error:
        if type(error).__name__ not in ("DimensionalityError", "OffsetUnitCalculusError"):
            raise
        raise ProductError(f"{before:~C} cannot be made to {after:~C}: they measure different things.") from error
    return Conversion(_rounded(factor), _rounded(offset))


def power(unit: pint.Unit, exponent: float) -> pint.Unit:
    """A unit to a power, without the crumbs of halves and thirds."""
    whole = round(exponent)
    raised = unit ** (whole if exponent == whole else exponent)
    items = [(name, _whole(_real(one))) for name, one in _registry().Quantity(1.0, raised).unit_items()]
    return _joined([(name, one) for name, one in items if one])


def _whole(exponent: float) -> float:
    """What is nearly a whole number, a half or a third is meant as such."""
    near = round(exponent * 12) / 12
    return near if abs(near - exponent) < 1e-9 else exponent


@lru_cache(4096)
def unit_text(unit: pint.Unit) -> str:
    """Write a unit as ecCodes does: ``m s**-1``, ``%``, ``1``."""
    registry = _registry()
    items = sorted(registry.Quantity(1.0, unit).unit_items(), key=lambda item: (_real(item[1]) < 0, item[0]))
    words = [_with_power(registry.get_symbol(name), _real(one)) for name, one in items]
    return " ".join(words) or "1"


def _real(number: Any) -> float:
    """Numbers of pint are of many types."""
    return float(number)


def _with_power(symbol: str, exponent: float) -> str:
    symbol = {"°C": "degC", "°": "degrees"}.get(symbol, symbol)
    return symbol if exponent == 1 else f"{symbol}**{exponent:g}"


def _product(word: str, text: str) -> pint.Unit:
    """Read factors with their powers; a slash turns the sign of the one behind it."""
    found: list[tuple[str, float]] = []
    place, sign = 0, 1
    while place < len(word):
        match = _FACTOR.match(word, place)
        if match is None:
            raise _unknown(text)
        found.append((_name(match["name"], text), sign * int(match["power"] or 1)))
        separator = _SEPARATOR.match(word, match.end())
        if separator is None and match.end() < len(word):
            raise _unknown(text)
        sign = -1 if separator is not None and separator[1] == "/" else 1
        place = match.end() if separator is None else separator.end()
        if separator is not None and place == len(word):
            raise _unknown(text)
    return _joined(found)


def _joined(factors: list[tuple[str, float]]) -> pint.Unit:
    import pint.util

    container = pint.util.UnitsContainer()
    for name, exponent in factors:
        container = container * pint.util.UnitsContainer({name: exponent})
    return _registry().Unit(container)


@lru_cache(1024)
def _name(word: str, text: str) -> str:
    """The name that pint has for one word."""
    registry = _registry()
    for spelling in (word, _SPELLINGS.get(word.lower(), "")):
        if spelling and any(True for _ in registry.parse_unit_name(spelling)):
            return str(registry.get_name(spelling))
    raise _unknown(text)


def _unknown(text: str) -> ProductError:
    known = ["m", "mm", "km", "K", "degC", "Pa", "hPa", "m s**-1", "km h**-1", "knot", "kg m**-2", "%", "W m**-2", "h"]
    return ProductError(f"There is no unit {text!r}.", hint=did_you_mean(text, known, listed=20))


def _water(before: pint.Unit, after: pint.Unit) -> pint.Quantity[Any] | None:
    """What a depth is multiplied by to be a mass on an area, or the other way round."""
    registry = _registry()
    density = registry.Quantity(_WATER_KG_M3, "kg/m**3")
    asked = (after / before).dimensionality
    for factor in (density, 1 / density):
        if asked == factor.dimensionality and _is_of_water(before) and _is_of_water(after):
            return factor
    return None


def _is_of_water(unit: pint.Unit) -> bool:
    """Whether it measures a depth, a mass on an area, or how fast either grows."""
    powers = dict(unit.dimensionality)
    powers.pop("[time]", None)
    return powers in ({"[length]": 1}, {"[mass]": 1, "[length]": -2})


def _rounded(number: float) -> float:
    """Take the crumbs of decimal factors away: 1e-3, not 0.0009999999999999998."""
    return float(f"{number:.15g}")
