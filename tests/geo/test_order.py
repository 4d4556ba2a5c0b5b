import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.geo import PointOrder, ScanMode

modes = st.builds(ScanMode, st.booleans(), st.booleans(), st.booleans(), st.booleans())


def place_in_message(mode, rows, columns, row, column):
    """Where a point of our order stands in a message, counted by hand."""
    j = rows - 1 - row if mode.rows_reversed else row
    i = columns - 1 - column if mode.columns_reversed else column
    line, along, length = (i, j, rows) if mode.rows_fastest else (j, i, columns)
    if mode.alternating and line % 2:
        along = length - 1 - along
    return line * length + along


@pytest.mark.slow
@given(modes, st.integers(1, 5), st.integers(1, 6), st.data())
def test_every_point_is_taken_from_its_place_in_the_message(mode, rows, columns, data):
    roll = data.draw(st.integers(0, columns - 1))
    order = mode.order((rows, columns), roll=roll)
    got = order.apply(np.arange(rows * columns, dtype=float), dtype="float64")
    expected = [
        [place_in_message(mode, rows, columns, row, (column + roll) % columns) for column in range(columns)]
        for row in range(rows)
    ]
    np.testing.assert_array_equal(got, expected)


@given(modes, st.lists(st.integers(1, 6), min_size=1, max_size=6))
def test_rows_of_reduced_grids_are_moved_whole(mode, lengths):
    mode = ScanMode(mode.columns_reversed, mode.rows_reversed, False, mode.alternating)
    order = mode.order((sum(lengths),), row_lengths=tuple(lengths))
    names = [[(row, column) for column in range(length)] for row, length in enumerate(lengths)]
    lines = names[:: -1 if mode.rows_reversed else 1]
    backwards = [mode.columns_reversed != (mode.alternating and number % 2 == 1) for number in range(len(lines))]
    message = [point for line, back in zip(lines, backwards, strict=True) for point in (line[::-1] if back else line)]
    ours = [point for line in names for point in line]
    got = order.apply(np.arange(len(ours), dtype=float), dtype="float64")
    assert [message[int(place)] for place in got] == ours


@given(modes)
def test_an_order_is_small_and_travels(mode):
    order = mode.order((721, 1440), roll=720)
    assert pickle.loads(pickle.dumps(order)) == order
    assert len(pickle.dumps(order)) < 300


def test_values_are_left_untouched():
    values = np.arange(6.0)
    PointOrder((2, 3), alternating=True).apply(values)
    np.testing.assert_array_equal(values, np.arange(6.0))
