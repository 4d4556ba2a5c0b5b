"""Verification finds all damage, names the fields, and says how to get back."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import DamagedError
from dtedask.request import Request
from dtedask.store.location import Location
from dtedask.store.repository import head

CUBE = "rd/enfo/test"
KINDS = ("reference", "snapshot", "transaction", "manifest", "chunk")


def fields_of(store, requests):
    """Fields that some requests take."""
    return {tuple(sorted(record.keys.items())) for request in requests for record in store.list(request)}


@pytest.mark.slow
@pytest.mark.parametrize("store_name", ["store", "memory_store"])
def test_nothing_is_found_in_a_root_that_is_whole(request, store_name, make_field):
    store = request.getfixturevalue(store_name)
    for number in range(3):
        store.archive(*make_field(float(number), type="fc", levelist=str(500 + number)))
        store.flush()
    for options in ({}, {"all_snapshots": True}, {"quick": True}):
        found = store.verify(**options)
        assert found.is_whole, found
        assert found.objects >= 6
    assert found.snapshots == 1
    assert store.verify(all_snapshots=True).snapshots >= 3


@pytest.mark.slow
@pytest.mark.parametrize("how", ["deleted", "truncated", "flipped"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_damaged_object_is_one_finding(root, objects, damage, kind, how):
    for path in objects(root, kind):
        before = path.read_bytes()
        damage(path, how, len(before) // 2)
        (finding,) = dtedask.open(root).verify(all_snapshots=True).findings
        assert (finding.kind, finding.cube) == (kind, CUBE)
        assert finding.remedy
        if kind != "chunk":
            assert finding.path == str(path)
        path.write_bytes(before)
    assert dtedask.open(root).verify(all_snapshots=True).is_whole


def test_a_damaged_chunk_is_named_by_exactly_its_field(root, objects, damage):

    store = dtedask.open(root)
    everything = {tuple(sorted(record.keys.items())) for record in store.list()}
    named = []
    for path in objects(root, "chunk"):
        before = path.read_bytes()
        damage(path, "flipped", 40)
        (finding,) = store.verify().findings
        named.append(fields_of(store, finding.requests))
        with pytest.raises(DamagedError, match="checksum"):
            store.retrieve(finding.requests[0])["t"].load()
        path.write_bytes(before)
    assert all(len(fields) == 1 for fields in named)
    assert set.union(*named) == everything


def test_a_damaged_manifest_of_a_variable_names_its_fields(root, objects, damage):
    store = dtedask.open(root)
    everything = {tuple(sorted(record.keys.items())) for record in store.list()}
    requests = {}
    for path in objects(root, "manifest"):
        before = path.read_bytes()
        damage(path, "flipped", len(before) - 3)
        (finding,) = dtedask.open(root).verify().findings
        requests[path] = finding.requests
        path.write_bytes(before)
    assert all(fields_of(store, found) == everything for found in requests.values())
    assert sum("param=130" in found[0] for found in requests.values()) == 1


@pytest.mark.slow
def test_damaged_labels_are_an_error_of_a_read_and_found(store, make_field, as_new_process, damage):
    levels = np.random.default_rng(1).uniform(1, 1000, 100)
    for level in levels:
        store.archive(*make_field(1.0, type="fc", levelist=f"{level:.10g}"))
    store.flush()
    (path,) = (Path(store.root) / CUBE / "chunks").iterdir()  # all else is small enough for a manifest
    damage(path, "flipped", 300)
    as_new_process()
    with pytest.raises(DamagedError, match="labels 'fc/pl/regular_ll-[0-9a-f]+/level' in the snapshot"):
        list(store.list())
    (finding,) = store.verify().findings
    assert (finding.kind, finding.path.rsplit("/", 3)[1:]) == ("labels", ["level", "c", "0"])
    assert Request.parse(finding.requests[0])["levtype"] == ("pl",)


def test_damaged_opaque_bytes_are_named_by_their_keys(store, as_new_process, damage):
    key = {"class": "od", "stream": "oper", "expver": "0001", "type": "an", "date": "20240101", "time": "0000"}
    store.archive(np.random.default_rng(1).bytes(2000), key=key)
    (commit,) = store.flush()
    (path,) = (Path(commit.url) / "chunks").iterdir()
    damage(path, "flipped", 700)
    as_new_process()
    with pytest.raises(DamagedError, match="checksum"):
        list(store.read({}))
    (finding,) = store.verify().findings
    assert fields_of(store, finding.requests) == {tuple(sorted(record.keys.items())) for record in store.list()}
    assert finding.kind == "chunk"


def test_plain_zarr_refuses_a_damaged_chunk(root, objects, damage):
    for path in objects(root, "chunk"):
        damage(path, "flipped", 40)
    snapshot = head(Location.parse(root), CUBE)
    array = zarr.open_array(snapshot.session.store, path=f"{snapshot.group_names[0]}/t", mode="r")
    with pytest.raises(ValueError, match="checksum do not match"):
        array[...]


def test_a_damaged_digest_is_reported_as_such(root, damage):
    for path in (root / ".dtedask" / "digests").rglob("*.json"):
        damage(path, "flipped", path.stat().st_size // 2)
    found = dtedask.open(root).verify()
    (finding,) = found.findings
    assert (finding.kind, finding.requests) == ("digest", ())
    assert "Nothing is lost" in finding.remedy


def test_a_root_without_digests_says_so_and_is_whole(root):
    shutil.rmtree(root / ".dtedask" / "digests")
    found = dtedask.open(root).verify()
    assert found.is_whole
    assert len(found.undigested) == 1
    assert "no digest kept" in str(found)


def test_it_does_not_stop_at_the_first_damage(root, objects, damage):
    chunks = objects(root, "chunk")
    for path in chunks:
        damage(path, "deleted")
    damage(objects(root, "transaction")[0], "truncated", 3)
    found = dtedask.open(root).verify(all_snapshots=True)
    assert Counter(finding.kind for finding in found.findings) == {"chunk": len(chunks), "transaction": 1}
    assert {
        path for finding in found.findings if finding.kind == "chunk" for path in [finding.problem.split(": ")[1]]
    } == {str(path) for path in chunks}


def test_the_remedy_of_an_unreadable_head_leads_to_a_whole_state(root, objects, damage, as_new_process):
    first, _ = dtedask.open(root).history()
    damage(objects(root, "snapshot")[0], "truncated", 1000)
    as_new_process()
    (finding,) = dtedask.open(root).verify(all_snapshots=True).findings
    assert finding.requests == ("class=rd,stream=enfo,expver=test",)
    (good,) = set(re.findall(r"at=(\w+)", finding.remedy))
    assert good == first.snapshot
    assert dtedask.open(root, at=good).verify().is_whole


@pytest.mark.parametrize("kind", ["snapshot", "manifest"])
def test_a_rollback_leaves_a_damaged_head_behind(root, objects, damage, as_new_process, kind):
    first, second = dtedask.open(root).history()
    before = dtedask.open(root, at=first.snapshot).retrieve({}).load()
    for path in objects(root, kind):
        if kind == "snapshot" or b"".join(objects_of(root, first)).find(path.name.encode()) < 0:
            damage(path, "flipped", path.stat().st_size // 2)
    as_new_process()
    store = dtedask.open(root)
    with pytest.raises(DamagedError, match="is damaged"):
        list(store.list())
    plan = store.rollback(to=first.snapshot, cube=CUBE)
    assert "is damaged" in plan.cubes[0].damage
    (commit,) = store.rollback(to=first.snapshot, cube=CUBE, doit=True).commits
    assert (commit.sequence, commit.parent, commit.undone) == (3, first.snapshot, second.snapshot)
    assert store.retrieve({}).identical(before.assign_attrs(snapshot=commit.snapshot))
    assert store.verify().is_whole
    assert [one.sequence for one in store.history()][-1] == 3


def objects_of(root, commit):
    """The file with the digests of a commit, which names its manifests."""
    return [path.read_bytes() for path in (root / ".dtedask" / "digests").rglob(f"{commit.snapshot}.json")]


def test_a_snapshot_with_the_same_damaged_chunk_is_not_called_whole(root, objects, damage):
    store = dtedask.open(root)
    first, _ = store.history()
    remedies = {}
    for path in objects(root, "chunk"):
        before = path.read_bytes()
        damage(path, "flipped", 40)
        (finding,) = store.verify().findings
        remedies[Request.parse(finding.requests[0])["step"][0]] = first.snapshot in finding.remedy
        path.write_bytes(before)
    assert remedies == {"0": False, "6": True}


def test_a_request_limits_the_chunks_that_are_read(root, objects, damage):
    for path in objects(root, "chunk"):
        damage(path, "flipped", 40)
    found = dtedask.open(root).verify("step=6,levelist=850")
    assert [finding.requests for finding in found.findings] == [
        ("class=rd,stream=enfo,expver=test,type=fc,levtype=pl,date=20240101,time=0000,step=6,levelist=850,param=130",)
    ]


def test_quick_finds_what_is_missing_or_short_and_no_flipped_bit(root, objects, damage):
    for path, how in zip(objects(root, "chunk"), ("deleted", "truncated", "flipped"), strict=False):
        damage(path, how, 40)
    quick, full = (dtedask.open(root).verify(quick=quick) for quick in (True, False))
    assert (len(quick.findings), len(full.findings)) == (2, 3)
    assert quick.size_bytes < full.size_bytes


def test_a_damaged_field_can_be_archived_again(root, objects, damage, make_field):
    for path, how in zip(objects(root, "chunk"), ("deleted", "truncated", "flipped"), strict=False):
        damage(path, how, 40)
    store = dtedask.open(root)
    for step in ("0", "6"):
        for level in ("500", "850"):
            store.archive(*make_field(7.0, shape=(12, 18), type="fc", step=step, levelist=level))
    (commit,) = store.flush()
    assert commit.replaced == 4
    assert dtedask.open(root).verify().is_whole
    assert float(store.retrieve({})["t"].min()) == 7.0


@pytest.mark.slow
def test_it_is_whole_after_purge_and_after_wipe(store, make_field):
    for number in range(5):
        store.archive(*make_field(float(number), type="fc", levelist=str(500 + number % 2)))
        store.flush()
    store.wipe("class=rd,expver=test,levelist=500", doit=True)
    assert store.verify(all_snapshots=True).is_whole
    store.purge(keep_commits=2)
    found = store.verify(all_snapshots=True)
    assert found.is_whole, found
    assert found.undigested == ()


def test_what_a_rollback_left_behind_is_verified_too_until_it_is_purged(root, damage, as_new_process):
    store = dtedask.open(root)
    first, second = store.history()
    store.rollback(to=first.snapshot, doit=True)
    assert store.verify(all_snapshots=True).snapshots == 4
    assert store.verify(all_snapshots=True).is_whole
    damage(root / CUBE / "snapshots" / second.snapshot, "flipped", 900)
    as_new_process()
    assert store.verify().is_whole
    (finding,) = store.verify(all_snapshots=True).findings
    assert (finding.snapshot, finding.remedy[:30]) == (second.snapshot, "Newer snapshots do not need it")


def test_tags_that_are_damaged_are_found(root):
    store = dtedask.open(root)
    store.tag("good")
    assert store.verify(all_snapshots=True).is_whole
    (pin,) = (root / CUBE / "refs").glob("tag.*/ref.json")
    before = pin.read_bytes()
    pin.unlink()
    (finding,) = store.verify().findings
    assert (finding.kind, finding.path) == ("reference", str(pin))
    assert "the tag 'good' names the snapshot" in finding.problem
    pin.write_bytes(before)
    (root / ".dtedask" / "tags.json").write_bytes(b"{")
    (finding,) = store.verify().findings
    assert (finding.kind, finding.path) == ("root", str(root / ".dtedask" / "tags.json"))


def test_what_was_found_travels_as_json(root, objects, damage):
    damage(objects(root, "chunk")[0], "flipped", 40)
    found = dtedask.open(root).verify()
    document = json.loads(json.dumps(found.to_dict()))
    assert (document["is_whole"], len(document["findings"])) == (False, 1)
    assert "1 damaged" in repr(found)


@pytest.mark.slow
@settings(max_examples=60)
@given(data=st.data())
def test_whatever_bit_is_flipped_it_is_found(whole, tmp_path_factory, data, objects, damage):
    kind = data.draw(st.sampled_from(["snapshot", "manifest", "chunk", "transaction"]))
    root = shutil.copytree(whole, tmp_path_factory.mktemp("flip") / "root")
    found = objects(root, kind)
    path = found[data.draw(st.integers(0, len(found) - 1))]
    damage(path, "flipped", data.draw(st.integers(0, path.stat().st_size - 1)), data.draw(st.integers(0, 7)))
    (finding,) = dtedask.open(root).verify().findings
    assert finding.kind == kind
    shutil.rmtree(root)
