"""The benchmark of products runs as it is written, and both sides make the same fields."""

import argparse
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from dtedask.grib import decode, scan

FOLDER = Path(__file__).parents[2] / "benchmarks"
OUTERMOST_ROW = 87.8  # of O32; beyond it ours has the mean of the row at the pole, and MIR two points of it
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def benchmark_module():
    pytest.importorskip("mir")
    sys.path.insert(0, str(FOLDER))
    yield importlib.import_module("products")
    sys.path.remove(str(FOLDER))


def test_both_sides_make_the_same_fields(benchmark_module, tmp_path):
    (tmp_path / "in").mkdir()
    with benchmark_module.dtedask_settings(str(tmp_path)):
        paths = benchmark_module.write_fields(tmp_path / "in", "O32", 20)
        orders = benchmark_module.orders_of(12, 20, 3)
        benchmark_module.Mir(paths, tmp_path).products(orders)
        ours = benchmark_module.Ours(tmp_path / "in", tmp_path, 2)
        document = benchmark_module.write_requirements(tmp_path / "orders.yaml", orders)
        made = ours.delivered(ours.planned(document))
    assert len(made.delivered) == 12
    for one in orders:
        theirs = list(scan(tmp_path / f"{one.name}.mir.grib2"))
        own = list(scan(tmp_path / "run-1" / f"{one.name}.grib2"))
        assert [message.field.keys["levelist"] for message in own] == [level for level, _ in one.fields]
        for message, other in zip(own, theirs, strict=True):
            assert message.field.keys == other.field.keys
            assert message.field.grid.shape == other.field.grid.shape
            found, expected = (decode(each.read(), each.field.order) for each in (message, other))
            rows = np.abs(message.field.grid.points().latitude.reshape(found.shape)) <= OUTERMOST_ROW
            np.testing.assert_allclose(found[rows], expected[rows], atol=4e-3)


def test_all_figures_are_there(benchmark_module, tmp_path):
    options = argparse.Namespace(
        requirements=30, fields=20, each=2, source="O32", sample=3, rounds=1, checked=50, threads=2, no_mir=False
    )
    with benchmark_module.dtedask_settings(str(tmp_path)):
        found = benchmark_module.measure(options, tmp_path)
    assert set(benchmark_module.LIMITS) <= set(found)
    assert found["reads"] >= 3.0
