"""Files go into a plan as they stand: in their order, byte for byte or decoded, with a flush where the step changes."""

import eccodes
import numpy as np
import pytest

from dtedask.core.errors import InvalidValueError, PlanError
from dtedask.grib import encode
from dtedask.pipeline import Plan
from dtedask.pipeline.streams.feeding import check_encoded, feed, parse_step_range
from tests.pipeline.fields import GRID, KEYS

STEPS = ("6", "6", "0", "12")


@pytest.fixture(scope="module")
def messages():
    return [
        encode(
            np.arange(GRID.size).reshape(GRID.shape) / 7 + number,
            {**KEYS, "step": step, "param": str(166 + number % 2)},
            GRID,
        )
        for number, step in enumerate(STEPS)
    ]


@pytest.fixture(scope="module")
def files(messages, tmp_path_factory):
    folder = tmp_path_factory.mktemp("grib")
    (folder / "a.grib2").write_bytes(b"".join(messages[:3]))
    (folder / "b.grib2").write_bytes(messages[3])
    return [str(folder / "a.grib2"), str(folder / "b.grib2")]


def order(outs):
    return [out.keys["step"] if out.is_field else f"flush {out.keys['step']}" for out in outs]


def test_fields_come_in_the_order_of_the_files_with_a_flush_where_the_step_changes(files):
    assert order(feed(files)) == ["6", "6", "flush 6", "0", "flush 0", "12", "flush 12"]


def test_by_time_they_come_in_the_order_of_valid_times(files):
    assert order(feed(files, by_time=True)) == ["0", "flush 0", "6", "6", "flush 6", "12", "flush 12"]


def test_encoded_fields_are_the_bytes_of_the_file(files, messages):
    outs = [out for out in feed(files, decoded="no") if out.is_field]
    assert [out.data for out in outs] == messages
    assert [out.values for out in outs] == [None] * 4


@pytest.mark.parametrize(("decoded", "dtype"), [("double", "float64"), ("single", "float32")])
def test_decoded_fields_are_float64_or_rounded_to_float32(files, messages, decoded, dtype):
    outs = [out for out in feed(files, decoded=decoded) if out.is_field]
    for message, out in zip(messages, outs, strict=True):
        handle = eccodes.codes_new_from_message(message)
        wanted = eccodes.codes_get_values(handle).astype(dtype).astype("float64")
        eccodes.codes_release(handle)
        assert out.values.dtype == np.float64
        assert out.values.tobytes() == wanted.tobytes()


@pytest.mark.parametrize(("text", "steps"), [("0-6", ["6", "6", "0"]), ("7-99", ["12"]), ("12", ["12"]), ("1-5", [])])
def test_a_range_of_steps_leaves_out_all_others(files, text, steps):
    outs = feed(files, steps=parse_step_range(text))
    assert [out.keys["step"] for out in outs if out.is_field] == steps


@pytest.mark.parametrize("text", ["", "6-", "6-0", "a-b", "-6"])
def test_what_is_no_range_of_steps_is_refused(text):
    with pytest.raises(InvalidValueError, match=f"'{text}' is no range of steps. Write such as 0-24"):
        parse_step_range(text)


def test_a_plan_that_computes_wants_decoded_fields():
    select, average = {"type": "select", "match": [{"param": ["2t"]}]}, {"type": "statistics", "output-frequency": "1d"}
    check_encoded(Plan.from_yaml({"actions": [select, {"type": "null"}]}))
    plan = Plan.from_yaml({"name": "daily", "actions": [select, {**average, "operations": ["average"]}]})
    with pytest.raises(PlanError, match=r"Action 2 \(statistics\) of the pipeline 'daily' needs values.*--decode"):
        check_encoded(plan)
