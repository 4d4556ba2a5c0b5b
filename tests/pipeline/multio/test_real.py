"""The fixture itself: what goes into the real MultIO comes back with all its bits, and its errors are seen."""

import numpy as np
import pytest

from tests.pipeline.multio.real import MultioError, metadata

SELECT = {"type": "select", "match": [{"param": ["167"]}]}


def test_fields_come_back_from_the_real_multio_with_all_their_bits_and_keys(multio):
    values = np.random.default_rng(1).standard_normal(100) * 1e-300
    calls = [("field", metadata(1), values), ("field", metadata(2, param=168), values), ("flush", {"step": 1})]
    (out,) = multio.run([SELECT], calls).fields
    assert out.values.tobytes() == values.tobytes()
    assert out.keys["param"] == "167"
    assert out.keys["step"] == 1


def test_an_error_of_the_real_multio_is_raised_with_its_reason(multio):
    keys = metadata(1)
    del keys["gridType"]
    action = {"type": "statistics", "operations": ["average"], "output-frequency": "1d"}
    with pytest.raises(MultioError, match="gridType metadata not present"):
        multio.run([action], [("field", keys, np.zeros(3))])
