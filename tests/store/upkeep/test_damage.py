"""Damage of what a cube consists of: a read gives the right data or says what is damaged, never wrong data."""

import json
import re
import shutil
from contextlib import suppress

import dask
import icechunk
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import DamagedError, StoreError
from dtedask.store.location import Location
from dtedask.store.repository import open_repository
from dtedask.store.upkeep import integrity
from dtedask.store.upkeep.manifests import Extents, manifests_by_array

CUBE = "rd/enfo/test"


@pytest.fixture(scope="module")
def everything(as_new_process):
    """All that a reader can see."""

    def read(root):
        as_new_process()
        store = dtedask.open(root)
        fields = [(record.to_dict(), record.slots) for record in store.list()]
        nodes = store.retrieve_tree().subtree
        values = [(node.path, name, node.ds[name].to_numpy().tobytes()) for node in nodes for name in node.ds.variables]
        return fields, values, [(commit.sequence, commit.snapshot, commit.changes) for commit in store.history()]

    return read


@pytest.mark.parametrize("how", ["deleted", "truncated", "flipped"])
@pytest.mark.parametrize("kind", ["snapshot", "manifest", "chunk", "reference"])
def test_a_damaged_object_is_named_with_its_cube_and_what_to_do(root, kind, how, objects, damage, everything):
    for path in objects(root, kind):
        before = path.read_bytes()
        damage(path, how, len(before) // 2)
        with pytest.raises(DamagedError, match=CUBE) as caught:
            everything(root)
        assert caught.value.hint
        if kind == "chunk":
            assert re.search(r"\(class=rd,.*,step=[06],levelist=[58][05]0,param=130\)", caught.value.message)
        else:
            assert str(path) in caught.value.message
        path.write_bytes(before)
    everything(root)


@pytest.fixture(scope="module")
def expected(whole, everything):
    return whole, everything(whole)


@pytest.mark.slow
@settings(max_examples=100)
@given(data=st.data())
def test_whatever_is_flipped_a_read_gives_the_right_data_or_an_error(
    expected, tmp_path_factory, data, objects, damage, everything
):
    whole, seen = expected
    kind = data.draw(st.sampled_from(["snapshot", "past", "manifest", "chunk", "reference", "transaction"]))
    found = objects(whole, kind)
    place = data.draw(st.integers(0, len(found) - 1))
    size = found[place].stat().st_size
    root = shutil.copytree(whole, tmp_path_factory.mktemp("flip") / "root")
    damage(objects(root, kind)[place], "flipped", data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, 7)))
    try:
        assert everything(root) == seen
    except StoreError:
        pass
    finally:
        shutil.rmtree(root)


