"""NetCDF and Zarr by the CF conventions, read by netCDF4, zarr and xarray."""

import json
from dataclasses import replace
from typing import ClassVar

import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr
from pydantic import TypeAdapter, ValidationError

from dtedask.core.errors import FieldError, ProductError
from dtedask.grib import coordinates, decode, scan
from dtedask.products import Part
from dtedask.products.format import AnyFormat, make_format
from dtedask.testing import FormatSuite
from dtedask.testing.formats import labels_of, make_part, written


def fields_in(data):
    """Values by short name, step, level and member."""
    found = {}
    for name, array in data.data_vars.items():
        if "time" not in array.dims:
            continue
        steps = (data["time"].to_numpy() - data["time_reference"].to_numpy()) / np.timedelta64(1, "h")
        levels = data["level"].to_numpy().tolist() if "level" in array.dims else [None]
        members = data["member"].to_numpy().tolist() if "member" in array.dims else [None]
        for i, step in enumerate(steps.tolist()):
            for j, member in enumerate(members):
                for k, level in enumerate(levels):
                    places = {"time": i, "member": j, "level": k}
                    one = array.isel({dim: place for dim, place in places.items() if dim in array.dims})
                    found[name, step, level, member] = one.to_numpy()
    return found


class TestNetcdf(FormatSuite):
    document: ClassVar = {"type": "netcdf"}

    def seen(self, path):
        with xr.open_dataset(path, engine="netcdf4", decode_timedelta=False) as data:
            return fields_in(data.load())


class TestNetcdfPlain(TestNetcdf):
    document: ClassVar = {"type": "netcdf", "compression": 0, "dtype": "float64"}


class TestZarr(FormatSuite):
    document: ClassVar = {"type": "zarr"}

    def seen(self, path):
        with xr.open_zarr(path, zarr_format=3, consolidated=True) as data:
            return fields_in(data.load())


DOCUMENTS = ({"type": "netcdf"}, {"type": "zarr"})


def opened(path):
    return xr.open_zarr(path, zarr_format=3) if path.is_dir() else xr.open_dataset(path, engine="netcdf4")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_axes_ascend_in_whatever_order_fields_come(tmp_path, document):
    parts = [make_part(step=step, levelist=level) for step in ("12", "0") for level in ("850", "500")]
    parts += [make_part(9.0, step="6", levelist="700", param="z")]
    written(parts, document, tmp_path / "file")
    with opened(tmp_path / "file") as data:
        assert data["level"].to_numpy().tolist() == [500.0, 700.0, 850.0]
        assert np.all(np.diff(data["time"].to_numpy()) > np.timedelta64(0))
        assert data["t"].isel(time=1).isnull().all()
        assert data["z"].sel(level=700).isel(time=1).notnull().all()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_statistics_have_a_time_with_bounds(tmp_path, document):
    part = make_part(1.0, step="6", param="228", levtype="sfc")
    described = replace(part.description, step_type="accum", interval=(0, 21600))
    written([replace(part, description=described)], document, tmp_path / "file")
    with opened(tmp_path / "file") as data:
        assert data["time_fs"].attrs["bounds"] == "time_fs_bounds"
        assert "time_fs: sum" in data["tp"].attrs["cell_methods"]
        bounds = data["time_fs_bounds"].to_numpy().ravel()
        assert (bounds[1] - bounds[0]) in (21600, np.timedelta64(6, "h"))


def test_what_is_said_of_the_file_stands_in_it(tmp_path):
    document = {"attributes": {"title": "Surface", "institution": "me"}}
    for kind in ("netcdf", "zarr"):
        written([make_part()], {"type": kind, **document}, tmp_path / kind)
    with netCDF4.Dataset(tmp_path / "netcdf") as file:
        said = {name: file.getncattr(name) for name in file.ncattrs()}
    group = zarr.open_group(tmp_path / "zarr", mode="r")
    for found in (said, group.attrs.asdict()):
        assert (found["Conventions"], found["title"], found["institution"]) == ("CF-1.11", "Surface", "me")
        assert json.loads(found["lineage"]) == {"inputs": "the suite"}


