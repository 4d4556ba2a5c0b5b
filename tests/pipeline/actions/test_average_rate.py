"""The action `average-rate`: accumulations become mean rates over their intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import FieldError
from dtedask.pipeline import Message
from dtedask.pipeline.action import Context, make_action
from dtedask.pipeline.actions.average_rate import AverageRate, AverageRateOptions
from dtedask.pipeline.compute import Eager
from dtedask.testing import ActionSuite
from tests.pipeline.fields import field


def rated(message, **options):
    action = AverageRate(AverageRateOptions.model_validate({"type": "average-rate", **options}), Context())
    (out,) = action.handle(message, action.start(), Eager())
    return out


def accumulated(values, start_h, end_h, **keys):
    said = {"interval": (start_h * 3600, end_h * 3600), "step_type": "accum", "product": (("stepType", "accum"),)}
    return field(values, described=said, **{"param": "228228", "step": str(end_h), **keys})


class TestAverageRate(ActionSuite):
    @pytest.fixture
    def action(self):
        return make_action({"type": "average-rate"}, Context())

    @pytest.fixture
    def messages(self):
        return [accumulated([3.6], 0, 1), accumulated([7.2, np.nan], 1, 2)]


@given(st.integers(0, 240), st.integers(1, 240), st.floats(-1e6, 1e6))
def test_values_are_divided_by_the_seconds_of_the_interval(start, length, value):
    out = rated(accumulated([value, np.nan], start, start + length))
    np.testing.assert_allclose(out.values, [value / (length * 3600), np.nan], rtol=1e-15)


def test_the_field_says_what_it_is_now():
    out = rated(accumulated([3.6], 0, 1))
    assert out.keys["param"] == "235055"
    said = out.description
    assert (said.short_name, said.units, said.step_type) == ("avg_tprate", "kg m**-2 s**-1", "avg")
    assert said.interval == (0, 3600)
    assert said.product == (("stepType", "avg"),)


@pytest.mark.parametrize(
    ("keys", "seconds"),
    [
        ({"step": "24", "timespan": "6h"}, 6 * 3600),
        ({"step": "24", "timespan": "fs"}, 24 * 3600),
        ({"step": "12-24"}, 12 * 3600),
        ({"step": "90m", "timespan": "30m"}, 1800),
    ],
)
def test_the_interval_is_that_of_the_keys(keys, seconds):
    np.testing.assert_array_equal(rated(field([7.0], param="228228", **keys)).values, [7.0 * (1.0 / seconds)])


def test_a_rate_per_day_is_per_day():
    out = rated(accumulated([1.0], 0, 12, param="231041"))
    assert out.description.units == "km**-2 day**-1"
    np.testing.assert_allclose(out.values, [2.0], rtol=1e-15)


@pytest.mark.parametrize("message", [field(param="228228", step="0"), accumulated([1.0], 6, 6)])
def test_an_interval_without_length_is_an_error(message):
    with pytest.raises(FieldError, match=r"The interval of .*param=228228.* has no length"):
        rated(message)


def test_a_parameter_without_rate_is_an_error_that_says_what_to_do():
    with pytest.raises(FieldError, match=r"no mean rate of the parameter of .*param=167.* custom-mappings"):
        rated(field())
    with pytest.raises(FieldError, match=r"param=228,.*'scale' with preset-mappings: local-to-wmo"):
        rated(accumulated([1.0], 0, 6, param="228"))


def test_rates_of_your_own_are_known():
    out = rated(accumulated([7200.0], 0, 2, param="167"), **{"custom-mappings": [{"param-in": "2t", "param-out": 130}]})
    assert out.keys["param"] == "130"
    np.testing.assert_allclose(out.values, [1.0])


def test_what_is_no_field_goes_on():
    flush = Message.flush()
    assert rated(flush) is flush
