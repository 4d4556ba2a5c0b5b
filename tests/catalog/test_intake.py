"""Intake opens the catalogs that commits make."""

import intake
import pytest
import xarray as xr

from dtedask.catalog import DtedaskSource, entries, rebuild


@pytest.fixture
def catalog(forecast):
    return intake.open_catalog(f"{forecast.root}/catalog.yaml")


@pytest.mark.slow
def test_intake_lists_the_entries_of_a_root(forecast, catalog):
    assert list(catalog) == [found.name for found in entries(f"{forecast.root}/catalog.yaml")]


@pytest.mark.slow
def test_an_entry_opens_in_dask_chunks_and_reads_into_memory(forecast, catalog):
    (name,) = catalog
    expected = xr.open_dataset(forecast.root, engine="dtedask").load()
    lazy = catalog[name].to_dask()
    assert lazy["t"].chunks is not None
    assert isinstance(catalog[name], DtedaskSource)
    for found in (lazy.compute(), catalog[name].read(), catalog[name].to_xarray().load()):
        xr.testing.assert_identical(found, expected)


@pytest.mark.slow
def test_an_entry_describes_itself(catalog):
    (name,) = catalog
    described = catalog[name].describe()
    assert described["description"].startswith("Ensemble forecasts on pressure levels")
    assert described["metadata"]["axes"]["number"] == "1/2/3"
    assert catalog[name].discover()["metadata"]["dims"]["member"] == 3
    assert name in catalog[name].yaml()
    assert list(catalog.search("ensemble")) == [name]


def test_an_entry_of_analyses_has_one_time_axis(analysis):
    catalog = intake.open_catalog(f"{analysis.root}/catalog.yaml")
    (name,) = catalog
    assert catalog[name].to_dask()["t"].dims[0] == "time"
    assert catalog[name](time="reference").to_dask()["t"].dims[0] == "forecast_reference_time"


@pytest.mark.slow
def test_an_entry_takes_other_arguments(forecast, catalog, make_field, archive):
    (name,) = catalog
    before = forecast.history()[-1].snapshot
    archive(forecast, make_field(1, number="9", levelist="500"))
    assert 9 in catalog[name].to_dask()["member"]
    assert 9 not in catalog[name](at=before).to_dask()["member"]
    assert catalog[name](chunks="auto").to_dask()["t"].chunks is not None


@pytest.mark.slow
def test_a_catalog_beside_its_root_names_it_by_a_relative_path(forecast, tmp_path):
    file = rebuild(forecast, tmp_path / "catalogs" / "mine.yaml")
    catalog = intake.open_catalog(str(file))
    (name,) = catalog
    assert catalog[name].read().identical(xr.open_dataset(forecast.root, engine="dtedask").load())


@pytest.mark.slow
def test_the_driver_opens_a_cube_without_a_catalog(forecast):
    source = intake.open_dtedask(f"{forecast.root}/od/enfo/0001", group="pf/pl")
    assert source.read().identical(xr.open_dataset(forecast.root, engine="dtedask").load())
