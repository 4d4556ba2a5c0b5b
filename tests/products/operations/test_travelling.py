"""Operations travel to workers: small, equal to what they were, with the same bits."""

import pickle

import numpy as np
import pytest

from dtedask.geo import Grid
from dtedask.products import Nodes, PostProcessing
from dtedask.products.node import inputs_of
from dtedask.products.operations.chain import post_processed
from tests.products.operations.fields import given, made

EUROPE = (60.0, -10.0, 35.0, 40.0)
HOWS = [
    PostProcessing(grid="1x1", area=EUROPE, frame=2),
    PostProcessing(grid="O24", area=EUROPE),
    PostProcessing(area=EUROPE),
    PostProcessing(grid="2x2", rotation=(-35.0, 15.0)),
]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("param", ["165", "167", "140230"])
def test_operations_on_points_travel(how, param):
    nodes = Nodes()
    field = given(nodes, "O16", param=param)
    node = post_processed(nodes, how, field, pair=given(nodes, "O16", param="166") if param == "165" else None)
    assert_all_travel(node)


def test_operations_on_harmonics_travel(tmp_path):
    nodes, grid = Nodes(), Grid("T15")
    fields = [
        given(nodes, grid, np.random.default_rng(int(param)).normal(size=grid.size), param=param)
        for param in ("138", "155")
    ]
    (tmp_path / "bitmap").write_text("size=19:36,points=1:1-3,19:2")
    how = PostProcessing(grid="10x10", vod2uv=True, truncation="10", bitmap=str(tmp_path / "bitmap"))
    assert_all_travel(post_processed(nodes, how, fields[0], pair=fields[1]))
    assert_all_travel(post_processed(nodes, PostProcessing(truncation="10"), fields[0]))


def assert_all_travel(node):
    for one in inputs_of([node]):
        if not one.inputs:
            continue
        written = pickle.dumps(one.operation)
        back = pickle.loads(written)
        assert back == one.operation
        assert hash(back) == hash(one.operation)
        assert len(written) < 20_000
        values = [made(each) for each in one.inputs]
        assert np.array_equal(back(*values), one.operation(*values), equal_nan=True)


def test_equal_operations_of_two_plans_are_one():
    first, second = ([post_processed(nodes, how, given(nodes, "O16")) for how in HOWS] for nodes in (Nodes(), Nodes()))
    assert [node.key for node in first] == [node.key for node in second]
    assert len({node.operation for node in first + second}) == len(HOWS)
