"""Recipes of derived parameters as a document: those of the package, of installed packages, and of the user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

from dtedask.core.errors import ProductError
from dtedask.products.derived.names import check_formula
from dtedask.request import canonical_key, canonical_value, parameter

__all__ = ["ParameterRecipe", "RecipeDocument"]

_PLACES = {"levelist": "500", "step": "24", "number": "1"}


class ParameterRecipe(BaseModel):
    """How one parameter is made of others."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    param: str
    """What it is: a short name or paramId."""
    formula: str
    """Over short names of other parameters. Keys of the field in braces, such as ``{levelist}``, stand for values."""
    where: dict[str, tuple[str, ...]] = {}
    """Keys that the field must have, such as ``levtype: pl``; several values are a list."""

    @field_validator("param", mode="before")
    @classmethod
    def _param(cls, param: str | int) -> str:
        return parameter(param).id

    @field_validator("formula")
    @classmethod
    def _formula(cls, formula: str) -> str:
        text = formula
        for key, value in _PLACES.items():
            text = text.replace(f"{{{key}}}", value)
        try:
            check_formula(text)
        except ProductError as error:
            raise ValueError(str(error)) from error
        return formula

    @field_validator("where", mode="before", json_schema_input_type=dict[str, str | int | list[str | int]])
    @classmethod
    def _where(cls, where: dict[str, Any]) -> dict[str, tuple[str, ...]]:
        found = {}
        for key, value in where.items():
            name = canonical_key(key)
            values = value if isinstance(value, list | tuple) else [value]
            found[name] = tuple(canonical_value(name, one) for one in values)
        return found

    def fits(self, keys: Mapping[str, str]) -> bool:
        """Whether a field of these keys may be made so."""
        return all(keys.get(key) in values for key, values in self.where.items())


class RecipeDocument(BaseModel):
    """A file of recipes."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    recipes: tuple[ParameterRecipe, ...]
    """The first that fits and whose fields exist is taken."""
