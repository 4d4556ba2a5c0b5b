"""Against the real MIR: where the points of areas, frames and turned grids are, and what stands there."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as given_that
from hypothesis import strategies as st

from dtedask.core.errors import ProductError
from dtedask.products import Nodes, PostProcessing
from dtedask.products.operations.chain import post_processed
from tests.products.operations.fields import assert_same_points, given, made, read

pytestmark = pytest.mark.slow
AREAS = [
    (50.0, -10.0, 30.0, 5.0),
    (50.3, -10.2, 30.1, 5.0),
    (80.0, 170.0, -80.0, 190.0),
    (90.0, 0.0, 60.0, 359.9),
    (50.0, 10.0, 30.0, 365.0),
]


def words(how):
    """Keywords of MIR for what we call so."""
    said = {"interpolation": "structured-bilinear", "grid": how.grid.replace("x", "/")}
    said |= {"area": "/".join(map(str, how.area or ())), "rotation": "/".join(map(str, how.rotation or ()))}
    return {key: value for key, value in said.items() if value} | ({"frame": how.frame} if how.frame else {})


def assert_as_mir(how, node, path, mir_of):
    expected = mir_of(path, **words(how))
    assert_same_points(node.description.grid, expected.grid)
    np.testing.assert_allclose(made(node), expected.values, rtol=1e-6)
    return np.isnan(expected.values).sum()


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("grid", ["2x2", "O20", "F16", ""])
def test_points_and_values_of_an_area_are_those_of_mir(area, grid, mir_of, written):
    nodes = Nodes()
    field = given(nodes, "O32")
    how = PostProcessing(grid=grid, area=area, interpolation="bilinear")
    assert_as_mir(how, post_processed(nodes, how, field), written(field), mir_of)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given_that(st.data())
def test_random_areas_snap_to_their_south_west_corner_as_with_mir(mir_of, written, data):
    south, west = data.draw(st.integers(-9000, 6000)) / 100, data.draw(st.integers(-18000, 18000)) / 100
    north, width = data.draw(st.integers(int(south * 100) + 500, 9000)) / 100, data.draw(st.integers(500, 20000)) / 100
    grid = data.draw(st.sampled_from(["0.5x0.5", "1.5x2", "0.7x0.7", "3x1.25"]))
    how = PostProcessing(grid=grid, area=(north, west, south, round(west + width, 2)), interpolation="bilinear")
    nodes = Nodes()
    field = given(nodes, "10/10")
    node = post_processed(nodes, how, field)
    assert_as_mir(how, node, written(field), mir_of)
    box = node.description.grid.description
    assert box["south"] == pytest.approx(south, abs=1e-6)
    assert (box["west"] - west) % 360 == pytest.approx(0, abs=1e-6) or (box["west"] - west) % 360 > 359.999


@pytest.mark.parametrize("area", [None, (50.0, -10.0, 30.0, 5.0), (52.0, -10.0, 30.0, 5.0), (50.0, -12.0, 30.0, 5.0)])
def test_a_field_is_cut_where_its_points_are_wanted_else_interpolated(area, mir_of, written, grib_folder):
    nodes = Nodes()
    field = read(nodes, grib_folder / "pl-regular-ll.grib", param="130", levelist="500", step="6")[0]
    how = PostProcessing(grid="10x10", area=area, interpolation="bilinear")
    node = post_processed(nodes, how, field)
    assert_as_mir(how, node, written(field), mir_of)
    assert node.operation.name == ("given" if area is None else "regrid" if area[1] == -12 else "crop")


@pytest.mark.parametrize(
    "area", [None, (20.0, -20.0, -20.0, 20.0), (20.3, -20.2, -20.1, 20.0), (80.0, -30.0, 50.0, 40.0)]
)
@pytest.mark.parametrize("grid", ["5x5", "F16", "O16", "N32"])
def test_turned_grids_are_those_of_mir(area, grid, mir_of, written):
    nodes = Nodes()
    field = given(nodes, "10/10")
    how = PostProcessing(grid=grid, area=area, rotation=(-35.0, 15.0), interpolation="bilinear")
    assert_as_mir(how, post_processed(nodes, how, field), written(field), mir_of)


@pytest.mark.parametrize("width", [1, 2, 4, 30])
@pytest.mark.parametrize("grid", ["", "2x2", "F16", "O32"])
@pytest.mark.parametrize("rotation", [None, (-35.0, 15.0)])
def test_frames_miss_as_many_points_as_those_of_mir(width, grid, rotation, mir_of, written):
    nodes = Nodes()
    field = given(nodes, "10/10" if grid else "O32")
    if rotation and not grid:
        pytest.skip("The same as without.")
    area = (60.0, -40.0, 20.0, 40.0) if grid else None
    how = PostProcessing(grid=grid, area=area, rotation=rotation, frame=width, interpolation="bilinear")
    missing = assert_as_mir(how, post_processed(nodes, how, field), written(field), mir_of)
    rows, shortest = (18, 18) if grid == "2x2" else (7, 14) if grid == "F16" else (64, 20)
    assert missing > 0 or 2 * width >= min(rows, shortest)


BITMAPS = [
    "size=21:18,values=on,points=1:3-5,4:1/2/7-9,10:0,21:18",
    "SIZE = 21:18,\n VALUES=OFF, POINTS=2:3-5,4:1/2/7-9,\n10:4,20:18\n",
    "size=21:18,points=1:1-18",
]


@pytest.mark.parametrize("text", BITMAPS)
def test_a_bitmap_leaves_out_the_points_that_mir_leaves_out_and_the_frame_goes_last(text, mir_of, written, tmp_path):
    (tmp_path / "bitmap").write_text(text)
    nodes = Nodes()
    field = given(nodes, "10/10")
    for width in (0, 2):
        how = PostProcessing(
            grid="1x1",
            area=(50.0, 0.0, 30.0, 17.0),
            bitmap=str(tmp_path / "bitmap"),
            frame=width,
            interpolation="bilinear",
        )
        expected = mir_of(written(field), bitmap=str(tmp_path / "bitmap"), **words(how))
        np.testing.assert_allclose(made(post_processed(nodes, how, field)), expected.values, rtol=1e-6)


REGIONAL = [
    None,
    (70.0, -20.0, 40.0, 20.0),
    (70.5, -20.5, 40.0, 20.0),
    (58.0, -5.0, 52.0, 5.0),
    (70.0, 355.0, 50.0, 380.0),
]


@pytest.mark.parametrize("area", REGIONAL)
@pytest.mark.parametrize("grid", ["1x1", "3x3", "2.5x2.5", "F32", "O64", "N32", ""])
def test_of_a_regional_field_points_are_made_between_its_outermost_ones(grid, area, mir_of, written, grib_folder):
    nodes = Nodes()
    field = read(nodes, grib_folder / "ens-50.grib")[0]
    if not grid and area in (None, REGIONAL[3]):
        pytest.skip("Nothing is done, or no point lies there.")
    how = PostProcessing(grid=grid, area=area)
    node = post_processed(nodes, how, field)
    expected = mir_of(written(field), **words(how) | {"interpolation": "linear"})
    assert_same_points(node.description.grid, expected.grid)
    np.testing.assert_allclose(made(node), expected.values, rtol=1e-3)  # on the outermost rows MIR takes points nearby
    assert np.isfinite(expected.values).all()


def test_of_a_field_on_a_map_points_are_made_in_its_box(mir_of, grib_folder, written):
    nodes, path = Nodes(), grib_folder / "lambert.grib"
    field = read(nodes, path)[0]
    expected = mir_of(str(path), grid="1/1", interpolation="nearest-neighbour")
    node = post_processed(nodes, PostProcessing(grid="1x1", interpolation="nearest"), field)
    assert node.description.grid == expected.grid
    with pytest.raises(ProductError, match="lies outside the field, which goes from 59"):
        post_processed(nodes, PostProcessing(grid="1x1", area=(40.0, -100.0, 30.0, -90.0)), field)
