"""Scaling and rates against the real MultIO, bit for bit."""

import numpy as np
import pytest

from dtedask.pipeline import Kind, Message
from dtedask.pipeline.action import Context, make_action
from dtedask.pipeline.compute import Eager
from tests.pipeline.multio.real import metadata

VALUES = np.random.default_rng(7).standard_normal(200) * 10.0 ** np.random.default_rng(8).integers(-9, 9, 200)


def ours(document, keys):
    action = make_action(document, Context())
    message = Message(Kind.FIELD, keys, VALUES)
    (out,) = action.handle(message, action.start(), Eager())
    return out


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"preset-mappings": "local-to-wmo"}, 228),
        ({"preset-mappings": "local-to-wmo"}, 206),
        ({"preset-mappings": "wmo-to-local"}, 228228),
        ({"preset-mappings": "wmo-to-local"}, 260509),
        ({"preset-mappings": "wmo-to-local"}, 164),
        ({"custom-mappings": [{"param-in": 130, "param-out": 131, "scaling": 0.1}]}, 130),
        ({"custom-mappings": [{"param-in": 130, "param-out": 131, "scaling": 0.1}]}, 167),
    ],
)
def test_scaled_values_and_parameters_are_those_of_multio(multio, options, param):
    document = {"type": "scale", **options}
    keys = {**metadata(1, param=param), "param": param, "misc-bitmapPresent": False}
    (theirs,) = multio.run([document], [("field", keys, VALUES)]).fields
    out = ours(document, keys)
    assert str(out.keys["param"]) == str(theirs.keys["param"])
    assert out.values.tobytes() == theirs.values.tobytes()


def test_a_preset_of_multio_falls_through_to_the_other_and_ours_does_not(multio):
    document = {"type": "scale", "preset-mappings": "local-to-wmo"}
    keys = {**metadata(1), "param": 228228, "misc-bitmapPresent": False}
    (theirs,) = multio.run([document], [("field", keys, VALUES)]).fields
    assert theirs.keys["param"] == 228
    assert theirs.values.tobytes() == (VALUES * 0.001).tobytes()
    out = ours(document, keys)
    assert out.keys["param"] == 228228
    assert out.values.tobytes() == VALUES.tobytes()


def test_mean_rates_are_those_of_multio(multio):
    document = {"type": "average-rate"}
    keys = {**metadata(6, param=228228), "param": 228228, "timespan": 6, "misc-bitmapPresent": False}
    (theirs,) = multio.run([document], [("field", keys, VALUES)]).fields
    out = ours(document, keys)
    assert str(out.keys["param"]) == str(theirs.keys["param"])
    assert out.values.tobytes() == theirs.values.tobytes()
