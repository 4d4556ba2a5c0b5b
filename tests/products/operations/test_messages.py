"""What is made says of itself what ecCodes reads: corners, missing points, turned poles, directions of winds."""

import eccodes
import numpy as np
import pytest

from dtedask.geo import Grid
from dtedask.grib import Encoder, decode, scan
from dtedask.products import Nodes, PostProcessing
from dtedask.products.operations.chain import post_processed
from tests.products.operations.fields import given, made

EUROPE = (60.3, -10.2, 35.1, 40.0)


def encoded(node):
    said = node.description
    message = Encoder(packing="ieee").encode(made(node), said.keys, said.grid, attributes=said.attributes)
    (found,) = scan(message)
    assert found.field.grid == said.grid
    assert np.array_equal(decode(message, found.field.order), made(node), equal_nan=True)
    return message


def keys_of(message, *names):
    handle = eccodes.codes_new_from_message(message)
    try:
        return tuple(eccodes.codes_get(handle, name) for name in names)
    finally:
        eccodes.codes_release(handle)


@pytest.mark.slow
@pytest.mark.parametrize("rotation", [None, (-35.0, 15.0)])
@pytest.mark.parametrize("frame", [0, 2])
@pytest.mark.parametrize("grid", ["0.5x0.5", "1.5x1.5", "F32", "O32", "N32"])
def test_every_grid_and_area_is_read_back_by_its_message(grid, frame, rotation):
    nodes = Nodes()
    how = PostProcessing(grid=grid, area=EUROPE, rotation=rotation, frame=frame)
    message = encoded(post_processed(nodes, how, given(nodes, "O32", param="167")))
    (kind,) = keys_of(message, "gridType")
    assert ("rotated" in kind) == (rotation is not None)


@pytest.mark.slow
def test_corners_are_those_of_the_south_west():
    nodes = Nodes()
    node = post_processed(nodes, PostProcessing(grid="0.5x0.5", area=EUROPE), given(nodes, "10/10"))
    names = ("latitudeOfFirstGridPointInDegrees", "longitudeOfFirstGridPointInDegrees")
    names += ("latitudeOfLastGridPointInDegrees", "longitudeOfLastGridPointInDegrees", "Ni", "Nj")
    found = keys_of(encoded(node), *names)
    assert found == pytest.approx((60.1, 349.8, 35.1, 39.8, 101, 51))


def test_missing_points_of_a_frame_are_counted_by_eccodes():
    nodes = Nodes()
    node = post_processed(nodes, PostProcessing(frame=3), given(nodes, "10/10"))
    assert keys_of(encoded(node), "numberOfMissing", "bitmapPresent") == (13 * 30, 1)


def test_winds_on_a_turned_grid_say_that_they_count_from_it():
    nodes = Nodes()
    u, v = (given(nodes, "10/10", param=param, levtype="pl", levelist="500") for param in ("131", "132"))
    how = PostProcessing(grid="10x10", rotation=(-35.0, 15.0))
    node = post_processed(nodes, how, u, pair=v)
    names = ("uvRelativeToGrid", "latitudeOfSouthernPoleInDegrees", "longitudeOfSouthernPoleInDegrees", "paramId")
    assert keys_of(encoded(node), *names) == (1, -35, 15, 131)
    plain = post_processed(nodes, PostProcessing(grid="5x5"), u)
    assert keys_of(encoded(plain), "uvRelativeToGrid") == (0,)


def test_harmonics_that_were_summed_up_are_packed_as_points_are():
    nodes = Nodes()
    field = given(nodes, Grid("T21"), np.zeros(Grid("T21").size), param="130", levtype="pl", levelist="500")
    node = post_processed(nodes, PostProcessing(grid="10x10"), field)
    assert node.description.packing == "grid_ccsds"
    assert keys_of(encoded(node), "gridType") == ("regular_ll",)
