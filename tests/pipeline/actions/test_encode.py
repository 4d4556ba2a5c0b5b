"""The actions encode and encode-mtg2: fields become messages."""

import eccodes
import numpy as np
import pytest

from dtedask.core.errors import FieldError, PlanError
from dtedask.grib import decode, describe
from dtedask.pipeline import Context, Plan
from dtedask.pipeline.action import make_action
from dtedask.pipeline.compute import Eager
from dtedask.pipeline.sinks import memory
from dtedask.testing import ActionSuite, make_message
from tests.pipeline.fields import field


def encoded(message, folder=None, **options):
    action = make_action(options, Context(folder=folder) if folder else Context())
    (out,) = action.handle(message, action.start(), Eager())
    assert out.values is None
    return out


def values_of(data):
    return decode(data, describe(data).order, dtype="float64")


def number(data, key):
    handle = eccodes.codes_new_from_message(data)
    try:
        return eccodes.codes_get(handle, key, int)
    finally:
        eccodes.codes_release(handle)


class TestEncode(ActionSuite):
    @pytest.fixture
    def action(self):
        return make_action({"type": "encode", "format": "grib", "accuracy": 0.1}, Context())

    @pytest.fixture
    def messages(self):
        return [field(step=str(step)) for step in (0, 6, 12)]


class TestEncodeMtg2(TestEncode):
    @pytest.fixture
    def action(self):
        return make_action({"type": "encode-mtg2", "packing": "ieee"}, Context())


class TestRaw(TestEncode):
    @pytest.fixture
    def action(self):
        return make_action({"type": "encode", "format": "raw"}, Context())


@pytest.mark.parametrize("kind", ["encode", "encode-mtg2"])
def test_a_field_becomes_a_message_of_its_keys(kind):
    message = make_message(5, step="12")
    out = encoded(message, type=kind, packing="ieee")
    assert describe(out.data).keys == message.keys == out.keys
    np.testing.assert_array_equal(values_of(out.data), message.values)


def test_raw_are_the_numbers_themselves():
    message = make_message(5)
    out = encoded(message, type="encode", format="raw")
    np.testing.assert_array_equal(np.frombuffer(out.data, "<f8").reshape(12, 18), message.values)


def test_what_is_encoded_already_is_handed_on():
    out = encoded(make_message(5), type="encode")
    action = make_action({"type": "encode", "packing": "ieee"}, Context())
    assert list(action.handle(out, None, Eager())) == [out]


def test_a_template_and_overwritten_keys_stand_in_the_message(tmp_path):
    first = encoded(make_message(1), type="encode", overwrite={"backgroundProcess": 9})
    (tmp_path / "t.tmpl").write_bytes(first.data)
    options = {"template": "t.tmpl", "overwrite": {"generatingProcessIdentifier": 42}, "run": {"expver": "abcd"}}
    out = encoded(make_message(2, step="6"), tmp_path, type="encode", encoding={"format": "grib", **options})
    assert number(out.data, "generatingProcessIdentifier") == 42
    assert number(out.data, "backgroundProcess") == 9
    assert describe(out.data).keys["expver"] == out.keys["expver"] == "abcd"


def test_a_template_that_is_no_grib2_is_refused(tmp_path):
    (tmp_path / "t.tmpl").write_text("no message")
    with pytest.raises(PlanError, match=r"template '.*t\.tmpl' cannot be read"):
        encoded(make_message(1), tmp_path, type="encode", template="t.tmpl")
    with pytest.raises(PlanError, match="No such file"):
        encoded(make_message(1), tmp_path, type="encode", template="absent.tmpl")


def test_misc_keys_of_a_field_are_set():
    message = make_message(1).with_keys(**{"misc-generatingProcessIdentifier": 154, "misc-bitsPerValue": 10})
    out = encoded(message, type="encode-mtg2", **{"mars2grib-options": {"applyChecks": True}})
    assert number(out.data, "generatingProcessIdentifier") == 154
    assert number(out.data, "bitsPerValue") == 10


def test_keys_that_a_mapping_collects_for_the_encoder_are_set():
    table = {
        "mappings": [
            {
                "match": {"param": "param"},
                "map": {"generatingProcessIdentifier": "process", "bitsPerValue": "bits"},
                "target-path": "encoder-overwrites",
            }
        ],
        "data": [{"param": 130, "process": 154, "bits": 10}],
    }
    mapping = make_action({"type": "metadata-mapping", "table": table}, Context())
    (message,) = mapping.handle(make_message(1), mapping.start(), Eager())
    out = encoded(message, type="encode-mtg2")
    assert number(out.data, "generatingProcessIdentifier") == 154
    assert number(out.data, "bitsPerValue") == 10


def test_the_packing_is_that_of_the_plan_and_else_of_the_field():
    message = make_message(1).with_keys(packing="simple")
    by_field, by_plan = (encoded(message, type="encode-mtg2", **more) for more in ({}, {"packing": "ieee"}))
    assert (describe(by_field.data).packing, describe(by_plan.data).packing) == ("grid_simple", "grid_ieee")


def test_another_grid_than_the_named_one_is_refused():
    with pytest.raises(FieldError, match="and not on O320, which atlas-named-grid asks for"):
        encoded(make_message(1), type="encode", **{"atlas-named-grid": "O320"})


def test_a_field_without_grid_or_keys_says_what_it_lacks():
    with pytest.raises(FieldError, match="has no grid and cannot be encoded"):
        encoded(make_message(1).replaced(description=None), type="encode")
    with pytest.raises(FieldError, match="has no class, expver and cannot be encoded"):
        encoded(make_message(1).with_keys(**{"class": None, "expver": None}), type="encode-mtg2")


def test_daily_statistics_are_encoded_as_such():
    statistics = {"type": "statistics", "operations": ["average", "maximum"], "output-frequency": "1d"}
    plan = Plan.from_yaml(
        {
            "actions": [
                statistics,
                {"type": "encode-mtg2", "packing": "ieee"},
                {"type": "sink", "sinks": [{"type": "memory", "name": "daily"}]},
            ]
        }
    )
    plan.run(make_message(step, step=str(step)) for step in range(0, 25, 6))
    found = {describe(one.data).keys["param"]: one.data for one in memory.kept("daily")}
    memory.forget("daily")
    fields = [make_message(step).values for step in (6, 12, 18, 24)]
    for param, kind, values in (
        ("235130", 0, np.mean(fields, axis=0)),
        ("237130", 2, np.max(fields, axis=0)),
    ):
        assert number(found[param], "productDefinitionTemplateNumber") == 8
        assert number(found[param], "typeOfStatisticalProcessing") == kind
        assert describe(found[param]).interval == (0, 86400)
        np.testing.assert_allclose(values_of(found[param]), values, rtol=1e-15)
