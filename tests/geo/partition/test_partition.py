"""Partitions: balanced, complete, and those of Atlas."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import GridError
from dtedask.geo import Grid, Points
from dtedask.geo.partition import Partition, bands, checkerboard, equal_regions, equal_zones, healpix_ranges

METHODS = (equal_regions, bands, checkerboard, healpix_ranges)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=25)
@given(data=st.data())
def test_every_point_is_in_one_part_and_parts_differ_by_one_point_at_most(method, data):
    size = data.draw(st.integers(1, 300))
    parts = data.draw(st.integers(1, size))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    points = Points(np.degrees(np.arcsin(random.uniform(-1, 1, size))), random.uniform(-180, 360, size))
    found = method(points, parts)
    assert found.counts.sum() == size
    assert found.counts.max() - found.counts.min() <= 1
    np.testing.assert_array_equal(np.sort(np.concatenate(found.points())), np.arange(size))


@given(st.integers(1, 3000))
def test_regions_fill_the_globe_with_one_area(regions):
    zones = equal_zones(regions)
    north, west, south, east = zones.bounds().T
    areas = np.radians(east - west) * (np.sin(np.radians(north)) - np.sin(np.radians(south)))
    assert zones.regions == regions
    np.testing.assert_allclose(areas, 4 * np.pi / regions, rtol=1e-9)


@pytest.mark.parametrize(
    ("regions", "counts"),
    [
        (1, (1,)),
        (2, (1, 1)),
        (3, (1, 1, 1)),
        (4, (1, 2, 1)),
        (10, (1, 4, 4, 1)),
        (33, (1, 6, 9, 10, 6, 1)),
    ],
)
def test_zones_have_the_published_numbers_of_regions(regions, counts):
    assert equal_zones(regions).counts == counts


def test_diameters_stay_small():
    """Leopardi 2006 gives 7 / sqrt(N) as a bound of the diameters that were found."""
    for regions in (10, 100, 1000):
        north, west, south, east = np.radians(equal_zones(regions).bounds()[1:-1]).T
        middle = np.where(north * south < 0, 0.0, np.minimum(np.abs(north), np.abs(south)))
        assert ((north - south) ** 2 + ((east - west) * np.cos(middle)) ** 2).max() < 49 / regions


@pytest.mark.slow
@pytest.mark.parametrize("grid", ["O8", "F8"])
@pytest.mark.parametrize("parts", [7, 33])
@pytest.mark.parametrize(("kind", "method"), [("equal_regions", equal_regions), ("equal_bands", bands)])
def test_parts_are_those_of_atlas(grid, parts, kind, method, atlas):
    said = atlas("grid-points", grid, "--field=partition", f"--partitions={parts}", f"--partitioner.type={kind}")
    np.testing.assert_array_equal(method(Grid(grid), parts).part, json.loads(said))


def test_bands_of_rows_and_ranges_of_nested_healpix_are_chunks():
    for found in (bands(Grid("O8"), 7), healpix_ranges(Grid("H8-nested"), 7)):
        assert (np.diff(found.part) >= 0).all()


def test_a_partition_is_a_value():
    found = bands(Grid("O8"), 7)
    assert found == bands(Grid("O8"), 7) != bands(Grid("O8"), 8)
    assert hash(found) == hash(bands(Grid("O8"), 7))
    assert repr(found) == "<Partition bands: 544 points in 7 parts of 77 to 78>"
    assert "544 points" in found._repr_html_()


def test_impossible_partitions_are_refused():
    with pytest.raises(GridError, match="dealt out to 0 parts"):
        bands(Grid("O8"), 0)
    with pytest.raises(GridError, match="dealt out to 545 parts"):
        checkerboard(Grid("O8"), 545)
    with pytest.raises(GridError, match="cut into 0 regions"):
        equal_zones(0)
    with pytest.raises(GridError, match="not from 0 to 1"):
        Partition(np.array([0, 2]), 2)
