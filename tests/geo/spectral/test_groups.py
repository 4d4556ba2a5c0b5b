"""Many fields are done a few at a time."""

import numpy as np

from dtedask.geo.spectral import groups
from dtedask.geo.spectral.groups import in_groups


def test_groups_of_fields_give_what_all_at_once_give(monkeypatch):
    seen = []

    def double(values):
        seen.append(len(values))
        return 2 * values, values[:, :2]

    monkeypatch.setattr(groups, "_GROUP_BYTES", 8 * 5 * 2 * 3)
    values = np.arange(35.0).reshape(7, 5)
    twice, first = in_groups(double, [values], [5, 2], np.float32)
    assert seen == [3, 3, 1]
    assert twice.dtype == np.float32
    assert np.array_equal(twice, 2 * values)
    assert np.array_equal(first, values[:, :2])
    (nothing,) = in_groups(double, [values[:0]], [5], np.float64)
    assert nothing.shape == (0, 5)
