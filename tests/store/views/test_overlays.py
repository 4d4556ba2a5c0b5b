"""A cube seen under other keys: no copy, always up to date, and its own fields come first."""

import numpy as np
import pytest

import dtedask
from dtedask.core.errors import NoMatchError, ReadOnlyError, RequestError, StoreError
from dtedask.grib import describe
from dtedask.store import Schema
from dtedask.testing.fields import make_field

SOURCE, TARGET = "class=rd,stream=oper,expver=test", "class=od,expver=xyz1"


@pytest.fixture
def filled(store):
    for step in ("0", "6"):
        store.archive(*make_field(int(step), step=step))
    store.flush()
    return store


def test_fields_are_seen_under_both_keys_and_under_their_own_again(filled):
    assert list(filled.list("class=od")) == []
    trial = filled.overlay(SOURCE, TARGET)
    assert (trial.source, trial.target) == ("rd/oper/test", "od/oper/xyz1")
    assert not filled.overlays()
    made = filled.overlay(SOURCE, TARGET, reason="reference run", doit=True)
    other = dtedask.open(filled.root)
    assert {(one.keys["class"], one.keys["expver"], one.cube) for one in other.list("class=od")} == {
        ("od", "xyz1", "od/oper/xyz1")
    }
    assert len(list(other.list())) == 4
    assert other.axes()["expver"] == ["test", "xyz1"]
    assert other.cubes() == ["rd/oper/test"]
    assert other.remove_overlay("od/oper/xyz1") == made
    assert other.overlays() == (made,)
    other.remove_overlay(made.id, doit=True)
    assert len(list(filled.list())) == 2


def test_what_comes_into_the_source_is_seen_at_once_without_a_copy(filled):
    filled.overlay(SOURCE, TARGET, doit=True)
    filled.archive(*make_field(12, step="12"))
    filled.flush()
    found = filled.retrieve("class=od")
    assert found["t"].to_numpy()[0, :, 0, 0, 0].tolist() == [0, 6, 12]
    assert (found.attrs["mars_class"], found.attrs["mars_expver"], found.attrs["cube"]) == (
        "od",
        "xyz1",
        "od/oper/xyz1",
    )
    (record,) = filled.list("class=od,step=12")
    assert record.location.startswith(f"{filled.root}/rd/oper/test/")
    assert filled.where("class=od") == [f"{filled.root}/rd/oper/test"]


@pytest.mark.parametrize("layout", ["map", "messages"])
def test_messages_carry_the_new_keys_and_the_same_values(grib_folder, layout, tmp_path):
    root = dtedask.open(tmp_path / "real", schema=Schema(layout=layout))
    root.archive(grib_folder / "ens-50.grib")
    root.flush()
    root.overlay("class=od,stream=enfo,expver=0001", "class=rd,expver=abcd", doit=True)
    request = "number=0/1/50"
    for ours, theirs in zip(root.to_grib(f"class=rd,{request}"), root.to_grib(f"class=od,{request}"), strict=True):
        new, old = describe(ours).keys, describe(theirs).keys
        assert new == {**old, "class": "rd", "expver": "abcd"}
    pairs = zip(root.values(f"class=rd,{request}"), root.values(f"class=od,{request}"), strict=True)
    assert all(np.array_equal(one, other) for (_, one), (_, other) in pairs)


def test_a_copy_of_an_overlay_has_the_new_keys(tmp_path, grib_folder):
    root = dtedask.open(tmp_path / "real", schema=Schema(layout="messages"))
    root.archive(grib_folder / "ens-50.grib")
    root.flush()
    root.overlay("class=od,stream=enfo,expver=0001", "class=rd,expver=abcd", doit=True)
    root.copy("class=rd,number=1/2", tmp_path / "other")
    other = dtedask.open(tmp_path / "other")
    assert [describe(message).keys["expver"] for message in other.to_grib()] == ["abcd", "abcd"]
    assert list(other.to_grib()) == list(root.to_grib("class=rd,number=1/2"))


def test_own_fields_come_before_those_that_are_laid_over(filled):
    filled.archive(*make_field(50, step="6", **{"class": "od", "expver": "xyz1"}))
    filled.flush()
    with pytest.raises(StoreError, match="a cube 'od/oper/xyz1'.*--force"):
        filled.overlay(SOURCE, TARGET, doit=True)
    filled.overlay(SOURCE, TARGET, force=True, doit=True)
    assert filled.retrieve("class=od")["t"].to_numpy()[0, :, 0, 0, 0].tolist() == [0, 50]
    assert [float(values.flat[0]) for _, values in filled.values("class=od,step=6/0")] == [50, 0]


def test_what_is_archived_under_the_new_keys_goes_into_a_cube_of_its_own(filled):
    filled.overlay(SOURCE, TARGET, doit=True)
    filled.archive(*make_field(70, step="0", **{"class": "od", "expver": "xyz1"}))
    filled.flush()
    assert filled.cubes() == ["od/oper/xyz1", "rd/oper/test"]
    assert filled.retrieve("class=od")["t"].to_numpy()[0, :, 0, 0, 0].tolist() == [70, 6]
    assert filled.retrieve("class=rd")["t"].to_numpy()[0, :, 0, 0, 0].tolist() == [0, 6]
    assert filled.wipe("class=od,expver=xyz1", doit=True).fields == 1
    with pytest.raises(ReadOnlyError, match=r"lie in rd/oper/test and are seen as od/oper/xyz1"):
        filled.wipe("class=od,expver=xyz1", doit=True)


def test_the_past_is_seen_under_the_new_keys_too(filled):
    before = filled.history()[-1].snapshot
    filled.archive(*make_field(12, step="12"))
    filled.flush()
    filled.overlay(SOURCE, TARGET, doit=True)
    assert [one.keys["step"] for one in filled.at(before).list("class=od")] == ["0", "6"]
    assert len(list(filled.list("class=od", masked=True))) == 3


@pytest.mark.slow
def test_what_is_not_clear_is_refused(filled):
    for source, target, message in (
        ("class=rd,expver=test", TARGET, "lacks stream"),
        (f"{SOURCE},step=0", TARGET, "no cube with exactly the keys"),
        (SOURCE, "class=od/rd", "one value of each key"),
        (SOURCE, "class=rd", "are the same"),
        (SOURCE, "model=x", "has no key 'model'"),
    ):
        with pytest.raises((RequestError, NoMatchError), match=message):
            filled.overlay(source, target)
    filled.overlay(SOURCE, TARGET, doit=True)
    with pytest.raises(StoreError, match="has the overlay .* already"):
        filled.overlay(SOURCE, TARGET, doit=True)
    with pytest.raises(NoMatchError, match="no overlay 'od/oper/none'"):
        filled.remove_overlay("od/oper/none")
