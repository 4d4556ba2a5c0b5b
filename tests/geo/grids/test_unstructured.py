"""Grids of given points, and cubed spheres."""

import json
import subprocess
from pathlib import Path

import atlaslib_ecmwf
import dask
import numpy as np
import pytest

from dtedask.core.errors import GridError
from dtedask.geo import Grid
from dtedask.geo.grids import unstructured


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(unstructured, "_IN_MEMORY", {})
    with dask.config.set({"dtedask.geo.coordinates": str(tmp_path / "kept")}):
        yield tmp_path / "kept"


def scattered(size=50, seed=3):
    random = np.random.default_rng(seed)
    return np.rad2deg(np.arcsin(random.uniform(-1, 1, size))), random.uniform(0, 360, size)


def test_the_same_points_and_name_are_the_same_grid():
    latitude, longitude = scattered()
    grid = Grid.unstructured(latitude, longitude, name="eORCA1_T")
    assert grid == Grid.unstructured(latitude.copy(), longitude - 360, name="eORCA1_T")
    assert grid != Grid.unstructured(latitude, longitude, name="eORCA1_U")
    assert grid != Grid.unstructured(latitude, longitude + 1, name="eORCA1_T")
    np.testing.assert_array_equal(grid.points().latitude, latitude)


def test_another_process_finds_the_points_by_their_digest(monkeypatch):
    latitude, longitude = scattered()
    grid = Grid.unstructured(latitude, longitude)
    monkeypatch.setattr(unstructured, "_IN_MEMORY", {})
    np.testing.assert_array_equal(grid.points().longitude, longitude)


def test_points_that_nobody_gave_are_an_error_with_the_remedy(folder):
    grid = Grid.unstructured(*scattered())
    unstructured._IN_MEMORY.clear()
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(GridError, match="not known here") as found:
        grid.points()
    assert "Grid.unstructured(latitude, longitude)" in found.value.hint


def icon(size=50):
    description = {"number": 26, "reference": 1, "uuid": "a27b8de618c411e4820ab5b098c6a5c0", "size": size}
    description |= {"coordinates": "not in the message: only the grid's number and UUID are"}
    return Grid.of("unstructured", description, ("values",), (size,))


def test_the_grid_of_an_icon_message_is_located_by_its_uuid():
    grid = icon()
    with pytest.raises(GridError, match="a27b8de6.*not known here"):
        grid.points()
    latitude, longitude = scattered()
    grid.locate(latitude, longitude)
    np.testing.assert_array_equal(icon().points().latitude, latitude)
    with pytest.raises(GridError, match="other coordinates already"):
        grid.locate(latitude, longitude + 1)
    with pytest.raises(GridError, match="has 50 points and not 49"):
        grid.locate(latitude[1:], longitude[1:])


@pytest.mark.parametrize(
    ("points", "match"),
    [
        (([1.0], [1.0, 2.0]), "1 latitudes and 2 longitudes"),
        (([91.0], [1.0]), "beyond the poles"),
        (([np.nan], [1.0]), "are missing"),
    ],
)
def test_what_are_no_points_is_an_error(points, match):
    with pytest.raises(GridError, match=match):
        Grid.unstructured(*points)


def test_an_area_of_points_is_a_part_of_them():
    grid = Grid.unstructured(*scattered(2000))
    part, places = grid.crop([60, -30, 20, 40])
    assert part.kind == "part"
    assert part == Grid(part.spec) == grid.within([60, -30, 20, 40])
    latitude, longitude = part.points()
    np.testing.assert_array_equal(latitude, grid.points().latitude[places])
    np.testing.assert_allclose(longitude % 360, grid.points().longitude[places])
    assert (latitude.min(), longitude.min()) > (20, -30)
    assert (latitude.max(), longitude.max()) < (60, 40)


def points_of_atlas(name):
    tool = Path(atlaslib_ecmwf.__file__).parent / "bin" / "atlas-grid-points"
    said = subprocess.run([tool, name, "--json.precision=14"], check=True, capture_output=True, text=True).stdout
    return np.array(json.loads(said))


@pytest.mark.parametrize("name", ["CS-LFR-1", "CS-LFR-4", "CS-EA-3", "CS-ED-4"])
def test_points_of_cubed_spheres_are_those_of_atlas(name):
    expected = points_of_atlas(name)
    grid = Grid(name)
    assert grid.label == name
    np.testing.assert_allclose(grid.points().latitude, expected[:, 1], rtol=0, atol=1e-11)
    apart = (grid.points().longitude - expected[:, 0] + 180) % 360 - 180
    np.testing.assert_allclose(apart * np.cos(np.deg2rad(expected[:, 1])), 0, rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    ("projection", "said"),
    [
        ("type: schmidt, stretching_factor: 2.4", {"stretching": [2.4]}),
        (
            "type: rotated_schmidt, stretching_factor: 2.4, south_pole: [10, -40]",
            {"stretching": [2.4], "rotation": [-40, 10]},
        ),
    ],
)
def test_points_of_stretched_grids_are_those_of_atlas(projection, said, tmp_path):
    (tmp_path / "grid.yaml").write_text(f"{{name: O8, projection: {{{projection}}}}}")
    expected = points_of_atlas(str(tmp_path / "grid.yaml"))
    latitude, longitude = Grid({"grid": "O8"} | said).points()
    np.testing.assert_allclose(latitude, expected[:, 1], rtol=0, atol=1e-11)
    np.testing.assert_allclose((longitude - expected[:, 0] + 180) % 360, 180, rtol=0, atol=1e-11)
