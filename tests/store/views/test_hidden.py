"""What is hidden is kept, and nobody sees it."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import ControlledError, NoMatchError, NotFoundError
from dtedask.testing.fields import make_field

_NAMES = itertools.count()


@pytest.fixture
def filled(memory_store):
    for number, (step, level) in enumerate((step, level) for step in ("0", "6") for level in ("500", "850")):
        memory_store.archive(*make_field(number, step=step, levelist=level))
    memory_store.flush()
    return memory_store


def fields(store, request=None):
    return [(one.keys["step"], one.keys["levelist"]) for one in store.list(request)]


def test_hidden_fields_are_neither_listed_nor_read_until_they_are_shown_again(filled):
    assert filled.hide("step=6,levelist=500").fields == 1
    assert len(fields(filled)) == 4
    done = filled.hide("step=6,levelist=500", reason="broken", doit=True)
    assert (done.fields, done.cubes, done.entries[0].reason) == (1, ("rd/oper/test",), "broken")
    other = dtedask.open(filled.root)
    assert fields(other) == [("0", "500"), ("0", "850"), ("6", "850")]
    assert len(list(other.values({}))) == len(list(other.to_grib())) == 3
    with pytest.raises(NoMatchError, match="step=6"):
        other.retrieve("step=6,levelist=500")
    assert [one.reason for one in other.hidden("step=6")] == ["broken"]
    assert other.unhide("step=6,levelist=500").fields == 1
    assert len(fields(other)) == 3
    other.unhide(done.entries[0].id, doit=True)
    assert len(fields(filled)) == 4


def test_a_hidden_field_is_a_gap_in_a_dataset_and_in_a_cube(filled, store):
    for number, (step, level) in enumerate((step, level) for step in ("0", "6") for level in ("500", "850")):
        store.archive(*make_field(number, step=step, levelist=level))
    store.flush()
    store.hide("step=6,levelist=500", doit=True)
    group = f"{store.root}/rd/oper/test"
    for found in (store.retrieve({}), dtedask.open_cube(group), dtedask.open_cube(group).chunk().compute()):
        corner = found["t"].to_numpy()[0, :, :, 0, 0]
        assert np.array_equal(corner, [[0, 1], [np.nan, 3]], equal_nan=True)
    store.hide({}, doit=True)
    with pytest.raises(NoMatchError, match="hidden"):
        dtedask.open_cube(group)


def test_what_is_hidden_stays_as_it_is(filled):
    filled.hide("step=6", reason="wrong model", doit=True)
    with pytest.raises(ControlledError, match="wrong model.*hide --undo"):
        filled.archive(*make_field(9, step="6"))
    with pytest.raises(NoMatchError, match="step"):
        filled.wipe("class=rd,expver=test,step=6", doit=True)
    with pytest.raises(ControlledError, match="wrong model"):
        filled.wipe("class=rd,expver=test", doit=True)
    filled.unhide("step=6", doit=True)
    assert len(fields(filled)) == 4


def test_what_is_hidden_is_not_told_of_the_past_either(filled):
    filled.archive(*make_field(9, step="6", levelist="500"))
    filled.flush()
    assert len(list(filled.list(masked=True))) == 5
    filled.hide("step=6", doit=True)
    assert {one.keys["step"] for one in filled.list(masked=True)} == {"0"}


def test_hiding_where_nothing_is_says_so(memory_store, filled):
    with pytest.raises(NotFoundError, match="no root"):
        dtedask.open("memory://nothing-to-hide").hide("class=od", doit=True)
    assert filled.hide("step=12").fields == 0
    with pytest.raises(NoMatchError, match="hides nothing by 'step=6'.*Nothing is hidden"):
        filled.unhide("step=6")


STEPS = st.lists(st.sampled_from(["0", "6"]), unique=True, max_size=2)
LEVELS = st.lists(st.sampled_from(["500", "850"]), unique=True, max_size=2)


@pytest.mark.slow
@settings(max_examples=15)
@given(st.lists(st.tuples(STEPS, LEVELS), max_size=3))
def test_any_hidden_requests_leave_what_none_of_them_takes(hidden):
    store = dtedask.open(f"memory://hide-model-{next(_NAMES)}")
    for step in ("0", "6"):
        for level in ("500", "850"):
            store.archive(*make_field(1, step=step, levelist=level))
    store.flush()
    requests = [{"step": steps, "levelist": levels} for steps, levels in hidden if steps and levels]
    for request in requests:
        store.hide(request, doit=True)
    expected = [
        (step, level)
        for step in ("0", "6")
        for level in ("500", "850")
        if not any(step in one["step"] and level in one["levelist"] for one in requests)
    ]
    assert fields(store) == expected
    for entry in store.hidden():
        store.unhide(entry.id, doit=True)
    assert len(fields(store)) == 4
