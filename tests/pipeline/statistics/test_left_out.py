"""A field that the action fails on leaves no trace in the statistics of the others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.pipeline import Plan
from dtedask.pipeline.sinks.memory import MemorySink
from tests.pipeline.statistics.runs import at_step

SKIPPING = {
    "type": "statistics",
    "operations": ["average", "maximum", "stddev", "difference"],
    "output-frequency": "6h",
    "partial": True,
    "on-error": "skip",
}


def results(fields):
    kept = []
    plan = Plan.from_yaml({"actions": [SKIPPING, {"type": "sink", "sinks": [{"type": "memory"}]}]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemorySink, "take", lambda _sink, message: kept.append(message))
        plan.run(fields)
    return [(one.keys["param"], one.keys["step"], one.values.tobytes()) for one in kept]


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.integers(0, 59), st.sampled_from(["again", "earlier", "without a date", "another shape"])))
def test_skipped_fields_change_nothing(wrong):
    fields = [at_step(3600 * step, param=param) for step in range(30) for param in ("167", "165")]
    disturbed = []
    for place, one in enumerate(fields):
        disturbed.append(one)
        spoilt = {
            "again": one,
            "earlier": one.with_keys(step=str(max(0, place // 2 - 3))),
            "without a date": one.with_keys(date=None),
            "another shape": one.replaced(values=np.zeros((2, 2))).with_keys(step=f"{60 * (place // 2) + 20}m"),
        }
        # In the middle of a window, where a state is there to be spoilt.
        if place in wrong and (wrong[place] != "another shape" or place // 2 % 6 in (1, 2, 3, 4)):
            disturbed.append(spoilt[wrong[place]])
    assert results(disturbed) == results(fields)