def test_attributes_that_are_written_anyway_are_refused():
    with pytest.raises(ValidationError, match="attribute lineage is written by itself"):
        TypeAdapter(AnyFormat).validate_python({"type": "zarr", "attributes": {"lineage": "x"}})


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_grid_with_points_is_written(tmp_path, document, grib_folder):
    names = ["o32.grib2", "healpix-h8.grib2", "lambert.grib", "regular-gg-model-levels.grib2", "icon.grib"]
    for name in names:
        message = next(iter(scan(grib_folder / name)))
        part = Part(message.field, decode(message.read(), message.field.order), coordinates(message))
        written([part], document, tmp_path / name)
        with opened(tmp_path / name) as data:
            (variable,) = [one for one in data.data_vars.values() if "mars" in one.attrs]
            np.testing.assert_array_equal(variable.to_numpy().ravel(), part.payload.ravel().astype("float32"))
            if part.coordinates:
                np.testing.assert_array_equal(data["latitude"], part.coordinates["latitude"].values)
            assert ("crs" in data) == ("crs" in part.coordinates)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_does_not_fit_is_refused_before_anything_is_read(tmp_path, document, grib_folder):
    harmonics = next(iter(scan(grib_folder / "spherical-harmonics.grib"))).field
    kind = make_format(TypeAdapter(AnyFormat).validate_python(document))
    product = written([make_part()], document, tmp_path / "file")
    usual, other = make_part().description, make_part(shape=(3, 4)).description
    with pytest.raises(ProductError, match="spherical harmonics"):
        kind.check(product, [harmonics])
    with pytest.raises(FieldError, match="another grid"):
        kind.check(product, [usual, other])
    kind.check(product, [usual, make_part(type="an").description])
    with pytest.raises(ProductError, match="Two fields of 'suite-file' are t"):
        kind.check(product, [usual, make_part(4.0).description])


def test_labels_of_the_suite_are_those_of_the_file():
    assert labels_of(make_part(step="6", number="3", type="pf", stream="enfo")) == ("t", 6.0, 500.0, 3)


def quantiles():
    return [make_part(float(number), type="pb", stream="enfo", quantile=f"{number}:10") for number in (9, 1, 5)]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_quantiles_are_an_axis(tmp_path, document):
    written(quantiles(), document, tmp_path / "file")
    with opened(tmp_path / "file") as data:
        assert data["quantile"].to_numpy().tolist() == ["1:10", "5:10", "9:10"]
        assert data["t"].dims == ("time", "level", "quantile", "latitude", "longitude")
        np.testing.assert_array_equal(np.floor(data["t"].min(("latitude", "longitude"))).to_numpy().ravel(), [1, 5, 9])
        assert "quantile" not in json.loads(data["t"].attrs["mars"])


@pytest.mark.parametrize("document", [*DOCUMENTS, {"type": "csv"}, {"type": "parquet"}, {"type": "coveragejson"}])
def test_mean_and_spread_are_variables_of_their_own(tmp_path, document):
    parts = [make_part(float(number), type=kind, stream="enfo") for number, kind in enumerate(("em", "es"), 3)]
    written(parts, document, tmp_path / "file")
    if document in DOCUMENTS:
        with opened(tmp_path / "file") as data:
            names = {str(name) for name in data.data_vars if "mars" in data[name].attrs}
            np.testing.assert_array_equal(data["t_es"].to_numpy().ravel(), parts[1].payload.ravel())
    elif document["type"] == "coveragejson":
        names = set(json.loads((tmp_path / "file").read_text())["ranges"])
    else:
        read = pd.read_csv if document["type"] == "csv" else pd.read_parquet
        names = set(read(tmp_path / "file").columns[-2:])
    assert names == {"t_em", "t_es"}
