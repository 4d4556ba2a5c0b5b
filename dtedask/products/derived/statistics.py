"""What is asked of an ensemble: mean, spread, quantile, probability; and what the result is called."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import ProductError
from dtedask.pipeline.ensemble.results import described_statistic
from dtedask.pipeline.operations import OperationOptions, OperationSet, OperationState
from dtedask.pipeline.statistics.facts import WindowFacts
from dtedask.products.derived.naming import as_parameter
from dtedask.products.derived.units import conversion, known_unit, unit_of

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription

__all__ = ["LIMITS", "Statistic", "limit_in", "statistic_of"]

Kind = Literal["em", "es", "pb", "ep"]
LIMITS = ("above", "at-least", "below", "at-most", "between")
_QUANTITY = re.compile(r"\s*(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?P<unit>.*?)\s*")
# Code table 4.9 of GRIB2, as ECMWF's own probabilities have it: 0 is below a lower limit, 2 between, 3 above.
_LIMITS_IN_GRIB = {
    **dict.fromkeys(("above", "at-least"), (3, "Lower")),
    **dict.fromkeys(("below", "at-most"), (0, "Lower")),
    "between": (2, "Lower", "Upper"),
}
_TEMPLATE = "GRIB_productDefinitionTemplateNumber"
_OF_LIMITS = frozenset(
    ["GRIB_probabilityType", *(f"GRIB_scaled{one}" for one in ("ValueOfLowerLimit", "ValueOfUpperLimit"))]
)
_FLOPS = {"em": 1.0, "es": 5.0, "ep": 2.0, "pb": 10.0}


@dataclass(frozen=True, slots=True)
class Statistic:
    """One statistic over members.

    Parameters
    ----------
    kind : {"em", "es", "pb", "ep"}
        The type that MARS has for it: mean, spread (standard deviation), quantile, probability.
    quantile : str
        Of pb: ``50:100`` is the median.
    compare : str
        Of ep: which values count; ``between`` counts both limits.
    limits : tuple of str
        Of ep: one or two, with their units.
    param : str
        Of ep: ParamId of the result where it has one of its own, as a probability of at least 20 mm has.
    """

    kind: Kind
    quantile: str = ""
    compare: str = ""
    limits: tuple[str, ...] = ()
    param: str = ""

    @property
    def text(self) -> str:
        """All that it is."""
        return " ".join((self.kind, self.quantile, self.compare, *self.limits, self.param)).strip()

    def parts(self, units: str) -> list[tuple[OperationOptions, float]]:
        """Operations whose results, each times a factor, are added up.

        Parameters
        ----------
        units : str
            Units of the fields.
        """
        if self.kind == "em":
            return [(OperationOptions(operation="average"), 1.0)]
        if self.kind == "es":
            return [(OperationOptions(operation="stddev"), 1.0)]
        if self.kind == "pb":
            return [(OperationOptions(operation="quantile", quantile=self.fraction), 1.0)]
        limits = [limit_in(one, units) for one in self.limits]
        if self.compare != "between":
            return [(_exceedance(self.compare, limits[0]), 100.0)]
        return [(_exceedance("at-least", limits[0]), 100.0), (_exceedance("above", limits[1]), -100.0)]

    def compared(self, member: NDArray[np.floating]) -> NDArray[np.floating]:
        """Values of a member as they are folded: limits are compared in float64, all else gives the same bits."""
        return member.astype(np.float64, copy=False) if self.kind == "ep" else member

    def finished(
        self, operations: OperationSet, state: OperationState, facts: WindowFacts, units: str
    ) -> NDArray[np.float64]:
        """The result of a state of all members.

        Parameters
        ----------
        operations : OperationSet
            Those of `parts`.
        state : OperationState
            Of all members.
        facts : WindowFacts
            What else there is to know.
        units : str
            Units of the members.
        """
        parts = self.parts(units)
        found = [factor * operations.finish(options.name, state, facts) for options, factor in parts]
        return found[0] if len(found) == 1 else np.add(*found)

    def describe(self, member: FieldDescription, members: int) -> FieldDescription:
        """Say what the result is; nothing is read.

        Parameters
        ----------
        member : FieldDescription
            Of its first member.
        members : int
            How many there are.
        """
        keys = {key: value for key, value in member.keys.items() if key != "number"} | self.keys
        described = described_statistic(member, self.parts(member.units)[0][0], members, keys)
        if self.kind == "pb":
            part, _, whole = self.quantile.partition(":")
            said = {"GRIB_quantileValue": int(part), "GRIB_totalNumberOfQuantiles": int(whole)}
            return replace(described, attributes={**described.attributes, **said})
        return self._probability(described, member) if self.kind == "ep" else described

    @property
    def keys(self) -> dict[str, str]:
        """MARS keys of the result that its members have otherwise."""
        return {"type": self.kind, **({"quantile": self.quantile} if self.quantile else {})}

    def flops(self, members: int) -> float:
        """Floating-point operations a point and member."""
        return _FLOPS[self.kind] * (math.log2(members + 1) if self.kind == "pb" else 1.0)

    @property
    def fraction(self) -> float:
        """Of pb: which quantile, from 0 to 1."""
        part, _, whole = self.quantile.partition(":")
        return int(part) / int(whole)

    def _probability(self, described: FieldDescription, member: FieldDescription) -> FieldDescription:
        """The description with limits; or as the parameter that a probability with such a limit has of its own."""
        template = described.attributes[_TEMPLATE]
        others = {key: value for key, value in described.attributes.items() if key not in _OF_LIMITS}
        if self.param:
            return as_parameter(described, self.param, units="%", attributes={**others, _TEMPLATE: template})
        kind, *names = _LIMITS_IN_GRIB[self.compare]
        found: dict[str, int | float | str] = {"GRIB_probabilityType": int(kind)}
        stattype = self.compare.replace("-", "") + "to".join(
            f"{limit_in(one, member.units):.10g}" for one in self.limits
        )
        for name, limit in zip(names, self.limits, strict=True):
            scale, value = _scaled(limit_in(limit, member.units))
            found |= {f"GRIB_scaleFactorOf{name}Limit": scale, f"GRIB_scaledValueOf{name}Limit": value}
        # No other key tells two limits apart, where there is no GRIB: in cubes, NetCDF and tables.
        keys = {**described.keys, "stattype": stattype}
        return replace(described, keys=keys, units="%", standard_name="", attributes={**others, **found})


def statistic_of(keys: Mapping[str, str]) -> Statistic | None:
    """Read the statistic that keys ask for; None where they ask for none.

    Raises
    ------
    ProductError
        If they ask for one and do not say all of it.
    """
    kind = keys.get("type", "")
    if kind == "em":
        return Statistic("em")
    if kind == "es":
        return Statistic("es")
    if kind == "pb":
        return Statistic("pb", quantile=_needed(keys))
    return _probability(keys) if kind == "ep" else None


def _needed(keys: Mapping[str, str]) -> str:
    quantile = keys.get("quantile", "")
    part, _, whole = quantile.partition(":")
    if not (part.isdecimal() and whole.isdecimal() and int(whole) and int(part) <= int(whole)):
        raise ProductError(
            f"type=pb needs a quantile, not {quantile!r}.",
            hint="Write quantile=50:100 for the median, 1:10 for a tenth.",
        )
    return quantile


def _probability(keys: Mapping[str, str]) -> Statistic | None:
    found = [name for name in LIMITS if keys.get(name)]
    if not found:
        return None
    if len(found) > 1:
        raise ProductError(f"A probability has one limit, not {' and '.join(found)}.", hint="Use between for two.")
    limits = tuple(re.split(r"\s+and\s+|/|\.\.", keys[found[0]])) if found[0] == "between" else (keys[found[0]],)
    if len(limits) != (2 if found[0] == "between" else 1):
        raise ProductError(f"{found[0]}={keys[found[0]]!r} has {len(limits)} limits.", hint="Write '1 mm and 5 mm'.")
    for one in limits:
        _quantity(one)
    return Statistic("ep", compare=found[0], limits=limits, param=keys.get("result", ""))


def _exceedance(compare: str, threshold: float) -> OperationOptions:
    return OperationOptions.model_validate({"operation": "exceedance", "compare": compare, "threshold": threshold})


def _quantity(text: str) -> tuple[float, str]:
    match = _QUANTITY.fullmatch(text)
    if match is None or not math.isfinite(float(match["number"])):
        raise ProductError(f"The limit {text!r} is no number with a unit.", hint="Write such as '20 mm' or '0 degC'.")
    if match["unit"]:
        unit_of(match["unit"])
    return float(match["number"]), match["unit"]


def limit_in(text: str, units: str) -> float:
    """Read a limit as a number in the units of the fields.

    Raises
    ------
    ProductError
        If it is none, or in units that measure something else.
    """
    number, said = _quantity(text)
    unit = known_unit(units)
    if not said or unit is None:
        return number
    try:
        changed = conversion(unit_of(said), unit)
    except ProductError as error:
        raise ProductError(
            f"The limit {text!r} does not fit fields in {units}.", hint="Give it in their units."
        ) from error
    return changed.factor * number + changed.offset


def _scaled(number: float) -> tuple[int, int]:
    """A number as GRIB2 writes it: decimal places, and the digits as a whole number."""
    exact = Decimal(f"{number:.10g}").normalize()
    places = max(0, -int(exact.as_tuple().exponent))
    return places, int(exact.scaleb(places))
