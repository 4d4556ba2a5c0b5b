"""Messages in packs of a real object store."""

from __future__ import annotations

from time import monotonic
from uuid import uuid4

import dask
import icechunk
import numpy as np
import obstore
import pytest
import xarray as xr
from obstore.store import S3Store

import dtedask
from dtedask.core.errors import DamagedError, MovedError
from dtedask.grib import scan
from dtedask.store import Schema
from dtedask.store.layouts import packs
from dtedask.testing import StoreSuite
from tests.store.conftest import make_field

CUBE = "od/oper/0001"
KEPT = Schema(layout="messages")


@pytest.fixture
def bucket(s3):
    """A prefix of its own, and its objects."""
    url = f"s3://{s3['S3_BUCKET']}/messages/{uuid4().hex}"
    options = {"virtual_hosted_style_request": False, "client_options": {"allow_http": True}}
    return url, S3Store.from_url(url, **options)


@pytest.fixture
def file(grib_folder):
    return grib_folder / "pl-regular-ll.grib"


class TestMessagesOnS3(StoreSuite):
    schema = KEPT

    @pytest.fixture
    def root(self, s3):
        return f"s3://{s3['S3_BUCKET']}/messages/{uuid4().hex}"


def names(objects, folder):
    return [str(one["path"]) for batch in obstore.list(objects, folder) for one in batch]


def content(objects, name):
    return bytes(obstore.get(objects, name).bytes())


def archive(root, file):
    store = dtedask.open(root, schema=KEPT)
    store.archive(file)
    store.flush()
    return store


def test_the_very_bytes_come_back_and_a_pack_is_a_file_of_grib(bucket, file):
    root, objects = bucket
    store = archive(root, file)
    data = file.read_bytes()
    messages = sorted(data[one.offset : one.offset + one.length] for one in scan(data))
    assert sorted(store.to_grib({})) == messages
    found = [content(objects, name) for name in names(objects, f"{CUBE}/packs")]
    assert sorted(pack[one.offset : one.offset + one.length] for pack in found for one in scan(pack)) == messages


def test_no_pack_holds_more_in_memory_than_it_may(bucket, file, monkeypatch):
    monkeypatch.setattr(packs, "MOST_IN_MEMORY", 20_000)
    root, objects = bucket
    store = archive(root, file)
    sizes = [len(content(objects, name)) for name in names(objects, f"{CUBE}/packs")]
    assert len(sizes) > 10
    assert max(sizes) < 22_000
    assert store.verify().is_whole


def test_plain_zarr_reads_them_with_credentials(bucket, s3, file):
    root, _ = bucket
    ours = archive(root, file).retrieve({})
    storage = icechunk.s3_storage(
        bucket=s3["S3_BUCKET"], prefix=f"{root.split('/', 3)[3]}/{CUBE}", endpoint_url=s3["AWS_ENDPOINT_URL"],
        region="us-east-1", allow_http=True, force_path_style=True, from_env=True,
    )  # fmt: skip
    places = icechunk.Repository.fetch_config(storage).virtual_chunk_containers
    allowed = icechunk.containers_credentials(dict.fromkeys(places, icechunk.s3_from_env_credentials()))
    repo = icechunk.Repository.open(storage, authorize_virtual_chunk_access=allowed)
    plain = xr.open_zarr(repo.readonly_session("main").store, group="fc/pl/10x10", consolidated=False)
    np.testing.assert_array_equal(plain["t"].sortby("level"), ours["t"])


@pytest.mark.parametrize("how", ["flipped", "cut", "gone"])
def test_damage_of_a_pack_is_told_and_repaired(bucket, file, how):
    root, objects = bucket
    store = archive(root, file)
    name = names(objects, f"{CUBE}/packs")[0]
    data = bytearray(content(objects, name))
    if how == "gone":
        obstore.delete(objects, name)
    else:
        data[700] ^= 8
        obstore.put(objects, name, bytes(data[:1000] if how == "cut" else data))
    reason = {"flipped": "is damaged", "cut": "too short", "gone": "missing"}[how]
    with pytest.raises(DamagedError, match=reason):
        list(store.values({}))
    findings = store.verify().findings
    assert len(findings) == (1 if how == "flipped" else 240)
    assert all(finding.requests for finding in findings)
    store.archive(file)
    store.flush()
    assert store.verify().is_whole


def test_packs_that_nobody_needs_are_purged(bucket):
    root, objects = bucket
    store = dtedask.open(root, schema=KEPT)
    for value in range(3):
        store.archive(*make_field(float(value), number="1", levelist="500"))
        store.flush()
    deadline = monotonic() + 30
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        while len(names(objects, "rd/enfo/test/packs")) > 1:  # this storage tells times in whole seconds
            assert monotonic() < deadline
            store.purge(keep_commits=1)
    assert store.retrieve({})["t"].to_numpy().ravel()[0] == 2.0


def test_a_root_that_was_copied_is_relocated(bucket, file):
    root, objects = bucket
    store = archive(root, file)
    first = store.history()[0].snapshot
    store.wipe("class=od,expver=0001,param=t", doit=True)
    expected = {state: store.at(state).retrieve({})["u"].to_numpy() for state in (first, store.history()[-1].snapshot)}
    other = f"{root}-copy"
    copies = S3Store.from_url(other, virtual_hosted_style_request=False, client_options={"allow_http": True})
    for name in names(objects, None):
        obstore.put(copies, name, content(objects, name))
        obstore.delete(objects, name)
    with pytest.raises(MovedError, match=f"relocate --root {other}"):
        list(dtedask.open(other).values("param=u"))
    assert dtedask.open(other).relocate(root).references == 192
    for state, values in expected.items():
        np.testing.assert_array_equal(dtedask.open(other, at=state).retrieve({})["u"], values)
    assert list(dtedask.open(other).to_grib("param=u"))
