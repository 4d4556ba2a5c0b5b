"""Several roots read like one: side by side, each field once, the first root first."""

import pickle

import numpy as np
import pytest
import xarray as xr

import dtedask
from dtedask.core.errors import FieldError, MissingFieldsError, NoMatchError, NotFoundError, SchemaError
from dtedask.store import Schema
from dtedask.testing.fields import make_field

BOTH = "spaces:\n- roots: [a, b]"


@pytest.fixture
def two(open_roots, put, tmp_path):
    """Two roots: steps 0 and 12 in one, 6 in the other, and step 12 in both."""
    one, other = (dtedask.open(tmp_path / name) for name in "ab")
    for store, step, value in ((one, "12", 12), (one, "0", 1), (other, "12", 99), (other, "6", 6)):
        put(store, value, step=step)
    put(other, 50, param="z")
    return open_roots(BOTH)


@pytest.mark.slow
def test_a_field_of_several_roots_is_listed_once_and_sorted_with_the_others(two, roots_of):
    assert list(roots_of(two, "step", "param=t").items()) == [("0", "a"), ("6", "b"), ("12", "a")]
    assert two.axes("param=t")["step"] == ["0", "6", "12"]
    assert [one.keys["step"] for one in two.inspect({**make_field(1)[1], "step": "12/6"})] == ["12", "6"]


def test_what_stands_in_the_shadow_is_told_when_it_is_asked_for(two, tmp_path):
    (behind,) = [one for one in two.list(masked=True) if one.is_masked]
    assert behind.to_dict()["shadowed_by"] == f"{tmp_path}/a"
    assert behind.location.startswith(f"{tmp_path}/b/")
    told = two.explain("param=t")
    assert [(one.fields, one.shadowed) for one in told.roots] == [(2, 0), (1, 1)]
    assert "1 more in the shadow" in str(told)
    assert told.to_dict()["roots"][1]["shadowed"] == 1


def test_a_replaced_field_is_told_beside_what_is_seen(two, put, tmp_path):
    put(dtedask.open(tmp_path / "b"), 7, step="6")
    masked = [one for one in two.list("step=6,param=t", masked=True) if one.replaced]
    assert [one.location.startswith(f"{tmp_path}/b/") for one in masked] == [True]


def test_fields_of_all_roots_are_one_lazy_dataset(two):
    found = two.retrieve("param=t/z", allow_missing=True)
    assert found["t"].dims == ("forecast_reference_time", "step", "level", "latitude", "longitude")
    assert not found["t"].variable._in_memory
    assert found["t"].to_numpy()[0, :, 0, 0, 0].tolist() == [1, 6, 12]
    assert np.isnan(found["z"].to_numpy()[0, 1:]).all()
    assert len(found.attrs["snapshots"]) == 2


@pytest.mark.slow
def test_parts_of_fields_come_from_their_roots(two):
    whole = two.retrieve("param=t")["t"].load()
    for key in ({"step": [2, 0]}, {"step": 1}, {"step": slice(0, 0)}, {"latitude": [3, 1], "longitude": slice(2, 9)}):
        part = two.retrieve("param=t")["t"].isel(key)
        assert np.array_equal(part.to_numpy(), whole.isel(key).to_numpy())
    chunked = pickle.loads(pickle.dumps(two.retrieve("param=t").chunk({"step": 1})))
    assert np.array_equal(chunked["t"].compute().to_numpy(), whole.to_numpy())


def test_fields_are_hidden_in_all_roots_at_once(two):
    assert two.hide("step=12").fields == 1
    done = two.hide("step=12", reason="broken", doit=True)
    assert two.axes("param=t")["step"] == ["0", "6"]
    assert [entry.reason for entry in two.hidden()] == ["broken"]
    assert {len(store.hidden()) for store in two.apart()} == {1}
    assert two.unhide(done.entries[0].id, doit=True).fields == 2
    assert two.axes("param=t")["step"] == ["0", "6", "12"]
    with pytest.raises(NoMatchError, match="hides nothing"):
        two.unhide("step=12", doit=True)


