"""Damage of what a cube consists of: a read gives the right data or says what is damaged, never wrong data."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import DamagedError, StoreError
from dtedask.store.repository import cached_snapshot
from dtedask.store.upkeep import integrity

CUBE = "rd/enfo/test"


def as_new_process():
    """Forget what this process has read and checked."""
    cached_snapshot.cache_clear()
    integrity._checked.clear()


@pytest.fixture(scope="module")
def whole(tmp_path_factory, make_field):
    """A root of two commits whose chunks are objects of their own; tests damage copies of it."""
    root = tmp_path_factory.mktemp("whole") / "root"
    store = dtedask.open(root)
    random = np.random.default_rng(1)
    for steps in (("0",), ("6",)):
        for step in steps:
            for level in ("500", "850"):
                array, keys = make_field(1.0, shape=(12, 18), type="fc", step=step, levelist=level)
                store.archive(array.copy(data=random.random(array.shape, dtype="float32")), keys)
        store.flush()
    return root


@pytest.fixture
def root(whole, tmp_path):
    """A copy to be damaged, as a process sees it that has read nothing."""
    as_new_process()
    yield shutil.copytree(whole, tmp_path / "root")
    as_new_process()


def objects(root, kind):
    """Objects of a kind that the newest snapshot needs."""
    cube = root / CUBE
    tip = json.loads((cube / integrity.BRANCH_FILE).read_text())["snapshot"]
    if kind == "reference":
        return [cube / integrity.BRANCH_FILE]
    if kind == "manifest":
        digests = json.loads((root / ".dtedask/digests" / CUBE.replace("/", "+") / f"{tip}.json").read_text())
        return [cube / "manifests" / name for name in sorted(digests["body"]["manifests"])]
    if kind in ("snapshot", "transaction"):
        return [cube / f"{kind}s" / tip]
    return sorted((cube / "chunks").iterdir())


def damage(path, how, position=0, bit=0):
    data = bytearray(path.read_bytes())
    if how == "deleted":
        path.unlink()
        return
    if how == "truncated":
        del data[position % len(data) :]
    else:
        data[position % len(data)] ^= 1 << bit
    path.write_bytes(data)


def everything(root):
    """All that a reader can see."""
    as_new_process()
    store = dtedask.open(root)
    fields = [(record.to_dict(), record.slots) for record in store.list()]
    tree = store.retrieve_tree()
    values = [
        (node.path, name, node.ds[name].to_numpy().tobytes()) for node in tree.subtree for name in node.ds.variables
    ]
    return fields, values, [(commit.sequence, commit.snapshot, commit.changes) for commit in store.history()]


@pytest.mark.parametrize("how", ["deleted", "truncated", "flipped"])
@pytest.mark.parametrize("kind", ["snapshot", "manifest", "chunk", "reference"])
def test_a_damaged_object_is_named_with_its_cube_and_what_to_do(root, kind, how):
    for path in objects(root, kind):
        before = path.read_bytes()
        damage(path, how, len(before) // 2)
        with pytest.raises(DamagedError, match=CUBE) as caught:
            everything(root)
        assert caught.value.hint
        if kind != "chunk":
            assert str(path) in caught.value.message
        path.write_bytes(before)
    everything(root)


@pytest.fixture(scope="module")
def expected(whole):
    return everything(whole)


@pytest.mark.slow
@settings(max_examples=100)
@given(data=st.data())
def test_whatever_is_flipped_a_read_gives_the_right_data_or_an_error(whole, expected, tmp_path_factory, data):
    kind = data.draw(st.sampled_from(["snapshot", "manifest", "chunk", "reference", "transaction"]))
    found = objects(whole, kind)
    place = data.draw(st.integers(0, len(found) - 1))
    size = found[place].stat().st_size
    root = shutil.copytree(whole, tmp_path_factory.mktemp("flip") / "root")
    damage(objects(root, kind)[place], "flipped", data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, 7)))
    try:
        assert everything(root) == expected
    except StoreError:
        pass
    finally:
        shutil.rmtree(root)


def test_a_damaged_digest_is_no_damage_of_data(root, caplog):
    expected = everything(root)
    for path in (root / ".dtedask" / "digests").rglob("*.json"):
        damage(path, "flipped", path.stat().st_size // 2)
    assert everything(root) == expected
    assert "is damaged" in caplog.text
    assert "nothing is checked by it" in caplog.text


def test_a_root_without_digests_is_read_as_before(root):
    expected = everything(root)
    shutil.rmtree(root / ".dtedask" / "digests")
    assert everything(root) == expected


def test_a_cube_whose_references_are_gone_does_not_vanish(root):
    shutil.rmtree(root / CUBE / "refs")
    with pytest.raises(DamagedError, match="names the newest snapshot, is damaged: it is missing"):
        list(dtedask.open(root).list())


def test_the_reference_is_repaired_as_the_error_says(root):
    expected = everything(root)
    (path,) = objects(root, "reference")
    damage(path, "truncated", 5)
    as_new_process()
    with pytest.raises(DamagedError) as caught:
        everything(root)
    path.write_text(caught.value.hint.rsplit(" ", 1)[1].rstrip("."))
    assert everything(root) == expected


def test_an_error_of_a_damaged_head_names_the_newest_snapshot_that_is_whole(root):
    first, _ = dtedask.open(root).history()
    damage(objects(root, "snapshot")[0], "flipped", 900)
    as_new_process()
    with pytest.raises(DamagedError, match=f"at={first.snapshot}"):
        list(dtedask.open(root).list())
    assert len(list(dtedask.open(root, at=first.snapshot).list())) == 2


def test_a_commit_on_a_damaged_manifest_is_not_published(root, make_field):
    manifests = objects(root, "manifest")
    store = dtedask.open(root)
    (head, *_) = reversed(store.history())
    for path in manifests:
        damage(path, "flipped", path.stat().st_size - 5)
    as_new_process()
    store.archive(*make_field(2.0, shape=(12, 18), type="fc", step="12", levelist="500"))
    with pytest.raises(StoreError, match=r"[Dd]amage"):
        store.flush()
    assert json.loads((root / CUBE / integrity.BRANCH_FILE).read_text())["snapshot"] == head.snapshot
