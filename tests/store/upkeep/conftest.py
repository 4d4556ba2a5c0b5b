"""A root to be damaged, and ways to do it."""

import json
import shutil

import numpy as np
import pytest

import dtedask
from dtedask.store import handover
from dtedask.store.repository import cached_snapshot
from dtedask.store.upkeep import integrity

CUBE = "rd/enfo/test"


def _as_new_process():
    """Forget what this process has read and checked."""
    cached_snapshot.cache_clear()
    handover.forget()
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
    _as_new_process()
    yield shutil.copytree(whole, tmp_path / "root")
    _as_new_process()


def _objects(root, kind):
    """Objects of a kind that the newest snapshot needs."""
    cube = root / CUBE
    tip = json.loads((cube / integrity.BRANCH_FILE).read_text())["snapshot"]
    if kind == "reference":
        return [cube / integrity.BRANCH_FILE]
    if kind == "past":
        return sorted(path for path in (cube / "snapshots").iterdir() if path.name != tip)
    if kind == "manifest":
        digests = json.loads((root / ".dtedask/digests" / CUBE.replace("/", "+") / f"{tip}.json").read_text())
        return [cube / "manifests" / name for name in sorted(digests["body"]["manifests"])]
    if kind in ("snapshot", "transaction"):
        return [cube / f"{kind}s" / tip]
    return sorted((cube / "chunks").iterdir())


def _damage(path, how, position=0, bit=0):
    data = bytearray(path.read_bytes())
    if how == "deleted":
        path.unlink()
        return
    if how == "truncated":
        del data[position % len(data) :]
    else:
        data[position % len(data)] ^= 1 << bit
    path.write_bytes(data)


@pytest.fixture(scope="session")
def as_new_process():
    """Forget what this process has read and checked."""
    return _as_new_process


@pytest.fixture(scope="session")
def objects():
    """Objects of a kind that the newest snapshot of a root needs."""
    return _objects


@pytest.fixture(scope="session")
def damage():
    """Flip a bit of an object, cut it short, or delete it."""
    return _damage
