"""Land and sea apart: by brute force, and as MIR does it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, random_array

from dtedask.core.errors import GridError
from dtedask.geo import Grid, weights
from dtedask.geo.weighting import Interpolation, Mask, Masks
from dtedask.geo.weighting.memory import MEMORY
from dtedask.grib import encode
from tests.geo.weighting.spread import Spread, same

SOURCE, TARGET = Grid("H2"), Grid("H4")
KEYS = {"class": "od", "stream": "oper", "expver": "0001", "type": "an", "levtype": "sfc", "date": "20240601"}
KEYS |= {"time": "0000", "step": "0"}


def masks_of(source, target, factor=0.0, fallback="keep", grids=(SOURCE, TARGET)):
    return Masks(Mask.of(grids[0], source, "source mask"), Mask.of(grids[1], target, "target mask"), factor, fallback)


@st.composite
def cases(draw):
    """Random weights whose rows have a sum, some of them empty, and random masks."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    plain = csr_array(random_array((TARGET.size, SOURCE.size), density=draw(st.floats(0.01, 0.2)), rng=random))
    plain.sort_indices()
    share = draw(st.floats(0.0, 1.0))
    return plain, random.random(SOURCE.size) < share, random.random(TARGET.size) < share


@pytest.mark.slow
@settings(max_examples=40)
@given(cases(), st.sampled_from([0.0, 0.2, 0.7]), st.sampled_from(["keep", "missing", "nearest"]))
def test_rows_are_those_of_brute_force(case, factor, fallback):
    plain, of_source, of_target = case
    found = masks_of(of_source, of_target, factor, fallback).apply(plain, SOURCE, TARGET)
    expected = plain.toarray()
    for row, before in enumerate(plain.toarray()):
        after = np.where(of_source == of_target[row], before, before * factor)
        if after.any():
            expected[row] = after * (before.sum() / after.sum())
        elif before.any() and fallback == "missing":
            expected[row] = 0.0
        elif before.any() and fallback == "nearest":
            expected[row] = _nearest(row, of_source == of_target[row], found[[row]].toarray()[0])
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-13, atol=0)
    assert not (found.data == 0).any()
    assert all(np.all(np.diff(found.indices[a:b]) > 0) for a, b in pairwise(found.indptr))


def _nearest(row, is_candidate, found):
    """Weight 1 at a candidate with the largest cosine: at the one that was found, where several have it."""
    at, to = (
        np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
        for lat, lon in (np.deg2rad(grid.points()) for grid in (SOURCE, TARGET))
    )
    cosine = np.where(is_candidate, at @ to[row], -2)
    is_nearest = is_candidate & (cosine > cosine.max() - 1e-12)
    expected = np.zeros(SOURCE.size)
    if is_candidate.any():
        expected[int(np.argmax(np.where(is_nearest, found + 1, 0)))] = 1.0
    return expected


def test_masks_that_say_nothing_change_nothing(whole, small, large):
    for value in (False, True):
        masks = masks_of(np.full(small.size, value), np.full(large.size, value), grids=(small, large))
        assert same(masks.apply(whole, small, large), whole)


def test_fractions_from_a_half_on_are_land():
    fractions = np.linspace(0, 1, SOURCE.size)
    assert Mask.of(SOURCE, fractions, "mask") == Mask.of(SOURCE, fractions >= 0.5, "mask")
    np.testing.assert_array_equal(Mask.of(SOURCE, fractions, "mask").bits, fractions >= 0.5)


def test_masked_weights_are_kept_beside_the_plain_ones(cache, small, large):
    land, of_target = np.arange(small.size) % 3 == 0, np.arange(large.size) % 2 == 0
    masked = weights(small, large, "spread", source_mask=land, target_mask=of_target, cache=cache)
    Spread.made.clear()
    assert same(weights(small, large, "spread", source_mask=land * 1.0, target_mask=of_target, cache=cache), masked)
    plain = weights(small, large, "spread", cache=cache)
    assert not Spread.made
    assert not same(masked, plain)
    assert len(list(cache.iterdir())) == 2
    MEMORY.clear()


def test_masks_and_their_options_are_part_of_the_name():
    land, sea = np.arange(SOURCE.size) % 2, np.arange(TARGET.size) % 2
    given = [
        None,
        masks_of(land, sea),
        masks_of(1 - land, sea),
        masks_of(land, sea, 0.2),
        masks_of(land, sea, 0, "missing"),
    ]
    assert len({Interpolation.of(SOURCE, TARGET, "spread", {}, masks).key for masks in given}) == len(given)


def test_what_is_wrong_with_masks_is_said(small, large):
    land = np.ones(small.size)
    for masks, message in [
        ({"source_mask": land}, "mask of the source, and none of the target"),
        ({"source_mask": land, "target_mask": land}, "target mask has 768 points, and the grid H64 has 49152"),
        ({"source_mask": land * np.nan, "target_mask": np.ones(large.size)}, "points without a value"),
        ({"source_mask": land, "target_mask": np.ones(large.size), "mask_factor": 2.0}, "factor 2.0"),
        ({"source_mask": land, "target_mask": np.ones(large.size), "mask_fallback": "sea"}, "no fallback 'sea'"),
    ]:
        with pytest.raises(GridError, match=message):
            weights(small, large, "spread", **masks)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.2, 0.0])
@pytest.mark.parametrize("method", ["grid-box-average"])
def test_masked_fields_are_those_of_mir(method, factor, tmp_path, monkeypatch):
    monkeypatch.setenv("MIR_CACHE_PATH", str(tmp_path))
    mir = pytest.importorskip("mir")
    random, grids = np.random.default_rng(1), (Grid("O16"), Grid([5.0, 5.0]))
    kinds = [random.random(grid.shape) > 0.5 for grid in grids]
    field = np.floor(random.random(grids[0].size) * 4096)
    for name, values, grid in (("input", kinds[0], grids[0]), ("output", kinds[1], grids[1]), ("x", field, grids[0])):
        bits = 12 if name == "x" else 1
        (tmp_path / name).write_bytes(encode(values * 1.0, KEYS | {"param": "172"}, grid, bits_per_value=bits))
    job, found = mir.Job(), mir.ArrayOutput()
    options = {"grid": "{grid: [5, 5]}", "interpolation": method, "lsm": "true", "lsm-selection": "file"}
    options |= {f"lsm-file-{name}": str(tmp_path / name) for name in ("input", "output")}
    for key, value in (options | {"lsm-interpolation": "nn", "lsm-weight-adjustment": factor}).items():
        job.set(key, value)
    job.execute(mir.GribFileInput(str(tmp_path / "x")), found)
    options = {"mask_factor": factor, "mask_fallback": "missing", "cache": False}
    masked = weights(*grids, method, source_mask=kinds[0], target_mask=kinds[1], **options)
    np.testing.assert_allclose(masked @ field, np.asarray(found.values()).ravel(), atol=1e-11)
