"""What is made of fields beside interpolating them: formulas, parameters by recipe, statistics of ensembles."""

from dtedask.products.derived.find import candidates, find
from dtedask.products.derived.formula import FormulaOperation, apply_formula
from dtedask.products.derived.members import MembersOperation
from dtedask.products.derived.names import check_formula, formula_inputs
from dtedask.products.derived.parameter import Derived

__all__ = [
    "Derived",
    "FormulaOperation",
    "MembersOperation",
    "apply_formula",
    "candidates",
    "check_formula",
    "find",
    "formula_inputs",
]
