"""Grids by name are those that messages have."""

import pickle
from dataclasses import asdict, replace

import pytest

from dtedask.core.errors import GridError
from dtedask.geo import Grid
from dtedask.geo.grids.gaussian import classic_numbers

NAMES = ["O320", "N320", "F160", "0.25/0.25", "H64", "H64-nested", "T639", "L360x181"]


@pytest.mark.parametrize("name", NAMES)
def test_the_label_of_a_named_grid_makes_the_same_grid(name):
    grid = Grid(name)
    assert Grid(grid.label) == grid
    assert Grid({"grid": name}) == grid


def test_one_grid_has_several_names():
    assert Grid("0.25/0.25") == Grid("0.25x0.25") == Grid([0.25, 0.25]) == Grid("L1440x721")
    assert Grid("o32") == Grid("O32")


@pytest.mark.parametrize("name", NAMES)
def test_a_grid_stays_a_value(name):
    grid = Grid(name)
    assert pickle.loads(pickle.dumps(grid)) == grid == replace(grid) == Grid(**asdict(grid))
    assert hash(grid) == hash(Grid(grid.kind, grid.spec, grid.dims, grid.shape))


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("N321", "no classic reduced Gaussian grid N321"),
        ("X5", "no grid 'X5'"),
        ("0/0.7", "Distances of 0 and 0.7 degrees cannot be"),
        ("H3-nested", "no HEALPix grid H3-nested"),
        ("O0", "Gaussian number 0 is impossible"),
        ([1.0], "no pair of distances"),
        ({"grille": "O32"}, "no key 'grille'"),
    ],
)
def test_what_is_no_grid_is_an_error(name, match):
    with pytest.raises(GridError, match=match):
        Grid(name)


@pytest.mark.parametrize("number", [one for one in classic_numbers() if one <= 2000])
def test_classic_grids_are_known_by_their_rows(number):
    grid = Grid(f"N{number}")
    lengths = grid.description["pl"]
    assert len(lengths) == 2 * number
    assert lengths == lengths[::-1]
    assert max(lengths) == 4 * number
    assert grid.label == f"N{number}"
