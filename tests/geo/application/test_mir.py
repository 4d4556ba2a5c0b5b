"""Missing values are treated as the real MIR treats them."""

import numpy as np
import pytest

from dtedask import geo
from dtedask.grib import encode

SOURCE, TARGET = geo.Grid("O16"), geo.Grid("5/5")
KEYS = {"class": "od", "stream": "oper", "expver": "0001", "type": "an", "levtype": "sfc", "date": "20240601"}
KEYS |= {"time": "0000", "step": "0", "param": "167"}
POLICIES = [
    "missing-if-heaviest-missing",
    "missing-if-all-missing",
    "missing-if-any-missing",
    "heaviest",
    "simulated-missing-value",
]


def field(gap):
    """Numbers that 12 bits hold exactly, a third of them missing: whole regions and single points."""
    random, points = np.random.default_rng(1), SOURCE.points()
    values = np.floor(random.random(SOURCE.size) * 4096)
    values[[0, 1]] = 0, 4095
    is_gap = (np.sin(np.deg2rad(3 * points.longitude)) * np.cos(np.deg2rad(points.latitude)) > 0.5) | (
        random.random(SOURCE.size) < 0.1
    )
    is_gap[[0, 1]] = False
    return np.where(is_gap, gap, values)


def of_mir(path, **options):
    mir = pytest.importorskip("mir")
    job, found = mir.Job(), mir.ArrayOutput()
    for key, value in {"grid": "{grid: [5, 5]}", **options}.items():
        job.set(key, value)
    job.execute(mir.GribFileInput(str(path)), found)
    return np.asarray(found.values()).ravel()


def is_clear(method):
    """Points whose heaviest source point is not one of two, away from the poles, where MIR's triangles are others."""
    ordered = np.sort(geo.weights(SOURCE, TARGET, method, cache=False).toarray(), axis=1)
    return (ordered[:, -1] - ordered[:, -2] > 1e-9) & (np.abs(TARGET.points().latitude) < 80)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["grid-box-average", "linear"])
def test_points_are_missing_where_they_are_to_mir_and_values_are_its_own(method, tmp_path, monkeypatch):
    monkeypatch.setenv("MIR_CACHE_PATH", str(tmp_path))
    compared = is_clear(method)
    assert compared.mean() > 0.6
    for policy in POLICIES:
        is_simulated = policy == "simulated-missing-value"
        values = field(gap=4095.0 if is_simulated else np.nan)
        options = {"simulated_missing_value": 4095.0} if is_simulated else {}
        (tmp_path / "x").write_bytes(encode(values, KEYS, SOURCE, bits_per_value=12))
        words = {name.replace("_", "-"): value for name, value in options.items()}
        expected = of_mir(tmp_path / "x", interpolation=method, **{"non-linear": policy}, **words)[compared]
        found = geo.regrid(values, TARGET, method, source=SOURCE, missing=policy, cache=False, **options)
        found = found.ravel()[compared]
        gap = 4095.0 if is_simulated else np.nan
        assert 100 < np.isclose(expected, gap, equal_nan=True).sum() < 2000
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, err_msg=policy)