@pytest.mark.slow
def test_the_order_of_a_request_is_kept_over_roots(two):
    found = two.retrieve("param=t,step=6/12/0")
    assert (found["step"] / np.timedelta64(1, "h")).to_numpy().tolist() == [6, 12, 0]
    assert found["t"].to_numpy()[0, :, 0, 0, 0].tolist() == [6, 12, 1]
    assert [float(values.flat[0]) for _, values in two.values("param=t,step=6/12/0")] == [6, 12, 1]


@pytest.mark.slow
def test_a_tree_and_messages_are_of_all_roots(two, put, tmp_path):
    put(dtedask.open(tmp_path / "b"), 3, type="an")
    assert {name.split("/")[4] for name in two.retrieve_tree().groups if name.count("/") == 6} == {"an", "fc"}
    assert len(list(two.to_grib("type=fc"))) == 4
    with pytest.raises(MissingFieldsError, match="step=18"):
        two.retrieve("param=t,step=0/6/18")


@pytest.mark.slow
def test_a_space_shows_its_own_fields_only(open_roots, put, tmp_path, roots_of):
    for name in ("od", "rd"):
        put(dtedask.open(tmp_path / "a"), 1, **{"class": name})
    put(dtedask.open(tmp_path / "b"), 1, **{"class": "rd"})
    store = open_roots("spaces:\n- {select: class=od, roots: a}\n- {select: class=rd, roots: b}")
    assert roots_of(store, "class") == roots_of(store, "class", "class=od/rd") == {"od": "a", "rd": "b"}
    by_step = open_roots("spaces:\n- {select: {step: '0|1.'}, roots: a}")
    put(dtedask.open(tmp_path / "a"), 1, step="6")
    assert {one.keys["step"] for one in by_step.list()} == {"0"}


@pytest.mark.slow
def test_the_past_and_pinned_states_are_of_all_roots(two, put, tmp_path):
    pinned = two.pinned()
    put(dtedask.open(tmp_path / "a"), 5, step="6")
    assert [float(values.flat[0]) for _, values in pinned.values("param=t,step=6")] == [6]
    assert [float(values.flat[0]) for _, values in two.values("param=t,step=6")] == [5]
    (commit,) = pinned.refresh()
    assert commit.root == f"{tmp_path}/a"
    first = two.history()[0]
    assert [one.keys["step"] for one in two.at(first.snapshot).list()] == ["12"]
    with pytest.raises(NotFoundError, match="no snapshot"):
        list(two.at("2GQTGRZ0JBH5R1QZ1B7G").list())


def test_roots_that_do_not_agree_are_listed_and_not_mixed(open_roots, put, tmp_path):
    put(dtedask.open(tmp_path / "a"), 1, step="0")
    put(dtedask.open(tmp_path / "b"), 1, step="6", number="1")
    store = open_roots(BOTH)
    assert [record.keys["step"] for record in store.list()] == ["0", "6"]
    with pytest.raises(FieldError, match=r"/a/.* and .*/b/.* do not agree on the dimensions of 't'"):
        store.retrieve({})


def test_roots_of_other_languages_are_read_one_by_one(open_roots, put, tmp_path):
    put(dtedask.open(tmp_path / "a"), 1)
    put(dtedask.open(tmp_path / "b", schema=Schema(keys={"flavour": "string"})), 1)
    with pytest.raises(SchemaError, match=r"/a' and '.*/b' .* have other keys"):
        list(open_roots(BOTH).list())


@pytest.mark.slow
def test_real_fields_of_two_roots_are_what_one_root_gives(open_roots, tmp_path, grib_folder):
    file = grib_folder / "era5-levels-members.grib"
    one = dtedask.open(tmp_path / "one")
    store = open_roots("spaces:\n- {policy: round-robin, roots: [a, b, c]}")
    for target in (one, store):
        target.archive(file)
        target.flush()
    assert {commit.root for commit in store.history()} == {f"{tmp_path}/{name}" for name in "abc"}
    assert [dict(record.keys) for record in store.list()] == [dict(record.keys) for record in one.list()]
    request = "class=ea,levelist=850/500,number=3/1,param=z/t"
    expected, found = one.retrieve(request), store.retrieve(request)
    xr.testing.assert_equal(found, expected)
    assert list(found.data_vars) == list(expected.data_vars)
    assert list(store.to_grib(request)) == list(one.to_grib(request))
    assert store.axes() == one.axes()
