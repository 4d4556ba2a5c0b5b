import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.geo import Grid
from dtedask.geo.cells.of_grid import cells_of, outlines
from dtedask.geo.interpolation.method import method_class

globes = st.sampled_from(["O8", "F6", "12/15", "H4", "H8-nested", {"grid": [15, 15], "rotation": [-35, 20]}]).map(Grid)


def made(name, source, target):
    method = method_class(name)()
    prepared = method.prepare(source, target)
    return prepared, method.block(prepared, source, target, 0, target.size)


def means(grid):
    """Means over cells of a function that is linear in space."""
    cells = cells_of(grid)
    boxes = getattr(cells, "boxes", cells)
    areas, moments = (boxes.areas(), boxes.moments()) if hasattr(boxes, "moments") else outlines(cells).measures
    return moments @ getattr(cells, "matrix", np.eye(3)).T @ np.array([1.0, -2.0, 0.5]) / areas


@pytest.mark.slow
@settings(max_examples=20)
@given(globes, globes)
def test_integrals_are_kept(source, target):
    prepared, matrix = made("conservative-second-order", source, target)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-12)
    field = np.random.default_rng(3).normal(size=source.size) + 5
    total = prepared.meeting.target_areas @ (matrix @ field)
    assert total == pytest.approx(prepared.meeting.source_areas @ field, rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "target"),
    [("O32", "3/3"), ("4/4", "O48"), ("H16", "3/3"), ("O24", "H16"), ("H12", "H20"), ("H16-nested", "H32-nested")],
)
def test_smooth_fields_are_met_much_better_than_to_first_order(source, target):
    source, target = Grid(source), Grid(target)
    expected = means(target)
    first, second = (
        abs(made(name, source, target)[1] @ means(source) - expected).mean()
        for name in ("conservative", "conservative-second-order")
    )
    assert second < 0.1 * first


def test_fields_that_do_not_vary_stay_so_where_the_source_ends():
    source = Grid({"grid": [5, 5], "area": [60, 0, 30, 40]})
    _, matrix = made("conservative-second-order", source, Grid("4/4"))
    sums = matrix.sum(axis=1)
    np.testing.assert_allclose(sums[np.diff(matrix.indptr) > 0], 1.0, rtol=1e-12)
