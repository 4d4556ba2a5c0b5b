"""What every method of interpolation must do: the same weights however they are cut, and no value out of nothing."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import csr_array, vstack

from dtedask.geo import Grid
from dtedask.geo.interpolation.method import Method

__all__ = ["MethodSuite"]


class MethodSuite:
    """Tests of a method: derive a class whose name begins with ``Test``, with a fixture ``method``.

    Examples
    --------
    >>> class TestMyMethod(MethodSuite):
    ...     @pytest.fixture
    ...     def method(self):
    ...         return MyMethod()
    """

    source: Grid = Grid("O16")
    target: Grid = Grid("10/10")
    covers = True  # every point of the target gets a value of a global source

    @pytest.fixture
    def method(self) -> Method:
        """The method with its options."""
        raise NotImplementedError("A suite of a method has a fixture 'method'.")

    @pytest.fixture
    def whole(self, method: Method) -> csr_array:
        """All of its weights."""
        return weights_of(method, self.source, self.target)

    def test_rows_are_points_of_the_target_and_columns_those_of_the_source(self, whole: csr_array) -> None:  # noqa: D102
        assert whole.shape == (self.target.size, self.source.size)
        assert whole.dtype == np.float64
        assert whole.has_sorted_indices
        assert np.isfinite(whole.data).all()
        assert (whole.data != 0).all()

    def test_the_weights_are_the_same_however_they_are_cut(self, method: Method, whole: csr_array) -> None:  # noqa: D102
        cuts = (0, 1, 7, self.target.size // 2, self.target.size)
        assert_equal(weights_of(method, self.source, self.target, cuts), whole)

    def test_a_pickled_method_and_what_it_prepared_give_the_same(self, method: Method, whole: csr_array) -> None:  # noqa: D102
        again = pickle.loads(pickle.dumps(method))
        prepared = pickle.loads(pickle.dumps(again.prepare(self.source, self.target)))
        assert_equal(again.block(prepared, self.source, self.target, 0, self.target.size), whole)

    def test_every_point_that_gets_a_value_gets_that_of_a_constant_field(  # noqa: D102
        self, method: Method, whole: csr_array
    ) -> None:
        count = np.diff(whole.indptr)
        assert count.any()
        if self.covers:
            assert count.all(), "points of the target get no value"
        if method.reduction == "sum":
            sums = whole @ np.ones(self.source.size)
            np.testing.assert_allclose(sums[count > 0], 1.0, rtol=0, atol=1e-12)

    def test_the_grid_itself_is_a_target_too(self, method: Method) -> None:  # noqa: D102
        same = weights_of(method, self.source, self.source)
        assert same.shape == (self.source.size, self.source.size)
        assert (np.diff(same.indptr) > 0).all()


def weights_of(method: Method, source: Grid, target: Grid, cuts: tuple[int, ...] | None = None) -> csr_array:
    """Make the weights of all points of a target, in blocks that end at the cuts."""
    prepared = method.prepare(source, target)
    blocks = [method.block(prepared, source, target, *ends) for ends in pairwise(cuts or (0, target.size))]
    return csr_array(vstack(blocks, format="csr"))


def assert_equal(found: csr_array, expected: csr_array) -> None:
    """Assert that two matrices have the same bits."""
    np.testing.assert_array_equal(found.indptr, expected.indptr)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.data, expected.data)
