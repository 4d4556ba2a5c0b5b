"""Against the real MIR: what parameters are says how they are interpolated, where nobody says it."""

import numpy as np
import pytest

from dtedask.geo import Grid
from dtedask.products import Nodes, PostProcessing
from dtedask.products.operations.chain import post_processed
from dtedask.products.operations.kinds import kind_of
from tests.products.operations.fields import given, made


def test_kinds_are_those_of_ecmwf():
    kinds = {"43": "index", "27": "index", "140230": "degrees", "162": "radians", "165": "wind", "167": "scalar"}
    assert {param: kind_of(param) for param in kinds} == kinds


@pytest.mark.slow
@pytest.mark.parametrize("param", ["43", "27"])  # soil type, cover of low vegetation
def test_indices_are_those_of_the_nearest_point_unless_a_method_is_named(param, mir_of, written):
    nodes, random = Nodes(), np.random.default_rng(1)
    field = given(nodes, "O32", random.integers(0, 8, Grid("O32").size), param=param)
    for method, theirs in (("", {}), ("linear", {"interpolation": "linear"})):
        found = made(post_processed(nodes, PostProcessing(grid="N24", interpolation=method), field))
        expected = mir_of(written(field), grid="N24", **theirs).values
        assert np.isclose(found, expected).mean() > 0.95  # of points at the same distance MIR takes any; poles
        assert set(np.unique(found)) <= set(range(8)) or method


@pytest.mark.slow
@pytest.mark.parametrize("method", ["linear", "grid-box-average"])
def test_angles_are_interpolated_as_directions(method, mir_of, written):
    nodes, points = Nodes(), Grid("O32").points()
    angle = (points.longitude * 3 + points.latitude) % 360
    field = given(nodes, "O32", angle, param="140230")
    node = post_processed(nodes, PostProcessing(grid="2/2", interpolation=method), field)
    found = made(node)
    expected = mir_of(written(field), grid="2/2", interpolation=method).values
    difference = (found - expected + 180) % 360 - 180
    assert np.abs(difference)[4:-4].max() < 1e-3  # near the poles all directions meet
    assert 0 <= found.min() < found.max() < 360
    both = node.operation.batch([(field.operation.values,), (field.operation.values[::-1],)])
    assert np.array_equal(both[0], found)
