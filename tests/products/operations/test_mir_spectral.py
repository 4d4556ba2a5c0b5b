"""Against the real MIR: where harmonics are cut, over which grid they go, and winds."""

import numpy as np
import pytest

from dtedask.geo import Grid, spectral
from dtedask.geo.spectral.coefficients import wavenumbers
from dtedask.products import Nodes, PostProcessing
from dtedask.products.operations.chain import post_processed
from dtedask.products.operations.pairs import inputs_for
from tests.products.operations.fields import assert_same_points, given, made, read

pytestmark = pytest.mark.slow
BILINEAR = {"interpolation": "structured-bilinear"}


def harmonics(nodes, truncation=63, highest=14, **keys):
    """A smooth field without the zonal wave numbers that MIR leaves out."""
    (total, zonal), random = wavenumbers(truncation), np.random.default_rng(int(keys.get("param", "129")))
    values = 1e3 * random.normal(size=(total.size, 2)) * (total <= highest)[:, None] / (1.0 + total[:, None]) ** 2
    values[zonal == 0, 1] = 0
    values[0, 0] = 5e3 if keys.get("param", "129") == "129" else 0
    values *= 1 if keys.get("param", "129") == "129" else 1e-7
    return given(nodes, spectral.spectral_grid(truncation), values, levtype="pl", levelist="500", **keys)


WAYS = [
    {},
    {"intgrid": "none"},
    {"intgrid": "source"},
    {"intgrid": "N32"},
    {"truncation": "none"},
    {"truncation": "21"},
    {"truncation": "30", "intgrid": "F24"},
]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("grid", ["5/5", "2/10", "F16", "O32", "1/1"])
def test_harmonics_go_the_way_of_mir(way, grid, mir_of, written):
    nodes = Nodes()
    path = written(harmonics(nodes, param="129"))
    (field,) = read(nodes, path)
    how = PostProcessing(grid=grid, interpolation="bilinear", **way)
    node = post_processed(nodes, how, field)
    expected = mir_of(path, grid=grid, **way, **BILINEAR)
    assert node.description.grid == expected.grid
    close = 3e-5 if "none" in way.values() else 2e-6  # MIR leaves out what rows near the poles cannot carry
    np.testing.assert_allclose(made(node), expected.values, atol=close * np.abs(expected.values).max())


@pytest.mark.parametrize(
    ("resol", "way"),
    [("av", {"truncation": "none", "intgrid": "source"}), ("21", {"truncation": "21"}), ("N32", {"intgrid": "N32"})],
)
def test_resol_is_the_older_word_for_both(resol, way):
    nodes = Nodes()
    field = harmonics(nodes, param="129")
    assert post_processed(nodes, PostProcessing(grid="2x2", resol=resol), field) is post_processed(
        nodes, PostProcessing(grid="2x2", **way), field
    )


@pytest.mark.parametrize("truncation", ["21", "63", "80"])
def test_harmonics_stay_harmonics_where_no_grid_is_wanted(truncation, mir_of, grib_folder):
    nodes, path = Nodes(), grib_folder / "spherical-harmonics.grib"
    (field,) = read(nodes, path)
    node = post_processed(nodes, PostProcessing(truncation=truncation), field)
    assert node.description.grid == Grid(f"T{truncation}")
    expected = mir_of(str(path), truncation=truncation)
    np.testing.assert_allclose(made(node), expected.values, rtol=1e-6, atol=1e-9)


def test_real_harmonics_differ_from_mir_by_the_last_zonal_wave_number_only(mir_of, grib_folder):
    nodes, path = Nodes(), grib_folder / "spherical-harmonics.grib"
    (field,) = read(nodes, path)
    node = post_processed(nodes, PostProcessing(grid="2.5x2.5", interpolation="bilinear"), field)
    expected = mir_of(str(path), grid="2.5/2.5", **BILINEAR)
    assert np.abs(made(node) - expected.values).max() < 2e-5 * np.abs(expected.values).max()


