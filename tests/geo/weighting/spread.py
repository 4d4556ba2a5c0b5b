"""A method of interpolation that needs no geometry."""

from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array

from dtedask.geo.interpolation.method import Method, MethodOptions


class SpreadOptions(MethodOptions):
    """Options of the method."""

    width: int = 3
    """How many points a row reads at most."""


class Spread(Method):
    """Each point of the target reads some neighbours in the order of the source, with different weights."""

    Options = SpreadOptions
    made: ClassVar[list[tuple[int, int]]] = []

    def prepare(self, source, target):
        return source.size / target.size

    def block(self, prepared, source, target, first, last):  # noqa: ARG002
        self.made.append((first, last))
        rows = np.arange(first, last)
        length = 1 + rows % self.options.width
        row = np.repeat(np.arange(rows.size), length)
        within = np.arange(row.size) - np.repeat(np.cumsum(length) - length, length)
        column = ((rows[row] * prepared).astype(int) + within) % source.size
        values = (1.0 + within + np.sin(rows[row])) / 7
        return csr_array((values, (row, column)), shape=(rows.size, source.size))


def same(left, right):
    """Whether two matrices are equal to the last bit."""
    return left.shape == right.shape and all(
        np.array_equal(getattr(left, name), getattr(right, name)) for name in ("indptr", "indices", "data")
    )
