"""Known faults of MultIO, each tried on the real one, which may be mended by now: asserted is only that ours has none.

What the installed one does is recorded as the property ``multio`` of the test report.
"""

import numpy as np
import pytest

from dtedask.core.errors import DtedaskError
from dtedask.pipeline import Plan
from dtedask.pipeline.run import Run
from tests.pipeline.multio import ours
from tests.pipeline.multio.real import MultioError, mars_metadata, metadata

VALUES = np.random.default_rng(5).uniform(-9, -1, (24, 6))
HOURS = range(1, 25)


def statistics(*operations, kind="statistics", **options):
    return [{"type": kind, "operations": list(operations), "output-frequency": "1d", "options": options}]


def calls_of(values, **keys):
    return [("field", metadata(step, **keys), one) for step, one in zip(HOURS, values, strict=True)]


def outcome(multio, actions, calls, **options):
    """What the real MultIO gives, or how it fails, as text."""
    try:
        return str([np.round(out.values, 6).tolist() for out in multio.run(actions, calls, **options).fields])
    except MultioError as error:
        return f"error: {error}"


@pytest.mark.slow
def test_the_maximum_of_negative_values_is_one_of_them(multio, record_property):
    record_property("multio", outcome(multio, statistics("maximum"), calls_of(VALUES)))
    (mine,) = ours.values(statistics("maximum"), calls_of(VALUES))
    np.testing.assert_array_equal(mine, VALUES.max(axis=0))


@pytest.mark.parametrize("operations", [("average", "maximum"), ("maximum", "average"), ("average", "minimum")])
@pytest.mark.parametrize("threshold", [1, 16, 20])
def test_with_a_threshold_every_operation_counts_for_itself(multio, record_property, operations, threshold):
    values = np.where(np.random.default_rng(6).random(VALUES.shape) < 0.3, np.nan, VALUES)
    calls = calls_of(np.where(np.isnan(values), 1e20, values), missingValue=1e20, bitmapPresent=True)
    actions = statistics(*operations, **{"value-count-threshold": threshold})
    record_property("multio", outcome(multio, actions, calls))
    enough = np.isfinite(values).sum(axis=0) >= threshold
    assert threshold == 1 or 0 < enough.sum() < enough.size or not enough.any()
    numpy = {"average": np.nanmean, "maximum": np.nanmax, "minimum": np.nanmin}
    for operation, mine in zip(operations, ours.values(actions, calls), strict=True):
        np.testing.assert_allclose(mine, np.where(enough, numpy[operation](values, axis=0), np.nan), rtol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("operation", ["average", "stddev"])
def test_a_state_that_is_saved_and_read_back_goes_on_to_the_last_bit(multio, record_property, tmp_path, operation):
    """MultIO's newer statistics refuse the files that they wrote; the older end the process after writing them."""
    record_property("multio", restarted_multio(multio, tmp_path, operation))
    calls = calls_of(VALUES)
    (action,) = Plan.from_yaml({"actions": statistics(operation)}).pipelines[0].actions
    state, outs = action.start(), []
    for number, call in enumerate(calls):
        if number == 10:
            state = action.load(action.save(state))
        outs += [out.values for out in action.handle(ours.message_of(*call), state, ours.Eager())]
    np.testing.assert_array_equal(outs, ours.values(statistics(operation), calls))


def restarted_multio(multio, folder, operation):
    start = ("flush", {"flushKind": "first-step", "date": 20240601, "time": 0, "step": 0})
    calls = [("field", mars_metadata(step, size=6), one) for step, one in zip(HOURS, VALUES, strict=True)]
    stop = ("flush", {"flushKind": "step-and-restart", "date": 20240601, "time": 0, "step": 10, "timeStep": 3600})
    kind = {"kind": "statistics-mtg2", "restart-path": str(folder)}
    outcome(multio, statistics(operation, **kind, **{"write-restart": True}), [start, *calls[:10], stop], collect=False)
    return outcome(multio, statistics(operation, **kind, **{"read-restart": True}), [start, *calls[10:]])


@pytest.mark.parametrize("preset", ["local-to-wmo", "wmo-to-local"])
@pytest.mark.parametrize("param", ["228", "228228", "164", "228164", "260509"])
def test_a_preset_scales_only_what_it_lists(multio, record_property, preset, param):
    """In MultIO local-to-wmo goes on to wmo-to-local: parameters that are WMO's already are scaled back."""
    calls = [("field", {**metadata(1, param=param), "param": int(param), "misc-bitmapPresent": False}, np.ones(2))]
    actions = [{"type": "scale", "preset-mappings": preset}]
    record_property("multio", outcome(multio, actions, calls))
    is_wmo = int(param) > 1000
    ((_, out),) = ours.run(actions, calls)
    changed = out.keys["param"] != param
    assert changed == (is_wmo if preset == "wmo-to-local" else not is_wmo)
    assert changed or out.values.tolist() == [1, 1]


def test_retrying_ends(multio, record_property):
    """In MultIO `recover` calls itself until the stack is full."""
    keys = metadata(1)
    del keys["gridType"]
    actions = statistics("average")
    actions[0]["on-error"] = "recover"
    record_property("multio", outcome(multio, actions, [("field", keys, np.ones(3))], timeout_s=5))
    waits = []
    plan = Plan.from_yaml({"actions": [{"type": "aggregate", "on-error": "recover"}]})
    run = Run(plan, sleep=waits.append)
    with pytest.raises(DtedaskError, match="'nowhere' is not known"):
        run.feed(ours.message_of("field", {**keys, "domain": "nowhere"}, np.ones(3)))
    run.close()
    assert waits == [1.0] * 3
