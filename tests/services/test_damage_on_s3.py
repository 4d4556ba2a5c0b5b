"""Damage of a root in a real object store: reads tell of it, verify finds it, and the remedy works."""

from uuid import uuid4

import numpy as np
import obstore
import pytest
import xarray as xr
from obstore.store import S3Store

import dtedask
from dtedask.core.errors import DamagedError
from dtedask.store import handover
from dtedask.store.location import Location
from dtedask.store.repository import cached_snapshot, open_repository
from dtedask.store.upkeep import integrity
from dtedask.store.upkeep.manifests import manifests_by_array

CUBE = "rd/enfo/test"
KEYS = {"class": "rd", "stream": "enfo", "expver": "test", "type": "fc", "levtype": "pl", "levelist": "500"}
KEYS |= {"param": "t", "date": "20240101", "time": "0000"}
COORDINATES = {"latitude": np.linspace(90, -90, 12), "longitude": np.arange(18) * 20.0}


@pytest.fixture
def root(s3):
    """A root of two commits whose chunks are objects of their own."""
    url = f"s3://{s3['S3_BUCKET']}/damage/{uuid4().hex}"
    store = dtedask.open(url)
    for step in (0, 6):
        noise = np.random.default_rng(step).random((12, 18), dtype="float32")
        array = xr.DataArray(noise, dims=("latitude", "longitude"), coords=COORDINATES)
        store.archive(array, {**KEYS, "step": str(step)})
        store.flush()
    return url


def bucket(root):
    options = {"virtual_hosted_style_request": False, "client_options": {"allow_http": True}}
    return S3Store.from_url(root, **options)


def objects(root, folder):
    found = (str(one["path"]) for batch in obstore.list(bucket(root), f"{CUBE}/{folder}") for one in batch)
    return [name.removeprefix(f"{CUBE}/") for name in found]


def needed(root, kind, head):
    """Name of an object that the newest snapshot needs."""
    if kind == "manifest":
        found = manifests_by_array(open_repository(Location.parse(root), CUBE), head)
        return next(f"manifests/{manifests[0].id}" for path, manifests in found.items() if path.endswith("/t"))
    names = {"reference": integrity.BRANCH_FILE, "snapshot": f"snapshots/{head}"}
    return names.get(kind) or objects(root, f"{kind}s")[0]


def damage(root, name, how):
    data = bytearray(bytes(obstore.get(bucket(root), name).bytes()))
    data[len(data) // 2] ^= 1
    if how == "deleted":
        obstore.delete(bucket(root), name)
    else:
        obstore.put(bucket(root), name, bytes(data) if how == "flipped" else bytes(data[: len(data) // 2]))
    cached_snapshot.cache_clear()
    handover.forget()
    integrity._checked.clear()


@pytest.mark.parametrize("how", ["flipped", "truncated", "deleted"])
@pytest.mark.parametrize("kind", ["chunk", "manifest", "snapshot", "reference"])
def test_damage_is_an_error_of_a_read_and_one_finding_of_verify(root, kind, how):
    store = dtedask.open(root)
    assert store.verify(all_snapshots=True).is_whole
    damage(root, f"{CUBE}/{needed(root, kind, store.history()[-1].snapshot)}", how)
    with pytest.raises(DamagedError, match=f"{root}/{CUBE}"):
        store.retrieve({}).load()
    found = dtedask.open(root).verify(all_snapshots=True)
    assert {finding.kind for finding in found.findings} == {kind}
    assert all(finding.path.startswith(f"{root}/{CUBE}") for finding in found.findings)


def test_a_rollback_leaves_a_damaged_head_behind(root):
    store = dtedask.open(root)
    first, second = store.history()
    damage(root, f"{CUBE}/snapshots/{second.snapshot}", "truncated")
    (finding,) = dtedask.open(root).verify().findings
    assert f"--to {first.snapshot} --doit" in finding.remedy
    dtedask.open(root).rollback(to=first.snapshot, cube=CUBE, doit=True)
    assert [record.keys["step"] for record in dtedask.open(root).list()] == ["0"]
    assert dtedask.open(root).verify().is_whole
