"""VirtualiZarr's manifests become cubes, and cubes manifests."""

from __future__ import annotations

import shutil
from pathlib import Path

import icechunk
import numpy as np
import pytest
import xarray as xr
from virtualizarr.manifests import ManifestArray

import dtedask
from dtedask.core.errors import FieldError
from dtedask.grib import scan


@pytest.fixture
def store(tmp_path):
    return dtedask.open(tmp_path / "root")


@pytest.fixture
def files(tmp_path, grib_folder):
    names = ("pl-regular-ll.grib", "alternate-scanning.grib")
    return [Path(shutil.copy(grib_folder / name, tmp_path / name)) for name in names]


def written_and_read(virtual, folder, prefix):
    """A virtual dataset, written to Icechunk by VirtualiZarr and opened by xarray."""
    config = icechunk.RepositoryConfig.default()
    store = icechunk.local_filesystem_store(prefix)
    config.set_virtual_chunk_container(icechunk.VirtualChunkContainer(f"file://{prefix}/", store))
    leave = icechunk.containers_credentials({f"file://{prefix}/": None})
    repo = icechunk.Repository.create(icechunk.local_filesystem_storage(str(folder)), config, leave)
    session = repo.writable_session("main")
    virtual.vz.to_icechunk(session.store)
    session.commit("virtual")
    return xr.open_zarr(repo.readonly_session("main").store, consolidated=False)


@pytest.mark.slow
@pytest.mark.parametrize("request_", ["class=ea,param=t", "class=ea,param=z/r,levelist=500"])
def test_icechunk_reads_what_virtualizarr_writes_of_our_manifests(store, files, tmp_path, request_):
    store.virtualize(files[0])
    ours = store.retrieve(request_.replace("class=ea,", ""))
    virtual = store.to_virtualizarr(request_.replace("class=ea,", ""))
    theirs = written_and_read(virtual, tmp_path / "written", str(tmp_path))
    for name in ours.data_vars:
        np.testing.assert_array_equal(theirs[name], ours[name])
    for name in ours.dims:
        np.testing.assert_array_equal(theirs[name], ours[name])


def test_points_of_any_order_are_put_in_ours(store, files, tmp_path):
    store.virtualize(files[1])
    (name,) = store.retrieve("").data_vars
    theirs = written_and_read(store.to_virtualizarr(""), tmp_path / "written", str(tmp_path))
    np.testing.assert_array_equal(theirs[name], store.retrieve("")[name])


@pytest.mark.slow
def test_a_virtual_dataset_becomes_a_cube_and_only_its_messages_count(store, files, tmp_path):
    store.virtualize(files[0])
    virtual = store.to_virtualizarr("param=t").rename(t="other", level="height")
    other = dtedask.open(tmp_path / "other")
    done = other.virtualize(virtual)
    assert done.new == sum(1 for one in scan(files[0]) if one.field.short_name == "t")
    assert sorted(other.to_grib()) == sorted(store.to_grib("param=t"))


@pytest.mark.slow
def test_virtual_datasets_that_were_joined_are_taken(store, files, tmp_path):
    store.virtualize(files[0])
    parts = [store.to_virtualizarr(f"param=t,levelist={level}") for level in (500, 850)]
    joined = xr.concat(
        parts, dim="level", coords="minimal", compat="override", combine_attrs="override", join="override"
    )
    assert isinstance(joined["t"].variable.data, ManifestArray)
    other = dtedask.open(tmp_path / "other")
    other.virtualize(joined)
    assert other.axes()["levelist"] == ["500", "850"]
    assert sorted(other.to_grib()) == sorted(store.to_grib("param=t,levelist=500/850"))


def test_a_dataset_of_values_is_not_virtual(store):
    with pytest.raises(FieldError, match="None of the variables of the dataset is virtual"):
        store.virtualize(xr.Dataset({"t": ("x", [1.0])}))
