"""Fields of files and cubes: one order, the same bits, and going on in the middle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import NoMatchError, NotFoundError, PlanError
from dtedask.grib import decode, scan
from dtedask.pipeline.message import Kind
from dtedask.pipeline.sources import open_source
from dtedask.testing import make_field


@pytest.fixture(scope="module")
def forecast(tmp_path_factory):
    """Files by member, so that their own order is not that of time, and a cube of them."""
    folder = tmp_path_factory.mktemp("sources")
    made, root = dtedask.open(folder / "made"), dtedask.open(folder / "root")
    for step in ("0", "6", "12"):
        for number in ("1", "2", "10"):
            made.archive(*make_field(float(step), number=number, step=step, type="pf"))
    made.flush()
    (folder / "files").mkdir()
    for number in ("10", "2", "1"):
        data = b"".join(made.to_grib({"number": number}))
        (folder / "files" / f"member-{number}.grib2").write_bytes(data)
        root.archive(data)
    root.flush()
    return folder


def said(messages):
    return [
        (
            m.kind,
            *(m.keys.get(key) for key in ("step", "number", "param")),
            None if m.values is None else m.values.tobytes(),
        )
        for m in messages
    ]


@pytest.mark.slow
def test_fields_come_in_the_order_of_time_members_in_that_of_their_numbers(forecast):
    messages = list(open_source(forecast / "files").messages())
    assert [(m.keys["step"], m.keys.get("number")) for m in messages] == [
        (step, number) for step in ("0", "6", "12") for number in ("1", "2", "10", None)
    ]
    assert [m.kind for m in messages[3::4]] == [Kind.FLUSH] * 3
    assert messages[-1].keys == {"flushKind": "step", "date": "20240101", "time": "0000", "step": "12"}


def test_files_and_a_cube_of_them_give_the_same_messages(forecast):
    assert said(open_source(forecast / "root").messages()) == said(
        open_source(str(forecast / "files/*.grib2")).messages()
    )


def test_values_of_files_are_rounded_as_a_cube_holds_them_or_not_at_all(grib_folder):
    path = grib_folder / "ens-50.grib"
    rounded = [m.values for m in open_source(path).messages() if m.is_field]
    exact = [m.values for m in open_source(path, dtype="float64").messages() if m.is_field]
    raw = {decode(one.read(), one.field.order, dtype="float64").tobytes() for one in scan(path)}
    assert {values.tobytes() for values in exact} == raw
    assert all(one.dtype == np.float64 for one in rounded)
    for one, other in zip(rounded, exact, strict=True):
        np.testing.assert_array_equal(one, other.astype("f4"))


@pytest.mark.slow
@settings(max_examples=15)
@given(st.integers(0, 11), st.sampled_from(["root", "files"]))
def test_a_position_goes_on_with_the_next_message(forecast, count, kind):
    source = open_source(forecast / kind)
    assert source.position == {}
    stream = source.messages()
    before = [next(stream) for _ in range(count)]
    again = open_source(forecast / kind)
    after = list(again.messages(source.position or None))
    assert said(before + after) == said(open_source(forecast / kind).messages())
    assert again.identity == source.identity


def test_a_position_holds_where_the_root_has_grown_since(tmp_path):
    store = dtedask.open(tmp_path / "data")
    for step in ("0", "6"):
        store.archive(*make_field(1.0, step=step))
        store.flush()
        if step == "0":
            first = open_source(tmp_path / "data")
            assert len(list(first.messages())) == 2
    later = open_source(tmp_path / "data")
    assert later.identity == first.identity
    assert [m.keys["step"] for m in later.messages(first.position)] == ["6", "6"]


def test_a_root_may_have_a_request_and_a_cube_is_one(forecast):
    (cube,) = dtedask.open(forecast / "root").cubes()
    by_request = open_source(f"{forecast / 'root'}[number=2,step=6/12]")
    assert (by_request.total, len(list(by_request.messages()))) == (2, 4)
    assert open_source(forecast / "root" / cube).total == 9
    assert open_source(f"{forecast / 'root' / cube}[number=10]").total == 3


def test_several_inputs_are_one_stream(forecast):
    parts = [f"{forecast / 'root'}[number=1/2]", forecast / "files" / "member-10.grib2"]
    joined = open_source(parts)
    assert said(joined.messages()) == said(open_source(forecast / "root").messages())
    assert joined.total == 9


def test_what_is_not_there_is_named(forecast):
    with pytest.raises(NotFoundError, match="no file"):
        open_source(forecast / "nothing.grib")
    with pytest.raises(NoMatchError, match="param=tp"):
        open_source(f"{forecast / 'root'}[param=tp]")
    with pytest.raises(PlanError, match="There is no input"):
        open_source([])
