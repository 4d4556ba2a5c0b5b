"""The tables of parameters are those of the MultIO that is installed, and consistent with the units of ecCodes."""

from pathlib import Path

import multiolib
import pytest
import yaml

from dtedask.pipeline.keys.parameter_tables import AVERAGE_RATES, LOCAL_TO_WMO, pairs
from dtedask.pipeline.keys.parameters import known_parameter

MAPPINGS = Path(multiolib.__file__).parent / "share" / "multio" / "mappings"


def test_scalings_are_those_of_multio():
    rows = yaml.safe_load((MAPPINGS / "local-to-wmo.yaml").read_text())
    theirs = {(float(row["scaling"]), str(row["param-in"]), str(row["param-out"])) for row in rows}
    assert {(factor, *pair) for factor, text in LOCAL_TO_WMO.items() for pair in pairs(text)} == theirs


def test_rates_are_those_of_multio():
    rows = yaml.safe_load((MAPPINGS / "average_rate_param_mappings.yaml").read_text())
    assert pairs(AVERAGE_RATES) == [(str(row["paramIn"]), str(row["paramOut"])) for row in rows]


@pytest.mark.parametrize("factor", list(LOCAL_TO_WMO))
def test_a_factor_leads_to_the_units_that_belong_to_it(factor):
    units = {known_parameter(wmo).units for _, wmo in pairs(LOCAL_TO_WMO[factor])}
    assert units <= {1000.0: {"kg m**-2", "kg m**-2 s**-1"}, 100.0: {"%"}, 46698.05: {"DU"}}[factor]
