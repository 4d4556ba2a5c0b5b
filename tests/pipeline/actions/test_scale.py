"""The action `scale`: values, parameter and units change together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import FieldError
from dtedask.pipeline import Kind, Message
from dtedask.pipeline.action import Context, make_action
from dtedask.pipeline.actions.scale import Scale, ScaleOptions
from dtedask.pipeline.compute import Eager
from dtedask.pipeline.keys.glossary import value_of
from dtedask.pipeline.keys.parameter_tables import LOCAL_TO_WMO, pairs
from dtedask.testing import ActionSuite
from tests.pipeline.fields import field

PAIRS = [(factor, *pair) for factor, text in LOCAL_TO_WMO.items() for pair in pairs(text)]


def scale(**options):
    return Scale(ScaleOptions.model_validate({"type": "scale", **options}), Context())


def scaled(action, message):
    (out,) = action.handle(message, action.start(), Eager())
    return out


class TestScale(ActionSuite):
    @pytest.fixture
    def action(self):
        return make_action({"type": "scale", "preset-mappings": "local-to-wmo"}, Context())

    @pytest.fixture
    def messages(self):
        return [field(param="228"), field(param="130"), field(param="164", step="6")]


def test_local_parameters_become_those_of_wmo_with_values_names_and_units():
    message = field([[1.5, np.nan], [0.0, -2.0]], param="228", described={"units": "m"})
    out = scaled(scale(**{"preset-mappings": "local-to-wmo"}), message)
    np.testing.assert_array_equal(out.values, [[1500.0, np.nan], [0.0, -2000.0]])
    assert out.keys["param"] == "228228"
    assert (out.description.short_name, out.description.units) == ("tp", "kg m**-2")
    assert value_of(out, "units") == "kg m**-2"
    np.testing.assert_array_equal(message.values, [[1.5, np.nan], [0.0, -2.0]])


@pytest.mark.parametrize(("factor", "local", "wmo"), PAIRS)
def test_one_preset_is_the_inverse_of_the_other_and_no_preset_does_both(factor, local, wmo):
    there, back = scale(**{"preset-mappings": "local-to-wmo"}), scale(**{"preset-mappings": "wmo-to-local"})
    out = scaled(there, field([0.25, 7.0], param=local))
    np.testing.assert_array_equal(out.values, np.array([0.25, 7.0]) * factor)
    assert scaled(there, out) is out
    again = scaled(back, out)
    np.testing.assert_allclose(again.values, [0.25, 7.0], rtol=1e-15)
    assert again.keys["param"] == ("243" if local == "174" else local)
    assert scaled(back, again) is again


@settings(max_examples=50)
@given(
    st.floats(1e-6, 1e6),
    st.floats(-1e6, 1e6),
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=5),
)
def test_custom_mappings_multiply_and_then_add(factor, offset, values):
    mapping = {"param-in": "2t", "param-out": 167, "scaling": factor, "offset": offset, "units": "degC"}
    out = scaled(scale(**{"custom-mappings": [mapping]}), field(values))
    np.testing.assert_array_equal(out.values, [value * factor + offset for value in values])
    assert (out.description.units, out.description.short_name, out.keys["param"]) == ("degC", "2t", "167")


def test_a_mapping_of_your_own_counts_more_than_the_preset():
    mapping = {"param-in": 228, "param-out": 228228, "scaling": 2.0}
    action = scale(**{"preset-mappings": "local-to-wmo", "custom-mappings": [mapping]})
    np.testing.assert_array_equal(scaled(action, field([1.0], param="228")).values, [2.0])
    np.testing.assert_array_equal(scaled(action, field([1.0], param="164")).values, [100.0])


def test_fields_without_mapping_and_other_messages_go_on_as_they_are():
    action = scale(**{"preset-mappings": "local-to-wmo"})
    for message in (field(param="130"), Message.flush(), Message(Kind.FIELD, {"name": "sst"}, np.zeros(2))):
        assert scaled(action, message) is message


def test_a_field_in_other_units_than_the_preset_takes_it_to_be_in_is_refused():
    message = field(param="228", described={"units": "kg m**-2"})
    with pytest.raises(FieldError, match=r"would scale .*param=228.* from 'm', but its values are in 'kg m\*\*-2'"):
        scaled(scale(**{"preset-mappings": "local-to-wmo"}), message)


def test_other_words_for_the_parameter_are_left_behind_with_it():
    message = field(param="228").with_keys(paramId=228, shortName="tp_local", name="the model's", units="m")
    out = scaled(scale(**{"preset-mappings": "local-to-wmo"}), message)
    assert {key: out.keys.get(key) for key in ("paramId", "shortName", "name", "units")} == {
        "paramId": "228228",
        "shortName": None,
        "name": "the model's",
        "units": None,
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Nothing is said to be scaled"),
        ({"preset-mappings": "local-to-wm"}, "local-to-wmo"),
        ({"custom-mappings": [{"param-in": "nosuch", "param-out": 167, "scaling": 1}]}, "Unknown parameter 'nosuch'"),
        ({"custom-mappings": [{"param-in": 167, "param-out": 167, "scaling": "nan"}]}, "cannot be scaled by nan"),
        ({"custom-mappings": [{"param-in": 167, "param-out": 167, "factor": 1}]}, "factor"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        scale(**options)
