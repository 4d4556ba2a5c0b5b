"""Areas that are cut out of larger ones have the bits that they would have by themselves, and cost no more."""

import numpy as np
import pytest
from hypothesis import given as given_that
from hypothesis import settings
from hypothesis import strategies as st

from dtedask.geo import Grid
from dtedask.products import Nodes, PostProcessing
from dtedask.products.node import inputs_of
from dtedask.products.operations.chain import post_processed
from dtedask.products.operations.sharing import covering_areas, share_areas
from tests.products.operations.fields import given, made
from tests.products.operations.test_chain import areas

NEAR = [(60.0, -10.0, 40.0, 20.0), (58.0, -12.0, 38.0, 18.0), (56.0, 0.0, 46.0, 10.0)]
FAR = [(60.0, -10.0, 40.0, 20.0), (-40.0, 150.0, -60.0, 180.0)]


def points_made(nodes):
    return sum(node.size for node in inputs_of(nodes) if node.operation.name == "regrid")


@pytest.mark.parametrize("param", ["167", "140230"])  # numbers and angles
@pytest.mark.parametrize("grid", ["2x2", "F24"])
def test_areas_that_overlap_are_cut_out_of_one(grid, param):
    nodes = Nodes()
    field = given(nodes, "O16", param=param)
    wanted = [post_processed(nodes, PostProcessing(grid=grid, area=area, frame=2), field) for area in NEAR]
    found = share_areas(nodes, wanted)
    instead = [found[node] for node in wanted]
    assert [node.operation.name for node in instead] == ["frame"] * 3
    assert points_made(instead) < points_made(wanted)
    assert sum(node.operation.name == "regrid" for node in inputs_of(instead)) == 1
    for node, other in zip(wanted, instead, strict=True):
        assert node.description == other.description
        assert np.array_equal(made(node), made(other), equal_nan=True)


def test_areas_that_are_far_apart_are_made_by_themselves():
    nodes = Nodes()
    field = given(nodes, "O16")
    wanted = [post_processed(nodes, PostProcessing(grid="2x2", area=area), field) for area in FAR]
    assert share_areas(nodes, wanted) == {}


def test_areas_of_several_fields_and_methods_are_not_mixed():
    nodes = Nodes()
    fields = [given(nodes, "O16", step=step) for step in ("0", "6")]
    hows = [PostProcessing(grid="2x2", area=area, interpolation=m) for area in NEAR for m in ("linear", "nearest")]
    wanted = [post_processed(nodes, how, field) for how in hows for field in fields]
    instead = set(share_areas(nodes, wanted).values())
    assert sum(node.operation.name == "regrid" for node in inputs_of(instead)) == 4


def test_where_the_whole_grid_is_made_all_areas_are_cut_out_of_it():
    for grid in ("2x2", "O24"):
        nodes = Nodes()
        field = given(nodes, "O16")
        wanted = [post_processed(nodes, PostProcessing(grid=grid, area=area), field) for area in (None, *NEAR, *FAR)]
        found = share_areas(nodes, wanted)
        assert wanted[0] not in found
        assert all(found[node].inputs == (wanted[0],) for node in wanted[1:])
        for node in wanted[1:]:
            assert np.array_equal(made(node), made(found[node]))


@pytest.mark.slow
@settings(max_examples=15)
@given_that(st.lists(areas(), min_size=2, max_size=6, unique=True), st.sampled_from(["2.5x2.5", "F12", "O12"]))
def test_random_areas_keep_their_bits_and_never_cost_more(boxes, grid):
    nodes = Nodes()
    field = given(nodes, "O16")
    wanted = [post_processed(nodes, PostProcessing(grid=grid, area=box), field) for box in boxes]
    found = share_areas(nodes, wanted)
    instead = [found.get(node, node) for node in wanted]
    for node, other in zip(wanted, instead, strict=True):
        assert node.description.grid == other.description.grid
        assert np.array_equal(made(node), made(other))
    assert points_made(instead) <= 1.25 * points_made(wanted)


def test_boxes_across_greenwich_and_the_date_line_meet_on_the_short_way():
    found = covering_areas([(60.0, 350.0, 40.0, 370.0), (60.0, -5.0, 40.0, 20.0)], Grid("1/1"))
    assert found[0] is not None
    assert found[0].area[3] - found[0].area[1] == 30.0
    found = covering_areas([(60.0, 170.0, 40.0, 190.0), (60.0, -185.0, 40.0, -160.0)], Grid("1/1"))
    assert found[0] is not None
    assert found[0].area[3] - found[0].area[1] == 30.0
