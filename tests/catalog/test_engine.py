"""The engine opens cubes, roots and catalogs by one call of xarray."""

import pickle
import subprocess
import sys

import cloudpickle
import numpy as np
import pytest
import xarray as xr

import dtedask
from dtedask.catalog import DtedaskBackendEntrypoint, rebuild
from dtedask.core.errors import DocumentError, NotFoundError, RequestError, SeveralGroupsError


def open_cube(store, **options):
    return xr.open_dataset(f"{store.root}/od/enfo/0001", engine="dtedask", group="pf/pl", **options)


@pytest.mark.slow
def test_a_cube_opens_by_the_beginning_of_the_name_of_its_group(forecast):
    dataset = open_cube(forecast)
    assert dataset["t"].dims == ("forecast_reference_time", "member", "step", "level", "latitude", "longitude")
    assert dict(dataset.sizes) == {
        "forecast_reference_time": 2, "member": 3, "step": 3, "level": 2, "latitude": 3, "longitude": 4
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("group", [None, "od/enfo/0001", "od/enfo/0001/pf/pl", "/od/enfo/0001/pf/"])
def test_a_root_opens_by_cube_and_group(forecast, group):
    xr.testing.assert_identical(xr.open_dataset(forecast.root, engine="dtedask", group=group), open_cube(forecast))


@pytest.mark.slow
def test_a_catalog_opens_by_entry(forecast):
    file = rebuild(forecast)
    (entry,) = (f"od/enfo/0001/{group}" for group in forecast.groups("od/enfo/0001"))
    xr.testing.assert_identical(xr.open_dataset(file, engine="dtedask", entry=entry), open_cube(forecast))
    xr.testing.assert_identical(xr.open_dataset(file, engine="dtedask"), open_cube(forecast))


def test_a_root_in_memory_opens_by_its_url(make_field, archive):
    store = dtedask.open("memory://engine")
    archive(store, make_field(5, levelist="500", number="1"))
    whole = xr.open_dataset("memory://engine", engine="dtedask")
    xr.testing.assert_identical(xr.open_dataset("memory://engine/od/enfo/0001", engine="dtedask", group="pf"), whole)
    assert whole["t"].min() == 5


@pytest.mark.slow
def test_opening_reads_no_field(forecast, monkeypatch):
    from dtedask.store.fields import FieldArray

    monkeypatch.setattr(FieldArray, "_read", lambda *_: pytest.fail("a field was read"))
    dataset = open_cube(forecast)
    assert dataset.isel(member=0, step=slice(1, None)).sizes["step"] == 2
    repr(dataset)


@pytest.mark.slow
def test_engine_is_guessed_for_what_is_ours_only(forecast, tmp_path):
    file = rebuild(forecast)
    guess = DtedaskBackendEntrypoint().guess_can_open
    other = tmp_path / "other.yaml"
    other.write_text("sources:\n  a: {driver: csv, args: {urlpath: a.csv}}\n")
    assert [guess(path) for path in (file, forecast.root, f"{forecast.root}/od/enfo/0001")] == [True, True, True]
    assert not any(guess(path) for path in (other, tmp_path, tmp_path / "a.nc", "s3://a/b", b"CDF", 7))
    assert xr.open_dataset(file).identical(open_cube(forecast))


def test_explicit_parameters_are_those_of_the_signature():
    from xarray.backends.plugins import detect_parameters

    entrypoint = DtedaskBackendEntrypoint()
    assert set(detect_parameters(entrypoint.open_dataset)) == set(entrypoint.open_dataset_parameters)
    assert xr.backends.list_engines()["dtedask"].description in repr(entrypoint)


@pytest.mark.slow
def test_variables_are_dropped(forecast):
    assert list(open_cube(forecast, drop_variables=["u", "absent"]).data_vars) == ["t"]


@pytest.mark.slow
def test_coordinates_follow_cf(forecast):
    dataset = open_cube(forecast)
    assert dataset["latitude"].attrs["units"] == "degrees_north"
    assert dataset["level"].attrs["standard_name"] == "air_pressure"
    assert dataset["step"].dtype.kind == "m"
    expected = dataset["forecast_reference_time"] + dataset["step"]
    np.testing.assert_array_equal(dataset["valid_time"], expected)


def test_valid_time_makes_one_sorted_axis_of_an_analysis(analysis):
    dataset = xr.open_dataset(analysis.root, engine="dtedask", time="valid")
    assert dataset["t"].dims == ("time", "latitude", "longitude")
    assert dataset.indexes["time"].is_monotonic_increasing
    np.testing.assert_array_equal(dataset["t"][:, 0, 0], [2, 1, 0, 3])


@pytest.mark.slow
def test_valid_time_of_forecasts_takes_the_latest(forecast):
    dataset = xr.open_dataset(forecast.root, engine="dtedask", time="valid")
    reference = open_cube(forecast)
    assert dataset.sizes["time"] == 6
    for index in range(6):
        one = dataset.isel(time=index)
        same = reference.sel(forecast_reference_time=one["forecast_reference_time"], step=one["step"])
        np.testing.assert_array_equal(one["t"], same["t"])
    later = reference.isel(forecast_reference_time=slice(1))["valid_time"].to_numpy().ravel()
    assert set(dataset["time"].to_numpy()) >= set(later)


@pytest.mark.slow
def test_the_past_is_opened_by_snapshot(forecast, make_field, archive):
    before = forecast.history()[-1].snapshot
    archive(forecast, make_field(0, number="1", levelist="300"))
    assert 300 in open_cube(forecast)["level"]
    assert 300 not in open_cube(forecast, at=before)["level"]


class TestTrees:
    @pytest.mark.slow
    def test_a_tree_holds_every_group_of_a_root(self, forecast, make_field, archive, analysis_keys):
        archive(forecast, make_field(1, analysis_keys))
        tree = xr.open_datatree(forecast.root, engine="dtedask")
        names = {f"/{cube}/{group}" for cube in forecast.cubes() for group in forecast.groups(cube)}
        assert {node.path for node in tree.leaves} == names
        assert len(names) == 2

    @pytest.mark.slow
    def test_a_tree_of_a_cube_names_groups_alone(self, forecast):
        tree = xr.open_datatree(f"{forecast.root}/od/enfo/0001", engine="dtedask", chunks={})
        (group,) = forecast.groups("od/enfo/0001")
        xr.testing.assert_identical(tree[group].to_dataset().compute(), open_cube(forecast).compute())

    def test_a_tree_of_a_catalog_gives_analyses_their_time_axis(self, analysis):
        tree = xr.open_datatree(rebuild(analysis), engine="dtedask")
        (leaf,) = tree.leaves
        assert leaf["t"].dims[0] == "time"

    @pytest.mark.slow
    def test_a_part_of_a_tree_is_named_by_its_beginning(self, forecast, make_field, archive, analysis_keys):
        archive(forecast, make_field(1, analysis_keys))
        groups = xr.open_groups(forecast.root, engine="dtedask", group="ea")
        assert [name.split("/")[1] for name in groups] == ["ea"]


class TestErrors:
    def test_an_absent_group_names_those_that_exist(self, forecast):
        (group,) = forecast.groups("od/enfo/0001")
        with pytest.raises(NotFoundError, match=rf"no group 'an/pl'\. It has {group}"):
            xr.open_dataset(f"{forecast.root}/od/enfo/0001", engine="dtedask", group="an/pl")

    @pytest.mark.slow
    def test_an_absent_cube_names_the_nearest(self, forecast):
        with pytest.raises(NotFoundError, match=r"no cube 'od/enfo/0002'.*'od/enfo/0001'"):
            xr.open_dataset(forecast.root, engine="dtedask", group="od/enfo/0002/pf/pl")

    def test_a_path_below_a_root_names_its_cubes(self, forecast):
        with pytest.raises(NotFoundError, match=r"no cube, root or catalog.*has the cubes od/enfo/0001"):
            xr.open_dataset(f"{forecast.root}/od/oper/0001", engine="dtedask")

    def test_a_path_elsewhere_is_said_to_hold_nothing(self, tmp_path):
        with pytest.raises(NotFoundError, match=r"no cube, root or catalog file at .*folder of a cube or root"):
            xr.open_dataset(tmp_path, engine="dtedask")

    @pytest.mark.slow
    def test_several_cubes_are_listed(self, forecast, make_field, archive, analysis_keys):
        archive(forecast, make_field(1, analysis_keys))
        with pytest.raises(SeveralGroupsError, match=r"2 cubes: ea/oper/0001, od/enfo/0001"):
            xr.open_dataset(forecast.root, engine="dtedask")

    @pytest.mark.slow
    def test_an_entry_is_looked_up_in_catalogs_only(self, forecast):
        with pytest.raises(RequestError, match=r"which is a root and no catalog file\. Give group="):
            xr.open_dataset(forecast.root, engine="dtedask", entry="a")

    @pytest.mark.slow
    def test_a_group_is_not_looked_up_in_a_catalog(self, forecast):
        with pytest.raises(RequestError, match=r"which is a catalog file\. Give entry="):
            xr.open_dataset(rebuild(forecast), engine="dtedask", group="a")

    def test_an_absent_entry_names_the_nearest(self, forecast):
        with pytest.raises(NotFoundError, match=r"no entry 'od/enfo/001'\. Known are od/enfo/0001/pf/pl/"):
            xr.open_dataset(rebuild(forecast), engine="dtedask", entry="od/enfo/001")

    def test_an_absent_catalog_is_said_to_be_absent(self, tmp_path):
        with pytest.raises(DocumentError, match="There is no catalog file"):
            xr.open_dataset(tmp_path / "absent.yaml", engine="dtedask", entry="a")


class TestDask:
    @pytest.mark.slow
    def test_preferred_chunks_hold_many_fields(self, forecast):
        dataset = open_cube(forecast, chunks={})
        assert dataset["t"].data.npartitions == 1
        xr.testing.assert_identical(dataset.compute(), open_cube(forecast).load())

    @pytest.mark.slow
    def test_automatic_chunks_give_the_same_values(self, forecast):
        xr.testing.assert_identical(open_cube(forecast, chunks="auto").compute(), open_cube(forecast).load())

    @pytest.mark.slow
    def test_coordinates_stay_out_of_graphs(self, forecast):
        dataset = open_cube(forecast, chunks={})
        assert not any(coordinate.chunks for coordinate in dataset.coords.values())
        assert dataset["valid_time"].chunk(step=1).chunks is not None

    @pytest.mark.slow
    def test_names_of_dask_arrays_tell_snapshots_apart(self, forecast, make_field, archive):
        before = open_cube(forecast, chunks={})
        archive(forecast, make_field(500, number="1", levelist="500"))
        after = open_cube(forecast, chunks={})
        assert float(abs(after["t"] - before["t"]).max()) > 400
        assert open_cube(forecast, chunks={})["t"].data.name == after["t"].data.name

    @pytest.mark.slow
    def test_names_of_dask_arrays_are_the_same_in_another_process(self, forecast):
        code = (
            "import sys, xarray as xr; print(xr.open_dataset(sys.argv[1], engine='dtedask', chunks={})['t'].data.name)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, forecast.root], capture_output=True, text=True, check=True, timeout=120
        )
        assert (
            done.stdout.splitlines()[-1] == xr.open_dataset(forecast.root, engine="dtedask", chunks={})["t"].data.name
        )

    @pytest.mark.slow
    @pytest.mark.parametrize("module", [pickle, cloudpickle])
    def test_a_lazy_dataset_travels_as_a_few_names(self, forecast, module):
        dataset = open_cube(forecast)
        data = module.dumps(dataset)
        assert len(data) < 40_000
        xr.testing.assert_identical(module.loads(data).load(), open_cube(forecast).load())

    @pytest.mark.slow
    def test_workers_of_a_cluster_read_fields(self, forecast):
        from distributed import Client

        expected = open_cube(forecast).mean("member").load()
        with Client(n_workers=1, threads_per_worker=2, dashboard_address=":0"):
            xr.testing.assert_allclose(open_cube(forecast, chunks={}).mean("member").compute(), expected)


class TestNetcdf:
    @pytest.mark.slow
    @pytest.mark.parametrize("time", ["reference", "valid"])
    def test_a_dataset_is_written_and_reads_back_equal(self, forecast, tmp_path, time):
        dataset = open_cube(forecast, time=time)
        dataset.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
        with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf", decode_timedelta=True) as again:
            xr.testing.assert_identical(again.load(), dataset.load())

    @pytest.mark.slow
    def test_every_group_of_real_files_is_written_and_reads_back_equal(self, grib_folder, tmp_path):
        store = dtedask.open(tmp_path / "root")
        for file in sorted(grib_folder.glob("*.grib*")):
            if "corrupted" not in file.name:
                store.archive(file.read_bytes())
        store.flush()
        names = [f"{cube}/{group}" for cube in store.cubes() for group in store.groups(cube)]
        for name in names:
            dataset = xr.open_dataset(store.root, engine="dtedask", group=name)
            dataset.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
            with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf", decode_timedelta=True) as again:
                xr.testing.assert_identical(again.load(), dataset.load())


@pytest.mark.slow
def test_readers_without_dtedask_see_the_same_fields_in_order_of_arrival(forecast):
    import icechunk

    repository = icechunk.Repository.open(icechunk.local_filesystem_storage(f"{forecast.root}/od/enfo/0001"))
    (group,) = forecast.groups("od/enfo/0001")
    session = repository.readonly_session("main")
    plain = xr.open_zarr(session.store, group=group, consolidated=False, decode_timedelta=True)
    assert not plain.indexes["member"].is_monotonic_increasing
    ordered = plain.sortby(["forecast_reference_time", "member", "step", "level"])
    ours = open_cube(forecast)
    for name in ("t", "u"):
        np.testing.assert_array_equal(ordered[name], ours[name])
    for name in ours["t"].dims:
        np.testing.assert_array_equal(ordered[name], ours[name])
