"""A patch gives fields other keys, and a stop at any moment loses none of them."""

import itertools

import dask
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import (
    ControlledError,
    FieldError,
    GribUnsupportedError,
    KeyCollisionError,
    NoMatchError,
    RequestError,
)
from dtedask.grib import describe
from dtedask.store import Schema
from dtedask.store.layouts import MessageCodec
from dtedask.store.views import patch as patching
from dtedask.testing.fields import make_field

_NAMES = itertools.count()


@pytest.fixture
def filled(memory_store):
    for number in ("1", "2"):
        for step in ("0", "6"):
            memory_store.archive(*make_field(int(number) * 10 + int(step), step=step, type="pf", number=number))
    memory_store.flush()
    return memory_store


def held(store):
    return {(one.keys["expver"], one.keys["number"], one.keys["step"]): float(v.flat[0]) for one, v in store.values({})}


def test_fields_are_found_under_the_new_keys_alone(filled):
    before = held(filled)
    trial = filled.patch("number=1", {"expver": "0002"})
    assert (trial.fields, trial.is_done, held(filled)) == (2, False, before)
    done = filled.patch("number=1", {"expver": "0002"}, doit=True)
    assert [commit.cube for commit in done.commits] == ["rd/oper/0002", "rd/oper/test"]
    expected = {("0002" if key[1] == "1" else key[0], *key[1:]): value for key, value in before.items()}
    assert held(filled) == expected
    assert filled.history("rd/oper/test")[-1].removed == 2


def test_with_keep_they_are_under_both(filled):
    filled.patch("number=1", {"expver": 2}, keep=True, doit=True)
    assert len(held(filled)) == 6
    assert held(filled)[("0002", "1", "0")] == held(filled)[("test", "1", "0")]


def test_keys_inside_a_cube_change_in_it(filled):
    done = filled.patch("number=1", {"number": 7}, doit=True)
    assert {key[1] for key in held(filled)} == {"2", "7"}
    assert (done.fields, done.left, done.replaced) == (2, 0, 0)
    again = filled.patch("number=7", {"number": 2}, doit=True)
    assert again.replaced == 2
    assert held(filled) == {("test", "2", "0"): 10, ("test", "2", "6"): 16}


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["map", "messages"])
def test_real_messages_get_headers_that_eccodes_reads(tmp_path, grib_folder, layout):
    store = dtedask.open(tmp_path / "root", schema=Schema(layout=layout))
    store.archive(grib_folder / "ens-50.grib")
    store.flush()
    before = {one.keys["number"]: values for one, values in store.values("type=pf")}
    messages = list(store.to_grib("type=pf,number=1/2"))
    store.patch("type=pf,number=1/2", {"class": "rd", "expver": "abcd", "date": "20200229"}, doit=True)
    assert len(list(store.list("class=od"))) == 49
    patched = list(store.to_grib("class=rd"))
    for old, new in zip(messages, patched, strict=True):
        assert describe(new).keys == {**describe(old).keys, "class": "rd", "expver": "abcd", "date": "20200229"}
    for record, values in store.values("class=rd"):
        assert np.array_equal(values, before[record.keys["number"]])
    if layout == "messages":
        assert all(isinstance(part.variable.codec, MessageCodec) for part in store.select())
        assert all(len(old) == len(new) for old, new in zip(messages, patched, strict=True))


def test_what_no_message_can_say_is_refused_before_anything_is_done(tmp_path, grib_folder):
    store = dtedask.open(tmp_path / "root", schema=Schema(layout="messages"))
    store.archive(grib_folder / "ens-50.grib")
    store.flush()
    with pytest.raises(GribUnsupportedError, match="cannot say number=999"):  # GRIB1 has one byte for it
        store.patch("number=1", {"number": 999}, doit=True)
    assert len(store.history()) == 1


def test_what_makes_no_sense_is_refused(filled):
    for request, keys, kind, message in (
        ("number=1", {"param": "z"}, RequestError, "param says what a field is"),
        ("number=1", {}, RequestError, "needs new values"),
        ("number=1/2", {"number": 3}, KeyCollisionError, "would both be"),
        ("number=1", {"model": "x"}, FieldError, "has no 'model'"),
        ("number=9", {"expver": "2"}, NoMatchError, "number"),
    ):
        with pytest.raises(kind, match=message):
            filled.patch(request, keys, doit=True)
    filled.lock("number=1", ["wipe"], "kept")
    with pytest.raises(ControlledError, match="kept"):
        filled.patch("number=1", {"expver": "2"}, doit=True)
    assert len(filled.history()) == 1


def test_a_stop_between_the_commits_loses_nothing_and_the_same_again_goes_on(filled, monkeypatch):
    before = held(filled)
    monkeypatch.setattr(patching.Patching, "_leave", _stop)
    with pytest.raises(KeyboardInterrupt):
        filled.patch("number=1", {"expver": "0002"}, doit=True)
    monkeypatch.undo()
    assert {**held(filled), **before} == held(filled)
    done = filled.patch("expver=test,number=1", {"expver": "0002"}, doit=True)
    assert [commit.cube for commit in done.commits] == ["rd/oper/test"]
    assert len(held(filled)) == 4


def _stop(*_):
    raise KeyboardInterrupt


def test_what_changes_meanwhile_is_left_and_told(filled, monkeypatch):
    whole = patching.Patching._leave

    def leave(self, batch, message):
        other = dtedask.open(filled.root)
        other.archive(*make_field(99, step="6", type="pf", number="1"))
        other.flush()
        return whole(self, batch, message)

    monkeypatch.setattr(patching.Patching, "_leave", leave)
    done = filled.patch("number=1", {"expver": "0002"}, doit=True)
    assert (done.fields, done.left) == (2, 1)
    assert held(filled)[("test", "1", "6")] == 99
    assert ("test", "1", "0") not in held(filled)


@pytest.mark.slow
@settings(max_examples=15)
@given(
    st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, unique=True),
    st.sampled_from([{"expver": "0009"}, {"number": "7"}, {"date": "20240202"}, {"class": "od", "number": "8"}]),
    st.booleans(),
    st.integers(1, 10_000),
)
def test_a_patch_does_what_a_dictionary_does(numbers, changes, keep, most_bytes):
    store = dtedask.open(f"memory://patch-{next(_NAMES)}")
    for number in ("1", "2", "3"):
        store.archive(*make_field(int(number), shape=(2, 3), type="pf", number=number))
    store.flush()
    model = {tuple(sorted(one.keys.items())): float(values.flat[0]) for one, values in store.values({})}
    taken = {key for key in model if dict(key)["number"] in numbers}
    new = {tuple(sorted({**dict(key), **changes}.items())): model[key] for key in taken}
    with dask.config.set({"dtedask.store.copy-bytes": most_bytes}):
        if len(new) < len(taken):
            with pytest.raises(KeyCollisionError):
                store.patch({"number": numbers}, changes, keep=keep, doit=True)
            return
        store.patch({"number": numbers}, changes, keep=keep, doit=True)
    expected = {key: value for key, value in model.items() if keep or key not in taken} | new
    assert {tuple(sorted(one.keys.items())): float(values.flat[0]) for one, values in store.values({})} == expected