def test_a_damaged_digest_is_no_damage_of_data(root, caplog, objects, damage, everything, as_new_process):
    expected = everything(root)
    for path in (root / ".dtedask" / "digests").rglob("*.json"):
        damage(path, "flipped", path.stat().st_size // 2)
    assert everything(root) == expected
    assert "is damaged" in caplog.text
    assert "nothing is checked by it" in caplog.text


def test_a_root_without_digests_is_read_as_before(root, objects, damage, everything, as_new_process):
    expected = everything(root)
    shutil.rmtree(root / ".dtedask" / "digests")
    assert everything(root) == expected


def test_a_cube_whose_references_are_gone_does_not_vanish(root):
    shutil.rmtree(root / CUBE / "refs")
    with pytest.raises(DamagedError, match="names the newest snapshot, is damaged: it is missing"):
        list(dtedask.open(root).list())


def test_a_damaged_document_of_the_root_is_named(root):
    path = root / ".dtedask" / "root.yaml"
    for data in (b"", b"format: 1", b"\x00\xff", path.read_bytes()[:40]):
        path.write_bytes(data)
        with pytest.raises(DamagedError, match=r"\.dtedask/root\.yaml of the root cannot be read"):
            dtedask.open(root).schema()
        (finding,) = dtedask.open(root).verify().findings
        assert (finding.kind, finding.path) == ("root", str(path))


def test_the_reference_is_repaired_as_the_error_says(root, objects, damage, everything, as_new_process):
    expected = everything(root)
    (path,) = objects(root, "reference")
    damage(path, "truncated", 5)
    as_new_process()
    with pytest.raises(DamagedError) as caught:
        everything(root)
    path.write_text(caught.value.hint.rsplit(" ", 1)[1].rstrip("."))
    assert everything(root) == expected


def test_an_error_of_a_damaged_head_names_the_newest_snapshot_that_is_whole(
    root, objects, damage, everything, as_new_process
):
    first, _ = dtedask.open(root).history()
    damage(objects(root, "snapshot")[0], "flipped", 900)
    as_new_process()
    with pytest.raises(DamagedError, match=f"at={first.snapshot}"):
        list(dtedask.open(root).list())
    assert len(list(dtedask.open(root, at=first.snapshot).list())) == 2


@pytest.mark.slow
def test_every_byte_of_an_older_snapshot_is_compared_before_history_tells_of_it(root, objects, damage, as_new_process):
    store = dtedask.open(root)
    for path in objects(root, "past"):
        before = path.read_bytes()
        for position in range(0, len(before), 5):
            damage(path, "flipped", position)
            as_new_process()
            with pytest.raises(DamagedError, match=f"snapshots/{path.name} is damaged"):
                store.history()
            path.write_bytes(before)
    assert len(store.history()) == 2


@pytest.mark.slow
def test_a_difference_does_not_believe_a_damaged_log(root, objects, damage, as_new_process):
    first, second = dtedask.open(root).history()
    expected = dtedask.open(root).diff(first.snapshot, second.snapshot).to_dict()
    (path,) = objects(root, "transaction")
    before = path.read_bytes()
    for position in range(40, len(before), 9):
        damage(path, "flipped", position, 2)
        as_new_process()
        assert dtedask.open(root).diff(first.snapshot, second.snapshot).to_dict() == expected
        path.write_bytes(before)


def test_purge_does_not_take_what_a_damaged_manifest_has_lost(root, damage, as_new_process):
    store = dtedask.open(root)
    (path,) = manifests_of("t", root, store.history()[-1])
    whole = path.read_bytes()
    damage(path, "flipped", path.stat().st_size - 5)
    as_new_process()
    chunks = {one.name for one in (root / CUBE / "chunks").iterdir()}
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        with pytest.raises(DamagedError, match="nothing was collected"):
            store.purge()
        assert {one.name for one in (root / CUBE / "chunks").iterdir()} == chunks
        path.write_bytes(whole)
        assert store.purge().objects == 0


@pytest.mark.parametrize("is_killed", [False, True])
def test_the_rewriting_of_a_snapshot_by_an_expiry_is_no_damage(root, everything, monkeypatch, is_killed):
    """Icechunk gives the oldest snapshot that stays another parent: its bytes change, while readers read it."""
    store, seen, original = dtedask.open(root), [], icechunk.Repository.expire_snapshots
    before = everything(root)

    def expire(*args, **kwargs):
        found = original(*args, **kwargs)
        seen.append(everything(root))
        if is_killed:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(icechunk.Repository, "expire_snapshots", expire)
    limits = {"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}
    with dask.config.set(limits), suppress(KeyboardInterrupt):
        store.purge(keep_commits=1)
    for fields, values, history in (*seen, everything(root)):
        assert (fields, values) == before[:2]
        assert history == before[2][1:]
    assert len(seen) == 1
    assert store.verify(all_snapshots=True).is_whole


@pytest.mark.parametrize(("param", "is_published"), [("t", False), ("q", True)])
def test_a_commit_that_would_rewrite_a_damaged_manifest_is_not_published(
    root, damage, as_new_process, make_field, param, is_published
):
    head = dtedask.open(root).history()[-1]
    (path,) = manifests_of("t", root, head)
    damage(path, "flipped", path.stat().st_size - 5)
    as_new_process()
    store = dtedask.open(root)
    store.archive(*make_field(2.0, shape=(12, 18), type="fc", step="12", levelist="500", param=param))
    if is_published:
        (commit,) = store.flush()
        assert (commit.sequence, commit.new) == (3, 1)
    else:
        with pytest.raises(StoreError, match=r"[Dd]amage"):
            store.flush()
        assert json.loads((root / CUBE / integrity.BRANCH_FILE).read_text())["snapshot"] == head.snapshot


def manifests_of(variable, root, commit):
    repo = open_repository(Location.parse(root), CUBE)
    found = manifests_by_array(repo, commit.snapshot)
    return [
        root / CUBE / "manifests" / one.id for path in found if path.endswith(f"/{variable}") for one in found[path]
    ]


@given(
    splits=st.lists(st.integers(1, 4), min_size=2, max_size=2),
    chunks=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30),
    known=st.sets(st.integers(0, 40)),
)
def test_the_manifests_of_chunks_are_those_that_a_search_of_each_chunk_finds(splits, chunks, known):
    corners = [(a, b) for a in range(0, 10, splits[0]) for b in range(0, 10, splits[1])]
    names = tuple(map(str, range(len(corners))))
    first = np.array(corners, dtype=np.int64)
    extents = Extents(names, first, first + np.array(splits))
    wanted = {str(corners.index((a - a % splits[0], b - b % splits[1]))) for a, b in chunks}
    found = set(extents.holding(np.array(chunks), lambda name: int(name) in known))
    assert wanted - set(map(str, known)) <= found <= wanted
