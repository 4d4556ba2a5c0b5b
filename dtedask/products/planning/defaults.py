"""What planning asks others of: recipes of parameters, pairs of fields, names in formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from dtedask.products.derived import candidates, formula_inputs
from dtedask.products.operations.pairs import inputs_for

if TYPE_CHECKING:
    from dtedask.products.planning.recipes import Recipe
    from dtedask.products.requirement import Formula, PostProcessing

__all__ = ["FindRecipes", "FormulaInputs", "NativeInputs", "fields_in_formula", "find_recipes", "native_inputs"]

Keys = Mapping[str, str]
FindRecipes = Callable[[Keys], Sequence["Recipe"]]
"""Ways to make a field of some keys of others; none where there is none."""
NativeInputs = Callable[[Keys, "PostProcessing"], Sequence[Keys]]
"""The one or two fields that a field is made of by post-processing: both components of a wind, for example."""
FormulaInputs = Callable[["Formula", Keys], Iterable[tuple[str, Keys]]]
"""The other fields that a formula names."""


def find_recipes(keys: Keys) -> Sequence[Recipe]:
    """Ways of `dtedask.products.derived`."""
    return candidates(keys)


def native_inputs(keys: Keys, how: PostProcessing) -> Sequence[Keys]:
    """Fields of `dtedask.products.operations`: one, or both components of a wind."""
    return inputs_for(keys, how)


def fields_in_formula(formula: Formula, keys: Keys) -> Iterable[tuple[str, Keys]]:
    """Fields that a formula of `dtedask.products.derived` names."""
    return formula_inputs(formula.text, keys)
