"""Weights applied to many fields give what SciPy gives in float64, whatever the order of the values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, random_array

from dtedask.core.errors import GridError
from dtedask.geo.application.apply import apply, as_floating
from dtedask.geo.application.compact import compact

POLICIES = ["missing-if-heaviest-missing", "missing-if-all-missing", "missing-if-any-missing", "no"]
SHAPES = st.tuples(st.integers(0, 40), st.integers(1, 80), st.integers(0, 70))  # target, source, fields
ORDERS = ["fields", "points", "strided", "backwards"]


def weights(seed, target, source, density=0.2):
    """Positive weights in random places; some rows are empty."""
    made = random_array((target, source), density=density, rng=np.random.default_rng(seed), format="csr")
    made.data += 0.1
    return csr_array(made)


def in_order(values, order):
    """The same values, stored in another way."""
    if order == "points":
        return np.ascontiguousarray(values.T).T
    if order == "strided":
        wide = np.zeros((values.shape[0] * 2, values.shape[1] * 3), values.dtype)
        wide[::2, ::3] = values
        return wide[::2, ::3]
    return values[::-1, ::-1].copy()[::-1, ::-1] if order == "backwards" else values


def brute_force(matrix, values, policy):
    """Every point of every field by itself, in float64."""
    found = np.full((len(values), matrix.shape[0]), np.nan)
    for row in range(matrix.shape[0]):
        entries = slice(matrix.indptr[row], matrix.indptr[row + 1])
        columns, data = matrix.indices[entries], matrix.data[entries]
        for field, all_values in enumerate(values.astype(np.float64)):
            entry = all_values[columns]
            gaps = np.isnan(entry)
            if not len(entry) or gaps.all() or (gaps.any() and policy in {"missing-if-any-missing", "no"}):
                continue
            if policy in {"missing-if-heaviest-missing", "simulated-missing-value"} and gaps[data.argmax()]:
                continue
            if policy == "heaviest":
                found[field, row] = entry[data.argmax()]
                continue
            total = (data * entry)[~gaps].sum()
            found[field, row] = total / data[~gaps].sum() if gaps.any() else total
    return found


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(SHAPES, st.sampled_from(ORDERS), st.sampled_from(ORDERS), st.sampled_from(["f4", "f8"]), st.integers(0, 99))
def test_sums_are_those_of_scipy_in_float64_rounded_once(shape, order, out_order, dtype, seed):
    target, source, count = shape
    matrix = weights(seed, target, source)
    values = np.random.default_rng(seed).standard_normal((count, source)).astype(dtype)
    out = in_order(np.zeros((count, target), dtype), out_order)
    found = apply(compact(matrix), in_order(values, order), out=out)
    expected = (matrix @ values.T.astype(np.float64)).T
    expected[:, np.diff(matrix.indptr) == 0] = np.nan
    assert found is out
    np.testing.assert_allclose(found, expected.astype(dtype), rtol=1e-7 if dtype == "f4" else 1e-14, atol=1e-14)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(SHAPES, st.sampled_from(POLICIES), st.sampled_from(["f4", "f8"]), st.floats(0, 1), st.integers(0, 99))
def test_every_policy_gives_what_each_point_by_itself_gives(shape, policy, dtype, share, seed):
    target, source, count = shape
    matrix, random = weights(seed, target, source), np.random.default_rng(seed)
    values = random.standard_normal((count, source)).astype(dtype)
    values[random.random(values.shape) < share] = np.nan
    found = apply(compact(matrix), values, missing=policy)
    np.testing.assert_allclose(
        found, brute_force(matrix, values, policy), rtol=2e-6 if dtype == "f4" else 1e-12, atol=1e-6
    )


def test_the_heaviest_point_gives_its_value_missing_or_not():
    matrix, random = weights(1, 30, 50), np.random.default_rng(1)
    values = random.standard_normal((40, 50))
    values[random.random(values.shape) < 0.3] = np.nan
    found = apply(compact(matrix, heaviest_only=True), values, missing="heaviest")
    np.testing.assert_array_equal(found, brute_force(matrix, values, "heaviest"))


def test_infinite_values_stay_infinite():
    matrix = csr_array(np.array([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75], [1.0, 0.0, 0.0]]))
    values = np.array([[1.0, np.inf, np.nan], [np.inf, -np.inf, 1.0]], "f4")
    found = apply(compact(matrix), values, missing="missing-if-all-missing")
    np.testing.assert_array_equal(found, [[np.inf, np.inf, 1.0], [np.nan, -np.inf, np.inf]])


def test_what_cannot_be_written_to_is_read_all_the_same():
    matrix, values = weights(2, 20, 30), np.ones((3, 30), "f4")
    values.flags.writeable = False
    np.testing.assert_allclose(apply(compact(matrix), values)[0], matrix.sum(axis=1), rtol=1e-6)


def test_the_result_is_stored_as_the_fields_are():
    matrix, values = weights(3, 20, 30), np.ones((4, 30), "f4")
    assert apply(compact(matrix), values).flags.c_contiguous
    assert apply(compact(matrix), np.asfortranarray(values)).T.flags.c_contiguous


@pytest.mark.parametrize(("given", "wanted"), [("i2", "f4"), ("i4", "f8"), (">f4", "f4"), ("f2", "f4"), ("?", "f4")])
def test_other_numbers_are_copied_to_the_type_that_holds_them(given, wanted):
    values = as_floating(np.ones((1, 2), given))
    assert values.dtype == np.dtype(wanted)


def test_a_row_may_read_more_than_a_block_has_room_for():
    matrix = csr_array(np.full((3, 20_000), 1 / 20_000))
    values = np.random.default_rng(4).standard_normal((2, 20_000))
    np.testing.assert_allclose(apply(compact(matrix), values), values.mean(axis=1)[:, None] * np.ones(3), rtol=1e-12)


@pytest.mark.slow
def test_many_blocks_on_several_threads_give_what_one_gives():
    target, source = 60_000, 50_000
    columns = np.sort((np.arange(target)[:, None] * source // target + np.arange(3) * 700) % source, axis=1)
    matrix = csr_array((np.tile([0.2, 0.3, 0.5], target), columns.ravel(), np.arange(target + 1) * 3), (target, source))
    values = np.random.default_rng(5).standard_normal((37, source)).astype("f4")
    found = apply(compact(matrix), values)
    np.testing.assert_allclose(found, (matrix @ values.T.astype("f8")).T, rtol=1e-6, atol=1e-6)


def test_fields_of_another_grid_are_refused():
    with pytest.raises(GridError, match="do not have the 30 points"):
        apply(compact(weights(1, 20, 30)), np.ones((3, 29)))
    with pytest.raises(GridError, match="cannot be interpolated"):
        apply(compact(weights(1, 20, 30)), np.full((3, 30), "a"))
    with pytest.raises(GridError, match="not those of `out`"):
        apply(compact(weights(1, 20, 30)), np.ones((3, 30)), out=np.ones((3, 19)))
