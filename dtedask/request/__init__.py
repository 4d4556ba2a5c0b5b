"""MARS requests: reading and printing them, their vocabulary, and what they match."""

from dtedask.request.language import Language, own_type, types_for
from dtedask.request.parameters import Parameter, parameter, parameter_ids, variable_name
from dtedask.request.ranges import RangeWarning
from dtedask.request.request import Request
from dtedask.request.spans import interval_of_months, span_months, whole_months
from dtedask.request.steps import Step, format_step, parse_step
from dtedask.request.types import TYPES, are_compatible, canonical_text
from dtedask.request.values import canonical_keys, canonical_value
from dtedask.request.vocabulary import canonical_key, is_key, is_reserved

__all__ = [
    "TYPES",
    "Language",
    "Parameter",
    "RangeWarning",
    "Request",
    "Step",
    "are_compatible",
    "canonical_key",
    "canonical_keys",
    "canonical_text",
    "canonical_value",
    "format_step",
    "interval_of_months",
    "is_key",
    "is_reserved",
    "own_type",
    "parameter",
    "parameter_ids",
    "parse_step",
    "span_months",
    "types_for",
    "variable_name",
    "whole_months",
]
