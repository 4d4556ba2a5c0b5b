"""Files of others become fields of a cube and stay where they are."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

import icechunk
import numpy as np
import pytest

import dtedask
from dtedask.core.errors import (
    DamagedError,
    FieldError,
    GribSyntaxError,
    NotFoundError,
    SourceChangedError,
    SourceMissingError,
    StoreError,
)
from dtedask.grib import scan
from dtedask.store import Schema

FILES = ("ens-50.grib", "o32.grib2", "missing-values.grib", "spherical-harmonics.grib", "icon.grib", "lambert.grib")
ODD = "a b/ü #%25 'x' [1]"


def messages_of(*paths):
    return [path.read_bytes()[one.offset : one.offset + one.length] for path in paths for one in scan(path)]


@pytest.fixture
def files(tmp_path, grib_folder):
    """Real files in a folder of their own, whose name has what URLs quote."""
    folder = tmp_path / ODD
    folder.mkdir(parents=True)
    return [Path(shutil.copy(grib_folder / name, folder)) for name in FILES]


@pytest.fixture
def store(tmp_path):
    return dtedask.open(tmp_path / "root")


@pytest.mark.slow
def test_to_grib_gives_the_very_bytes_of_the_files(store, files):
    done = store.virtualize(files)
    assert sorted(store.to_grib()) == sorted(messages_of(*files))
    assert (done.fields, done.new, done.copied, done.files) == (len(messages_of(*files)), done.fields, 0, len(files))


@pytest.mark.slow
def test_values_are_those_of_the_fields_archived(store, files, tmp_path):
    store.virtualize(files)
    decoded = dtedask.open(tmp_path / "decoded")
    decoded.archive(one for path in files for one in scan(path))
    decoded.flush()
    for (one, values), (two, expected) in zip(store.values(""), decoded.values(""), strict=True):
        assert one.keys == two.keys
        np.testing.assert_array_equal(values, expected)


@pytest.mark.slow
def test_nothing_but_references_is_written(store, files):
    store.virtualize(files[:3])
    assert not list(Path(store.root).rglob("packs"))
    with pytest.raises(NotFoundError):
        store.virtualize(files[0].parent / "none.grib")


@pytest.mark.slow
def test_folders_and_patterns_are_virtualized_and_a_dry_run_writes_nothing(store, files):
    trial = store.virtualize(files[0].parent, dry_run=True)
    assert not Path(store.root).exists()
    done = store.virtualize(files[0].parent)
    assert (trial.fields, trial.bytes, trial.cubes) == (done.fields, done.bytes, done.cubes)
    assert trial.commits == ()


@pytest.mark.slow
def test_the_same_again_changes_nothing_and_what_was_appended_is_added(store, files, grib_folder):
    ens = files[0]
    data = ens.read_bytes()
    parts = list(scan(ens))
    ens.write_bytes(data[: parts[40].offset])
    store.virtualize(ens)
    again = store.virtualize(ens)
    assert (again.unchanged, again.commits) == (40, ())
    with ens.open("ab") as file:
        file.write(data[parts[40].offset :])
    added = store.virtualize(ens)
    assert (added.new, added.replaced, added.unchanged) == (11, 40, 0)  # the file has another state now
    assert sorted(store.to_grib()) == sorted(messages_of(ens))


def test_a_file_that_changed_is_refused_until_it_is_virtualized_again(store, files):
    path = files[1]
    store.virtualize(path)
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(SourceChangedError, match="it had 12000 bytes of .* and has 12000 bytes of .* now") as caught:
        next(store.values(""))
    assert path.name in caught.value.message
    assert "dtedask store virtualize" in caught.value.hint
    with pytest.raises(SourceChangedError):
        store.retrieve("param=t").load()
    path.write_bytes(path.read_bytes())
    store.virtualize(path)
    assert list(store.to_grib()) == messages_of(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(SourceChangedError):
        next(store.to_grib())


def test_a_file_that_was_replaced_by_an_equal_one_is_another_file(store, files):
    store.virtualize(files[1])
    other = Path(shutil.copy2(files[1], files[1].with_suffix(".new")))
    other.replace(files[1])
    with pytest.raises(SourceChangedError, match="has changed"):
        next(store.values(""))


@pytest.mark.slow
def test_a_file_that_is_gone_is_named_and_verify_names_its_fields(store, files):
    store.virtualize(files[:2])
    assert not store.verify().findings
    files[1].unlink()
    with pytest.raises(SourceMissingError, match="o32.grib2.* is gone"):
        next(store.values("levtype=ml"))
    (finding,) = store.verify().findings
    assert "levtype=ml" in finding.requests[0]
    assert "o32.grib2" in finding.problem
    assert "Restore the file, or wipe" in finding.remedy


def test_verify_names_fields_of_files_that_changed(store, files):
    store.virtualize(files[1])
    os.utime(files[1])
    (finding,) = store.verify().findings
    assert "has changed" in finding.problem
    assert "dtedask store virtualize" in finding.remedy
    assert "levtype=ml" in finding.requests[0]
    (quick,) = store.verify(quick=True).findings
    assert quick.requests == finding.requests


def test_fields_of_one_message_are_copied(store, tmp_path, several_fields):
    path = tmp_path / "several.grib2"
    path.write_bytes(several_fields)
    done = store.virtualize(path)
    assert (done.fields, done.copied, done.bytes) == (2, 2, 0)
    assert store.virtualize(path).unchanged == 2
    path.unlink()
    assert len(list(store.to_grib())) == 2


def test_a_variable_of_encoded_fields_refuses_references(store, grib_folder):
    store.archive(grib_folder / "o32.grib2")
    store.flush()
    with pytest.raises(FieldError, match="'an/ml/O32/t' of the cube 'od/oper/0001' holds encoded fields"):
        store.virtualize(grib_folder / "o32.grib2")
    assert not store.dirty
    assert len(store.history()) == 1


def test_a_variable_of_messages_takes_copies_and_references(tmp_path, grib_folder):
    store = dtedask.open(tmp_path / "root", schema=Schema(layout="messages"))
    store.archive(list(scan(grib_folder / "ens-50.grib"))[:20])
    store.flush()
    done = store.virtualize(grib_folder / "ens-50.grib")
    assert (done.new, done.replaced) == (31, 20)
    assert len(list(store.to_grib())) == 51


def test_a_bad_file_leaves_nothing_behind_or_is_passed_over(store, grib_folder):
    bad = grib_folder / "era5-levels-corrupted.grib"
    with pytest.raises(GribSyntaxError, match="era5-levels-corrupted"):
        store.virtualize([grib_folder / "o32.grib2", bad])
    assert not Path(store.root).exists() or not store.cubes()
    done = store.virtualize([grib_folder / "o32.grib2", bad], on_error="skip")
    assert done.skipped[0].location == str(bad)
    assert done.new == done.fields > 1


@pytest.mark.slow
def test_wipe_and_rollback_and_purge_leave_the_files_alone(store, files):
    ens = files[0]
    before = ens.read_bytes()
    store.virtualize(ens)
    store.tag("whole")
    store.wipe("class=od,expver=1,number=1/to/20", doit=True)
    assert len(list(store.list())) == 31
    store.rollback("whole", doit=True)
    assert len(list(store.to_grib())) == 51
    store.untag("whole")
    store.wipe("class=od,expver=1", doit=True)
    store.purge(keep_commits=1)
    assert ens.read_bytes() == before


def test_a_virtual_cube_is_copied_by_its_bytes(store, files, tmp_path):
    store.virtualize(files[0])
    target = dtedask.open(tmp_path / "target")
    store.copy("", target)
    files[0].rename(files[0].with_suffix(".away"))
    assert sorted(target.to_grib()) == sorted(messages_of(files[0].with_suffix(".away")))


def test_handles_and_datasets_of_a_virtual_cube_travel(store, files):
    store.virtualize(files[1])
    dataset = pickle.loads(pickle.dumps(store.retrieve("param=t")))
    expected = next(store.values("param=t"))[1]
    np.testing.assert_array_equal(dataset["t"].squeeze(), expected)
    assert list(pickle.loads(pickle.dumps(store)).to_grib()) == messages_of(files[1])


def test_a_root_in_memory_refers_to_files(memory_store, files):
    memory_store.virtualize(files[0])
    assert sorted(memory_store.to_grib()) == sorted(messages_of(files[0]))
    os.utime(files[0])
    with pytest.raises(DamagedError, match="has changed"):
        next(memory_store.to_grib())


def test_containers_are_added_and_the_rest_of_the_configuration_stays(store, grib_folder, files):
    store.archive(grib_folder / "ens-50.grib")
    store.flush()
    storage = icechunk.local_filesystem_storage(f"{store.root}/od/enfo/0001")
    before = icechunk.Repository.fetch_config(storage)
    other = dtedask.open(store.root)
    other.virtualize(files[1])  # another cube
    assert icechunk.Repository.fetch_config(storage).virtual_chunk_containers.keys() == (
        before.virtual_chunk_containers.keys()
    )
    storage = icechunk.local_filesystem_storage(f"{store.root}/od/oper/0001")
    first = icechunk.Repository.fetch_config(storage)
    other.virtualize(grib_folder / "regular-gg-model-levels.grib2")
    after = icechunk.Repository.fetch_config(storage)
    assert {*after.virtual_chunk_containers} > {*first.virtual_chunk_containers}
    assert after.manifest.splitting == first.manifest.splitting
    assert after.inline_chunk_threshold_bytes == first.inline_chunk_threshold_bytes == 512


def test_what_waits_for_a_flush_is_not_mixed_with_it(store, grib_folder):
    store.archive(grib_folder / "o32.grib2")
    with pytest.raises(StoreError, match="Fields wait in"):
        store.virtualize(grib_folder / "ens-50.grib")
    store.discard()


def test_plain_zarr_reads_a_virtual_cube_that_is_authorised(store, files):
    import zarr

    store.virtualize(files[1])
    storage = icechunk.local_filesystem_storage(f"{store.root}/od/oper/0001")
    places = icechunk.Repository.fetch_config(storage).virtual_chunk_containers
    repo = icechunk.Repository.open(
        storage, authorize_virtual_chunk_access=icechunk.containers_credentials(dict.fromkeys(places))
    )
    array = zarr.open_array(repo.readonly_session("main").store, path="an/ml/O32/t", mode="r")
    np.testing.assert_array_equal(array[0, 0, 0], next(store.values(""))[1])


@pytest.mark.slow
def test_workers_read_the_files_themselves(store, files):
    from distributed import Client, LocalCluster

    from dtedask.ingest import ingest

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        assert ingest(files[0], store, client=client, refers=True).new == 51
        assert not list(Path(store.root).rglob("packs"))
        expected = next(store.values("param=z"))[1]
        dataset = store.retrieve("param=z").chunk()
        np.testing.assert_array_equal(dataset["z"].isel(member=0).squeeze(), expected)
