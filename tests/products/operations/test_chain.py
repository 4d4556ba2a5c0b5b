"""Grids and areas are made as MIR makes them, and an area has the bits of the whole."""

import numpy as np
import pytest
from hypothesis import given as given_that
from hypothesis import settings
from hypothesis import strategies as st

from dtedask.core.errors import ProductError
from dtedask.geo import Grid
from dtedask.products import Nodes, PostProcessing
from dtedask.products.operations.chain import post_processed
from dtedask.products.operations.crop import Crop
from tests.products.operations.fields import given, made

GRIDS = ["O16", "N32", "F16", "5/5", "H8"]


@st.composite
def areas(draw):
    """Areas in tenths of degrees, of at least thirty degrees; some across Greenwich or the date line."""
    south, west = draw(st.integers(-900, 590)) / 10, draw(st.integers(-1800, 3500)) / 10
    north = draw(st.integers(int(south * 10) + 300, 900)) / 10
    return north, west, south, west + draw(st.integers(300, 3590)) / 10


def test_nothing_is_done_where_nothing_is_asked():
    nodes = Nodes()
    field = given(nodes, "O16")
    assert post_processed(nodes, PostProcessing(), field) is field


@pytest.mark.slow
@pytest.mark.parametrize("source", GRIDS)
def test_a_field_is_put_on_a_grid_and_says_so(source):
    nodes = Nodes()
    node = post_processed(nodes, PostProcessing(grid="2x2"), given(nodes, source))
    assert node.description.grid == Grid("2/2")
    assert node.description.order.shape == made(node).shape == (91, 180)
    assert node.operation.name == "regrid"


def test_equal_orders_are_one_node():
    nodes = Nodes()
    field = given(nodes, "O16")
    area = (60.0, -10.0, 30.0, 40.0)
    found = {post_processed(nodes, PostProcessing(grid="2x2", area=area), field) for _ in range(3)}
    assert len(found) == 1
    assert len(nodes) == 2


@pytest.mark.slow
@settings(max_examples=10)
@given_that(areas(), st.sampled_from(GRIDS[:3]), st.sampled_from(["2.5x2.5", "F12", "O12", "H4"]))
def test_an_area_has_the_bits_of_the_whole_grid(area, source, target):
    nodes = Nodes()
    field = given(nodes, source)
    node = post_processed(nodes, PostProcessing(grid=target, area=area), field)
    whole = made(nodes.make(type(node.operation)(node.operation.handle), field))
    cut = Crop(node.operation.handle.interpolation.target, node.operation.area) if node.operation.area else None
    found = made(node)
    assert np.array_equal(found, whole if cut is None else cut(whole))
    assert found.shape == node.description.grid.shape


@pytest.mark.parametrize("count", [2, 7, 40])
def test_many_fields_at_once_have_the_bits_of_one_by_one(count):
    nodes, random = Nodes(), np.random.default_rng(1)
    field = given(nodes, "O16")
    for area in (None, (60.0, -10.0, 30.0, 40.0)):
        operation = post_processed(nodes, PostProcessing(grid="2x2", area=area), field).operation
        fields = [(random.normal(size=field.size).astype("f4"),) for _ in range(count)]
        for one, found in zip(fields, operation.batch(fields), strict=True):
            assert np.array_equal(operation(*one), found)


def test_an_error_names_the_field_and_both_grids():
    nodes = Nodes()
    with pytest.raises(ProductError, match=r"The field param=167.* on 10x10 cannot be put on 2x2: There is no method"):
        post_processed(nodes, PostProcessing(grid="2x2", interpolation="magic"), given(nodes, "10/10"))
