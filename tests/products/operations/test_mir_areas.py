"""Against the real MIR: where the points of an area are, and what stands there."""

import numpy as np
import pytest

from dtedask.products import Nodes, PostProcessing
from dtedask.products.operations.chain import post_processed
from tests.products.operations.fields import assert_same_points, given, made

AREAS = [
    (50.0, -10.0, 30.0, 5.0),
    (50.3, -10.2, 30.1, 5.0),
    (80.0, 170.0, -80.0, 190.0),
    (90.0, 0.0, 60.0, 359.9),
    (50.0, 10.0, 30.0, 365.0),
]


@pytest.mark.slow
@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("grid", ["2x2", "O20", "F16"])
def test_points_and_values_of_an_area_are_those_of_mir(area, grid, mir_of, written):
    nodes = Nodes()
    field = given(nodes, "O32")
    said = {"grid": grid.replace("x", "/"), "area": "/".join(map(str, area))}
    expected = mir_of(written(field), interpolation="structured-bilinear", **said)
    node = post_processed(nodes, PostProcessing(grid=grid, area=area, interpolation="bilinear"), field)
    assert_same_points(node.description.grid, expected.grid)
    np.testing.assert_allclose(made(node), expected.values, rtol=1e-6)
