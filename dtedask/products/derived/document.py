"""Recipes of derived parameters as documents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from dtedask.products.derived.names import check_formula
from dtedask.products.derived.statistics import Statistic, statistic_of
from dtedask.request import canonical_key, canonical_value, parameter
from dtedask.request.parameters import accepted_ids, canonical_param

__all__ = ["ParameterRecipe", "ProbabilityRecipe", "RecipeDocument"]

_PLACE = re.compile(r"\{\w+\}")
_LAST_OF_WMO_AND_ECMWF = 500_000


def _one(param: str | int) -> str:
    return parameter(param).id


def _some(param: str | int) -> str:
    return canonical_param(str(param))


OneParam = Annotated[str, BeforeValidator(_one, json_schema_input_type=str | int)]
SomeParam = Annotated[str, BeforeValidator(_some, json_schema_input_type=str | int)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)


class ParameterRecipe(_Strict):
    """How one parameter is made of others."""

    param: OneParam
    """What it is: a short name or paramId."""
    formula: str
    """Over short names of other parameters. Keys of the field in braces, such as ``{levelist}``, stand for values."""
    where: dict[str, tuple[str, ...]] = {}
    """Keys that the field must have, such as ``levtype: pl``; several values are a list."""

    @field_validator("formula")
    @classmethod
    def _reads(cls, formula: str) -> str:
        check_formula(_PLACE.sub("500", formula))
        return formula

    @field_validator("where", mode="before", json_schema_input_type=dict[str, str | int | list[str | int]])
    @classmethod
    def _canonical(cls, where: dict[str, Any]) -> dict[str, tuple[str, ...]]:
        found = {}
        for key, value in where.items():
            name = canonical_key(key)
            values = value if isinstance(value, list | tuple) else [value]
            found[name] = tuple(canonical_value(name, one) for one in values)
        return found

    def fits(self, keys: Mapping[str, str]) -> bool:
        """Whether a field of these keys may be made so."""
        return all(keys.get(key) in values for key, values in self.where.items())


class ProbabilityRecipe(_Strict):
    """A parameter that is the probability of something, over the members of an ensemble: one limit, or two."""

    param: OneParam
    """What it is: a short name or paramId."""
    of: SomeParam
    """The parameter of the members."""
    above: str | None = None
    """Limit with its unit, such as ``20 mm``."""
    at_least: str | None = Field(None, alias="at-least")
    """As `above`, the limit included."""
    below: str | None = None
    """As `above`, for values below."""
    at_most: str | None = Field(None, alias="at-most")
    """As `below`, the limit included."""
    between: str | None = None
    """Two limits, ``1 mm and 5 mm``, both included."""

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.statistic is None:
            raise ValueError("it has no limit: write one of above, at-least, below, at-most, between")
        return self

    @property
    def statistic(self) -> Statistic | None:
        """What is made of the members, as the parameter that it is."""
        said = self.model_dump(by_alias=True, exclude_none=True, exclude={"param", "of"})
        return statistic_of({**said, "type": "ep", "result": self.param})

    @property
    def members(self) -> tuple[str, ...]:
        """ParamIds that the members may have: those of WMO and ECMWF, where a short name means several."""
        ids = accepted_ids(self.of) if not self.of.isdecimal() else (self.of,)
        return tuple(one for one in ids if not one.isdecimal() or int(one) < _LAST_OF_WMO_AND_ECMWF)


class RecipeDocument(_Strict):
    """A file of recipes; of several for one parameter the first is taken whose fields exist."""

    recipes: tuple[ParameterRecipe, ...] = ()
    """Parameters that are a formula over others."""
    probabilities: tuple[ProbabilityRecipe, ...] = ()
    """Parameters that are probabilities."""
