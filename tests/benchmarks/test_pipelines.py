"""The benchmark of plans runs as it is written, and both sides write the same fields."""

import dataclasses
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from dtedask.grib import decode, scan

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def benchmark_module():
    sys.path.insert(0, str(FOLDER))
    yield importlib.import_module("pipelines")
    sys.path.remove(str(FOLDER))


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_both_sides_write_the_same_values(benchmark_module, tmp_path, threads):
    into_grib = next(case for case in benchmark_module.CASES if case.sink == "file")
    case = dataclasses.replace(into_grib, size=1_000, fields=2, threads=threads)
    for side in (benchmark_module.Multio(case, tmp_path), benchmark_module.Ours(case, tmp_path)):
        assert side.seconds(25) > 0  # MultIO gives a window with the first field of the next
        side.close()
    found = {}
    for name in ("multio", "ours"):
        messages = list(scan(tmp_path / f"{name}.grib2"))
        found[name] = sorted(decode(one.read(), one.field.order).ravel().tolist() for one in messages)
    assert len(found["ours"]) == 2 * len(benchmark_module.IN_GRIB)
    np.testing.assert_allclose(found["ours"], found["multio"], atol=2e-3)
