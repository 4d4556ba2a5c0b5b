"""MARS requests: reading and printing them, their vocabulary, and what they match."""

from dtedask.request.parameters import Parameter, parameter, parameter_ids, variable_name
from dtedask.request.ranges import RangeWarning
from dtedask.request.request import Request
from dtedask.request.steps import Step, format_step, parse_step
from dtedask.request.values import canonical_keys, canonical_value

__all__ = [
    "Parameter",
    "RangeWarning",
    "Request",
    "Step",
    "canonical_keys",
    "canonical_value",
    "format_step",
    "parameter",
    "parameter_ids",
    "parse_step",
    "variable_name",
]
