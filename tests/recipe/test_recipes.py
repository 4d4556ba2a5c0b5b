"""Every recipe of recipes/ runs."""

import threading
from pathlib import Path

import dask.config
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import dtedask
from dtedask import geo
from dtedask.core.errors import DocumentError, SourceMissingError
from dtedask.geo import regular_latlon
from dtedask.grib import encode, scan
from dtedask.recipe import load_recipe, run_recipe

FOLDER = Path(__file__).parents[2] / "recipes"
RECIPES = sorted(path.name for path in FOLDER.glob("*.yaml"))
TESTED = {}


def runs(name):
    def remember(test):
        TESTED[name] = test
        return test

    return remember


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("DTEDASK_ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("DTEDASK_PRODUCTS", str(tmp_path / "products"))
    monkeypatch.setenv("DTEDASK_CATALOG", str(tmp_path / "catalogs" / "demo.yaml"))
    return tmp_path


def test_every_recipe_has_a_test():
    assert set(TESTED) == set(RECIPES)
    assert len(RECIPES) >= 4


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_says_what_it_is_for(name):
    recipe = load_recipe(FOLDER / name)
    assert recipe.name == name.removesuffix(".yaml")
    assert recipe.description
    assert f"dtedask recipe run recipes/{name}" in (FOLDER / name).read_text()


@pytest.mark.slow
@runs("demo.yaml")
def test_the_demo_runs(place, capsys):
    report = run_recipe(load_recipe(FOLDER / "demo.yaml"))
    assert (report.summary.new, len(report.summary.commits)) == (375, 5)
    assert capsys.readouterr().out.count(" 2t: 3 fields,") == 5
    assert report.catalog == str(place / "catalogs" / "demo.yaml")


@pytest.mark.slow
@runs("ensemble-analyses.yaml")
def test_the_ensemble_of_analyses_runs(place, grib_folder, monkeypatch, capsys):
    monkeypatch.setenv("DTEDASK_DATA", str(grib_folder))
    report = run_recipe(load_recipe(FOLDER / "ensemble-analyses.yaml"))
    assert report.summary.new == 160
    assert dtedask.open(report.root).retrieve("param=t").sizes["member"] == 10
    assert capsys.readouterr().out.count('"variable":"t"') == 1


@pytest.mark.slow
@runs("surface-fields.yaml")
def test_surface_fields_run(place, grib_folder, monkeypatch):
    monkeypatch.setenv("DTEDASK_DATA", str(grib_folder))
    report = run_recipe(load_recipe(FOLDER / "surface-fields.yaml"))
    assert report.summary.new == 5
    cover = dtedask.open(report.root).retrieve("param=tcc")["tcc"].values
    assert not (cover.view("uint32") & (1 << 13) - 1).any()  # 10 of 23 bits of the mantissa are kept


@pytest.fixture
def arrive(place, monkeypatch):
    """Fills the folder that a recipe watches with a made forecast."""

    def arrive(**changes):
        forecast = load_recipe(FOLDER / "demo.yaml").input.demo.model_copy(update={"degrees": 30.0, **changes})
        (place / "in").mkdir()
        for arrival in forecast.arrivals():
            (place / "in" / arrival.name).write_bytes(arrival.data)
        monkeypatch.setenv("DTEDASK_DATA", str(place / "in"))

    return arrive


@pytest.mark.slow
@runs("watch-folder.yaml")
def test_a_folder_is_watched(arrive):
    arrive(steps=(0, 6))
    stop, seen = threading.Event(), []

    def on_unit(unit):
        seen.append(unit.new)
        if len(seen) == 2:
            stop.set()

    with dask.config.set({"dtedask.ingest.settle-time": "0.05 s", "dtedask.ingest.poll-interval": "0.05 s"}):
        report = run_recipe(load_recipe(FOLDER / "watch-folder.yaml"), on_unit=on_unit, stop=stop)
    assert seen == [75, 75]
    assert report.summary.new == 150


@pytest.mark.slow
@runs("rolling-archive.yaml")
def test_ten_days_of_a_model_are_kept(place, monkeypatch):
    (place / "in").mkdir()
    monkeypatch.setenv("DTEDASK_DATA", str(place / "in"))
    forecast = load_recipe(FOLDER / "demo.yaml").input.demo
    for day in range(1, 15):
        changes = {"date": f"202406{day:02}", "steps": (0,), "members": 1, "levels": (500,), "degrees": 30.0}
        (arrival,) = forecast.model_copy(update=changes).arrivals()
        (place / "in" / f"{day:02}.grib2").write_bytes(arrival.data)
    report = run_recipe(load_recipe(FOLDER / "rolling-archive.yaml"))
    assert len(report.summary.commits) == 14
    assert report.rolled.fields == 4 * 10
    assert dtedask.open(report.root).axes()["date"] == [f"202406{day:02}" for day in range(5, 15)]


@pytest.fixture
def arrivals():
    forecast = load_recipe(FOLDER / "demo.yaml").input.demo.model_copy(update={"steps": (0, 6), "degrees": 30.0})
    return list(forecast.arrivals())


@pytest.mark.slow
@runs("virtual-folder.yaml")
def test_a_folder_becomes_a_virtual_cube(place, arrivals, monkeypatch):
    (place / "in").mkdir()
    for arrival in arrivals:
        (place / "in" / arrival.name).write_bytes(arrival.data)
    monkeypatch.setenv("DTEDASK_DATA", str(place / "in"))
    report = run_recipe(load_recipe(FOLDER / "virtual-folder.yaml"))
    assert report.summary.new == 150
    assert not list(Path(report.root).rglob("packs"))
    data = b"".join(arrival.data for arrival in arrivals)
    messages = [data[one.offset : one.offset + one.length] for one in scan(data)]
    assert sorted(dtedask.open(report.root).to_grib()) == sorted(messages)
    assert run_recipe(load_recipe(FOLDER / "virtual-folder.yaml")).summary.is_unchanged


@pytest.mark.slow
def test_files_that_come_later_are_referred_to_as_they_come(place, arrivals, monkeypatch):
    folder, stop, seen = place / "in", threading.Event(), []
    folder.mkdir()
    (folder / arrivals[0].name).write_bytes(arrivals[0].data)
    monkeypatch.setenv("DTEDASK_DATA", str(folder))

    def on_unit(unit):
        seen.append(unit.new)
        if len(seen) == 2:
            stop.set()
        else:
            (folder / arrivals[1].name).write_bytes(arrivals[1].data)

    recipe = load_recipe(FOLDER / "virtual-folder.yaml", {"input.watch": True})
    with dask.config.set({"dtedask.ingest.settle-time": "0.05 s", "dtedask.ingest.poll-interval": "0.05 s"}):
        report = run_recipe(recipe, on_unit=on_unit, stop=stop)
    assert seen == [75, 75]
    assert not list(Path(report.root).rglob("packs"))
    (folder / arrivals[1].name).unlink()
    with pytest.raises(SourceMissingError, match=arrivals[1].name):
        list(dtedask.open(report.root).to_grib("step=6"))


@pytest.mark.parametrize("source", [{"demo": {}}, "-"])
def test_what_stays_in_no_file_cannot_be_virtual(source):
    with pytest.raises(DocumentError, match="refers to files, and 'input' names none that stay"):
        load_recipe({"name": "x", "root": "data", "layout": "virtual", "input": source})


@pytest.mark.slow
@runs("archive-then-series.yaml")
def test_messages_are_archived_and_complete_runs_get_time_series(arrive, place):
    arrive(members=1, levels=(500,), degrees=5.0)
    messages = b"".join(path.read_bytes() for path in sorted((place / "in").iterdir()))
    stop, seen = threading.Event(), []

    def on_unit(unit):
        seen.append(unit.new)
        if len(seen) == 5:
            stop.set()

    with dask.config.set({"dtedask.ingest.settle-time": "0.05 s", "dtedask.ingest.poll-interval": "0.05 s"}):
        report = run_recipe(load_recipe(FOLDER / "archive-then-series.yaml"), on_unit=on_unit, stop=stop)
    assert seen == [10] * 5
    assert [(one.fields, one.runs) for one in report.series] == [(50, 1)]
    store = dtedask.open(report.root)
    assert sum(len(message) for message in store.to_grib({})) == len(messages)
    assert all(one.from_series == 5 for one in store.explain({}).layouts if one.part == "a point")


@pytest.fixture
def come(place, monkeypatch):
    """Puts files into the folder that a recipe reads: a made forecast or a made year, values in closed form."""
    folder = place / "in"
    folder.mkdir()
    monkeypatch.setenv("DTEDASK_DATA", str(folder))

    grid = regular_latlon(np.arange(60.0, 0, -10), np.arange(0.0, 80, 10))
    pattern = np.random.default_rng(7).random(grid.shape)

    def come(name, *fields):
        keys = {"class": "rd", "stream": "oper", "expver": "test", "levtype": "sfc", "param": "167", "time": "0000"}
        messages = [encode(value + pattern, {**keys, **own}, grid) for value, own in fields]
        (folder / name).write_bytes(b"".join(messages))

    return come


def values_of(place, request):
    """Fields of the root that the recipe made, as the plan takes them."""
    return {tuple(record.keys.items()): values.astype("f8") for record, values in dtedask.open(place).values(request)}


@pytest.mark.slow
@runs("daily-statistics.yaml")
def test_days_have_statistics_and_the_same_again_makes_what_is_missing(place, come):
    recipe = load_recipe(FOLDER / "daily-statistics.yaml")
    written = []
    for steps in ((0, 6, 12, 18, 24, 30), (36, 42, 48), ()):
        for step in steps:
            come(f"{step:03d}.grib2", (280.0 + step, {"type": "fc", "date": "20240601", "step": str(step)}))
        written.append(run_recipe(recipe).results.written)
    assert written == [3, 3, 0]
    found = dtedask.open(recipe.root).retrieve_tree({"step": "24/48"})
    for end in (24, 48):
        steps = [end - 18, end - 12, end - 6, end]
        fields = [v for s in steps for v in values_of(recipe.root, {"step": s, "timespan": "none"}).values()]
        for name, expected in (("avg_2t_24h", np.mean), ("max_2t_24h", np.max), ("min_2t_24h", np.min)):
            (variable,) = [leaf[name] for leaf in found.leaves if name in leaf]
            day = variable.sel(step=f"{end}h").to_numpy().squeeze()
            np.testing.assert_allclose(day, expected(fields, axis=0), rtol=2e-7)


@pytest.mark.slow
@runs("ensemble-exceedance.yaml")
def test_an_ensemble_says_how_many_members_are_above_a_threshold(place, come):
    for step in range(0, 25, 6):
        keys = {"type": "pf", "date": "20240601", "step": str(step)}
        come(f"{step:03d}.grib2", *((300.0 + int(n) / 2 + step / 12, keys | {"number": n}) for n in "1234"))
    report = run_recipe(load_recipe(FOLDER / "ensemble-exceedance.yaml"))
    highest = []
    for number in "1234":
        request = {"step": "6/12/18/24", "number": number, "timespan": "none"}
        highest.append(np.max(list(values_of(report.root, request).values()), axis=0))
    expected = (np.stack(highest) > 303.15).mean(axis=0)
    assert 0 < expected.mean() < 1
    ((written,),) = [notice.values for notice in report.results.notices]
    found = values_of(report.root, {key: text for key, text in written.keys if key in ("type", "stattype", "param")})
    np.testing.assert_array_equal(list(found.values()), [expected.astype("f4")])


@pytest.mark.slow
@runs("climate-monthly-means.yaml")
def test_months_of_a_climate_run_have_means_however_often_it_stops(place, come, monkeypatch):
    monkeypatch.setenv("DTEDASK_OUTPUT", str(place / "monthly"))
    recipe = load_recipe(FOLDER / "climate-monthly-means.yaml")
    days = np.arange("2024-01-20", "2024-03-05", dtype="M8[D]")
    written = []
    for start in range(0, len(days), 15):
        for day in days[start : start + 15]:
            keys = {"type": "an", "date": str(day).replace("-", ""), "step": "0"}
            come(f"{day}.grib2", (float(day.astype(int)), keys))
        written.append(run_recipe(recipe).results.written)
    assert written == [0, 0, 1]  # January has no beginning, March no end
    year = values_of(recipe.root, {"type": "an"})
    february = [values for keys, values in year.items() if dict(keys)["date"].startswith("202402")]
    assert len(february) == 29
    ((keys, mean),) = values_of(place / "monthly", {}).items()
    np.testing.assert_allclose(mean, np.mean(february, axis=0), rtol=2e-7)
    assert dict(keys)["timespan"] == "month"


def _names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*") if ".dtedask-products" not in str(path))


@pytest.mark.slow
@runs("products-europe.yaml")
def test_products_of_europe_are_delivered_as_their_steps_are_complete(place):
    recipe = load_recipe(FOLDER / "products-europe.yaml")
    report = run_recipe(recipe)
    assert (len(report.products.delivered), report.products.failed) == (7, ())
    assert report.products.fields_read < report.products.fields_asked
    names = [f"met-service/202406030000-{step:03}.grib2" for step in (0, 6, 12)]
    names += ["ski-resort/wind-202406030000.nc"]
    names += [f"ski-resort/2t-202406030000-{step:03}.png" for step in (0, 6, 12)]
    assert _names(place / "products") == sorted([*names, "manifest-20240603T0000.jsonl"])
    fields = list(scan(place / "products" / names[1]))
    assert [one.field.short_name for one in fields] == ["2t", "msl", "10u", "10v", "10si"]
    assert {one.field.grid.shape for one in fields} == {(401, 551)}  # 75 to 35 north, 12.5 west to 42.5 east
    again = run_recipe(recipe)
    assert (again.products.delivered, again.products.fields_read) == ((), 0)


@pytest.mark.slow
@runs("products-ensemble.yaml")
def test_statistics_of_an_ensemble_are_what_numpy_makes_of_its_members(place):
    report = run_recipe(load_recipe(FOLDER / "products-ensemble.yaml"))
    assert report.products.failed == ()
    members = dtedask.open(report.root).retrieve("param=2t,step=12")["2t"].values.squeeze()
    with xr.open_dataset(place / "products" / "frost-202406030000.nc") as frost:
        found = frost.to_dataarray().squeeze().sel(time="2024-06-03T12:00")
        cold = geo.regrid(
            np.mean(members.astype("f8") < 273.15, axis=0) * 100, "1/1", source="3/3", area=(72, -12, 34, 32)
        )
        np.testing.assert_allclose(found, cold, atol=1e-3)


@pytest.mark.slow
@runs("products-healpix.yaml")
def test_a_pyramid_of_healpix_grids_keeps_the_mean(place):
    report = run_recipe(load_recipe(FOLDER / "products-healpix.yaml"))
    assert len(report.products.delivered) == 4
    pyramid = dtedask.open(place / "products" / "pyramid")
    means = [float(pyramid.retrieve(f"param=2t,step=6,grid=H{n}")["2t"].mean()) for n in (32, 16, 8, 4)]
    assert np.ptp(means) < 0.001


@pytest.mark.slow
@runs("products-stations.yaml")
def test_forecasts_for_a_thousand_places_are_the_values_at_the_nearest_points(place):
    report = run_recipe(load_recipe(FOLDER / "products-stations.yaml"))
    assert report.products.failed == ()
    table = pd.read_parquet(place / "products" / "points-202406030000.parquet")
    csv = pd.read_csv(place / "products" / "points-202406030000.csv")
    assert len(table) == len(csv) == 1000 * 5
    fields = dtedask.open(report.root).retrieve("param=2t,step=18")["2t"].squeeze()
    chosen = table[table["step"] == 18]
    points = _on_sphere(*np.meshgrid(fields["latitude"], fields["longitude"], indexing="ij"))
    nearest = _on_sphere(chosen["latitude"].to_numpy(), chosen["longitude"].to_numpy()) @ points.T
    expected = fields.values.ravel()[nearest.argmax(axis=1)]
    np.testing.assert_allclose(chosen["2t"], expected, rtol=1e-6)


def _on_sphere(latitude, longitude):
    """Vectors of length 1, shape (points, 3)."""
    phi, lam = np.radians(np.ravel(latitude)), np.radians(np.ravel(longitude))
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)
