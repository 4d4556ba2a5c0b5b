"""Numbers, status and contents of a root, on local disk and in memory."""

import json
import os

import numpy as np
import pytest

import dtedask
from dtedask.core.errors import NotFoundError
from dtedask.store.upkeep.registry import open_cube


@pytest.fixture(params=["store", "memory_store"])
def filled(request, make_field):
    """Two cubes; of one field in the first an older version is kept, and one was wiped."""
    store = request.getfixturevalue(request.param)
    for step in (0, 6, 12):
        store.archive(*make_field(step, step=step))
    store.archive(*make_field(1.0, expver="two", param="z"))
    store.flush()
    store.archive(*make_field(9.0, step=6))
    store.flush()
    store.wipe("class=rd,expver=test,step=12", doit=True)
    return store


def test_counts_are_those_of_a_listing(filled):
    found = filled.stats()
    for cube in found.cubes:
        records = [record for record in filled.list() if record.cube == cube.cube]
        assert cube.fields == len(records)
        assert cube.decoded_bytes == sum(record.grid.size * 4 for record in records)
        assert cube.commits == len(filled.history(cube.cube))
        assert {group.name: group.fields for group in cube.groups} == {
            group: sum(record.group == group for record in records) for group in filled.groups(cube.cube)
        }
    assert (found.fields, found.commits) == (3, 4)
    assert found.stored_bytes > 0


def test_fields_that_only_the_past_holds_are_counted(filled):
    assert {cube.cube: cube.replaced for cube in filled.stats().cubes} == {"rd/enfo/test": 2, "rd/enfo/two": 0}


def test_a_request_limits_what_is_counted(filled):
    for request in ("step=0", "param=z", "expver=test,step=0/6"):
        assert filled.stats(request).fields == len(list(filled.list(request)))


def test_the_past_has_numbers_of_its_own(filled):
    first = filled.history("rd/enfo/test")[0]
    (cube,) = filled.at(first.snapshot).stats().cubes
    assert (cube.fields, cube.commits, cube.replaced) == (3, 1, 0)


def test_fields_that_wait_do_not_count(filled, make_field):
    before = filled.stats(), filled.dump("rd/enfo/test")
    filled.archive(*make_field(3.0, step=18))
    assert (filled.stats(), filled.dump("rd/enfo/test")) == before


def test_where_names_the_cubes_that_hold_a_request(filled):
    assert filled.where() == [f"{filled.root}/rd/enfo/test", f"{filled.root}/rd/enfo/two"]
    assert filled.where("param=z") == [f"{filled.root}/rd/enfo/two"]
    assert filled.where("param=q") == []


@pytest.mark.slow
def test_status_tells_the_newest_commit_locks_and_what_waits(filled, make_field):
    lock = filled.lock("expver=two")
    filled.archive(*make_field(3.0, step=18))
    filled.archive(*make_field(3.0, expver="new"))
    new, test, two = filled.status().cubes
    assert (test.sequence, test.waiting, test.locks) == (3, 1, ())
    assert (two.sequence, two.waiting, two.locks) == (1, 0, (lock,))
    assert (new.cube, new.sequence, new.snapshot, new.waiting) == ("rd/enfo/new", 0, "", 1)
    assert test.snapshot == filled.history("rd/enfo/test")[-1].snapshot
    assert [cube.cube for cube in filled.status("expver=two").cubes] == ["rd/enfo/two"]


def test_status_names_the_process_that_commits(store, make_field):
    store.archive(*make_field())
    store.flush()
    assert store.status().cubes[0].holder == ""
    with open_cube(store._location, "rd/enfo/test", 1):
        (cube,) = store.status().cubes
    assert cube.holder.startswith("process ")
    assert [text.split(" on ")[0] for text in cube.in_use] == [f"transaction of process {os.getpid()}"]
    assert store.status().cubes[0].in_use == ()


def test_info_sums_up_the_root(filled):
    found = filled.info()
    assert (found.cubes, found.groups, found.fields, found.commits, found.locks) == (2, 2, 3, 4, 0)
    assert found.oldest < found.newest


@pytest.mark.slow
def test_equal_schemas_have_equal_digests(store, memory_store, tmp_path, make_field):
    (tmp_path / "schema.yaml").write_text("values: {dtype: float64}\n")
    other = dtedask.open(tmp_path / "other", schema=tmp_path / "schema.yaml")
    digests = []
    for one in (store, memory_store, other):
        one.archive(*make_field())
        one.flush()
        digests.append(one.info().schema_digest)
    assert digests[0] == digests[1] != digests[2]


def test_what_does_not_exist_has_no_info(tmp_path):
    with pytest.raises(NotFoundError, match="no root"):
        dtedask.open(tmp_path / "none").info()


def test_a_dump_shows_arrays_labels_and_free_slots(filled):
    found = filled.dump("rd/enfo/test")
    (group,) = found.groups
    axes = {axis.name: axis for axis in group.axes}
    assert axes["step"].labels[:2] == ("0", "6")
    assert axes["step"].free == (2,)
    (array,) = (array for array in group.arrays if array.role == "variable")
    assert (array.name, array.references, array.chunks[-2:]) == ("t", 2, (3, 4))
    assert sum(one.references for one in array.manifests) == 2
    assert array.codecs[-1] == "crc32c"
    assert found.snapshot == filled.history("rd/enfo/test")[-1].snapshot


def test_results_are_shown_as_text_html_and_json(filled):
    filled.lock("expver=two", reason="a < b")
    for found in (filled.stats(), filled.status(), filled.info(), filled.dump("rd/enfo/test")):
        assert filled.root in repr(found)
        assert len(repr(found)) < 300
        assert "<table>" in found._repr_html_()
        assert json.loads(json.dumps(found.to_dict()))
    assert "a &lt; b" in filled.status()._repr_html_()


def test_a_store_shows_its_cubes_fields_commits_and_locks_in_a_notebook(filled):
    filled.lock("expver=two", verbs=["wipe"])
    shown = filled._repr_html_()
    assert "<td>rd/enfo/test</td>" in shown
    assert "<td>2</td>" in shown
    assert "<td>3, 20" in shown
    assert "<td>expver=two</td>" in shown
    assert "no root" in dtedask.open("/nowhere/at/all")._repr_html_()


@pytest.mark.slow
def test_counting_looks_at_no_chunk_of_a_variable(filled, monkeypatch):
    from dtedask.store.snapshot import Snapshot

    monkeypatch.setattr(Snapshot, "present", None)
    assert filled.stats().fields == 3
    assert np.isfinite(filled.info().stored_bytes)