@pytest.mark.parametrize("way", [{}, {"intgrid": "none"}, {"rotation": (-35.0, 15.0)}], ids=str)
@pytest.mark.parametrize("grid", ["5/5", "F16", "O16", ""])
def test_winds_of_vorticity_and_divergence_are_those_of_mir(way, grid, mir_of, written):
    if "rotation" in way and not grid:
        pytest.skip("Harmonics do not turn.")
    nodes = Nodes()
    path = written(harmonics(nodes, param="138"), harmonics(nodes, param="155"))
    fields = {node.description.keys["param"]: node for node in read(nodes, path)}
    how = PostProcessing(grid=grid, vod2uv=True, interpolation="bilinear", **way)
    said = {key: "-35/15" if key == "rotation" else value for key, value in way.items()} | (
        {"grid": grid} if grid else {}
    )
    expected = mir_of(path, together=2, vod2uv="true", **said, **BILINEAR)
    for param, wanted in zip(("131", "132"), expected, strict=True):
        keys = inputs_for(fields["138"].description.keys | {"param": param}, how)
        field, pair = (fields[one["param"]] for one in keys)
        node = post_processed(nodes, how, field, pair=pair)
        assert (node.description.keys["param"], node.description.units) == (param, "m s**-1")
        assert_off_poles(node, wanted)
    assert sum(node.operation.name == "winds" for node in nodes) == 1


def assert_off_poles(node, wanted):
    """At a pole the direction of east is another one for each longitude; MIR takes one."""
    grid = node.description.grid
    if grid.kind == "sh":
        is_real = np.repeat(wavenumbers(63).zonal, 2) > 0
        is_real[::2] = True  # of m = 0 the imaginary parts mean nothing
        largest = np.abs(wanted.values).max()
        np.testing.assert_allclose(made(node)[is_real], wanted.values[is_real], atol=1e-6 * largest)
        return
    assert_same_points(grid, wanted.grid)
    own = 90 - np.abs(grid.points().latitude) < 0.01
    is_pole = own.reshape(grid.shape)
    if len(grid.shape) == 2 and "south_pole_latitude" in grid.description:
        is_pole[[0, -1]] = "ll" in grid.kind
    np.testing.assert_allclose(
        made(node)[~is_pole], wanted.values[~is_pole], atol=2e-6 * np.nanmax(np.abs(wanted.values))
    )


@pytest.mark.parametrize("grid", ["5/5", "F16", "O16"])
@pytest.mark.parametrize("area", [None, (20.0, -20.0, -20.0, 20.0)])
def test_winds_turn_with_the_grid_as_those_of_mir(grid, area, mir_of, grib_folder, written):
    nodes = Nodes()
    keys = {"levelist": "500", "step": "6", "date": "20240603", "time": "0000"}
    path = grib_folder / "pl-regular-ll.grib"
    u, v = (read(nodes, path, param=param, **keys)[0] for param in ("131", "132"))
    how = PostProcessing(grid=grid, area=area, rotation=(-35.0, 15.0), interpolation="bilinear")
    said = {"area": "/".join(map(str, area))} if area else {}
    expected = mir_of(written(u, v), together=2, grid=grid, rotation="-35/15", uv2uv="true", **said, **BILINEAR)
    for field, pair, wanted in ((u, v, expected[0]), (v, u, expected[1])):
        node = post_processed(nodes, how, field, pair=pair)
        assert node.description.keys["param"] == field.description.keys["param"]
        assert_off_poles(node, wanted)
    assert [keys["param"] for keys in inputs_for(u.description.keys, how)] == ["131", "132"]


def test_harmonics_of_winds_of_models_are_divided_by_the_cosine_of_latitude(mir_of, written):
    nodes = Nodes()
    path = written(harmonics(nodes, param="131"))
    (field,) = read(nodes, path)
    for way in ({}, {"intgrid": "none"}):
        node = post_processed(nodes, PostProcessing(grid="5x5", interpolation="bilinear", **way), field)
        expected = mir_of(path, grid="5/5", **way, **BILINEAR).values
        np.testing.assert_allclose(made(node), expected, atol=2e-6 * np.abs(expected).max())
