"""Winds keep their direction in space, wherever east and north point."""

import numpy as np
import pytest
import xarray as xr

from dtedask import geo
from dtedask.core.errors import GridError
from dtedask.geo.application.frames import frames
from dtedask.testing import raise_if_computes

AXIS = np.array([0.3, -0.5, 0.8])  # of a rotation of the whole sphere
TURNED = geo.Grid({"grid": [10, 10], "rotation": [-35, 15]})


def rotation(grid, directions="north"):
    """Components of a rotation of the sphere: the cross product of its axis and the place."""
    east, north = frames(grid, directions)
    speed = np.cross(AXIS, np.cross(east, north, axis=0), axisa=0, axisb=0, axisc=0)
    return (speed * east).sum(axis=0), (speed * north).sum(axis=0)


def winds(grid, directions="north", names=("10u", "10v"), dtype="f8"):
    variables = {
        name: (("step", *grid.dims), np.stack([part, 2 * part]).astype(dtype))
        for name, part in zip(names, rotation(grid, directions), strict=True)
    }
    return xr.Dataset(variables, {"step": [0, 6]}, {"grid_spec": grid.spec})


@pytest.mark.parametrize(("source", "target"), [("O32", "5/5"), ("5/5", "O32"), ("H16", "10/10"), ("O32", TURNED)])
def test_a_rotation_of_the_sphere_stays_one_also_at_the_poles(source, target):
    target = geo.Grid(target) if isinstance(target, str) else target
    found = geo.regrid(winds(geo.Grid(source)), target)
    for name, wanted in zip(("10u", "10v"), rotation(target), strict=True):
        np.testing.assert_allclose(found[name][1], 2 * wanted, atol=0.01)
        assert found[name].dims == ("step", *target.dims)


def test_components_by_themselves_are_wrong_at_the_poles():
    apart = geo.regrid(winds(geo.Grid("O32")), "5/5", vectors=None)
    assert np.abs(apart["10u"][0] - rotation(geo.Grid("5/5"))[0]).max() > 0.05


@pytest.mark.parametrize("directions", [("grid", "north"), ("north", "grid"), ("grid", "grid")])
def test_components_may_count_from_the_columns_of_a_turned_grid(directions):
    fine = geo.Grid({"grid": [2, 2], "rotation": [-35, 15]})
    source, target = (fine, TURNED) if directions != ("north", "grid") else (geo.Grid("O48"), TURNED)
    found = geo.regrid(winds(source, directions[0]), target, winds=directions)
    for name, wanted in zip(("10u", "10v"), rotation(target, directions[1]), strict=True):
        np.testing.assert_allclose(found[name][0], wanted, atol=0.01)


def test_directions_of_a_turned_grid_are_those_in_which_its_points_lie():
    points = geo.Grid({"grid": [1, 1], "rotation": [-35, 15]}).points()
    height, turn = np.deg2rad(points.latitude), np.deg2rad(points.longitude)
    here = np.stack([np.cos(height) * np.cos(turn), np.cos(height) * np.sin(turn), np.sin(height)]).reshape(3, 181, 360)
    east, north = frames(geo.Grid({"grid": [1, 1], "rotation": [-35, 15]}), "grid")
    along = (np.roll(here, -1, 2) - np.roll(here, 1, 2))[:, 1:-1]
    up = (here[:, :-2] - here[:, 2:]) / 2
    np.testing.assert_allclose(along / np.linalg.norm(along, axis=0), east[:, 1:-1], atol=1e-9)
    np.testing.assert_allclose(up / np.linalg.norm(up, axis=0), north[:, 1:-1], atol=1e-9)


def test_directions_of_a_map_are_those_of_its_columns():
    place = {"semi_major": 6371229.0, "semi_minor": 6371229.0, "lov": 10.0, "lad": 50.0, "latin1": 50.0, "latin2": 50.0}
    place |= {"nx": 41, "ny": 31, "dx": 50e3, "dy": 50e3, "southwest_latitude": 42.0, "southwest_longitude": -2.0}
    grid = geo.Grid.of("lambert", place, ("y", "x"), (31, 41))
    east, _ = frames(grid, "grid")
    true, north = frames(grid, "north")
    turn = np.rad2deg(np.arctan2((east * north).sum(axis=0), (east * true).sum(axis=0)))
    longitude = (grid.points().longitude.reshape(31, 41) - 10 + 180) % 360 - 180
    np.testing.assert_allclose(turn, -longitude * np.sin(np.deg2rad(50)), atol=2e-3)


def test_both_components_stay_lazy_and_are_the_same_by_dask():
    data = winds(geo.Grid("O16"), dtype="f4").assign(vo=winds(geo.Grid("O16"))["10u"])
    with raise_if_computes():
        found = geo.regrid(data.chunk(step=1), "10/10", area=(90, 0, 20, 90))
    plain = geo.regrid(data, "10/10", area=(90, 0, 20, 90))
    xr.testing.assert_allclose(found.compute(), plain)
    assert found["10u"].dtype == np.float32
    xr.testing.assert_equal(plain["vo"], geo.regrid(data["vo"].assign_attrs(data.attrs), "10/10", area=(90, 0, 20, 90)))


def test_winds_are_missing_where_one_component_is():
    data = winds(geo.Grid("O16"))
    data["10v"][0, :300] = np.nan
    found = geo.regrid(data, "10/10", missing="missing-if-any-missing")
    np.testing.assert_array_equal(np.isnan(found["10u"]), np.isnan(found["10v"]))
    assert np.isnan(found["10u"][0]).any()
    assert not np.isnan(found["10u"][1]).any()
    numbered = geo.regrid(data.fillna(9999), "10/10", missing="simulated-missing-value")
    heaviest = geo.regrid(data, "10/10")
    np.testing.assert_allclose(numbered["10u"], heaviest["10u"].fillna(9999))


def test_pairs_that_are_not_there_are_refused():
    data = winds(geo.Grid("O16"), names=("a", "b"))
    turned = geo.regrid(data, "10/10", vectors=[("a", "b")])
    assert not np.allclose(turned["a"], geo.regrid(data, "10/10")["a"])
    with pytest.raises(GridError, match="no variable 'c' of a vector"):
        geo.regrid(data, "10/10", vectors=[("a", "c")])
    with pytest.raises(GridError, match="part of two vectors: a/b, b/a"):
        geo.regrid(data, "10/10", vectors=[("a", "b"), ("b", "a")])
