import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.ingest.marks import Mark, are_all

TAG = "/data/a (1) [x].grib [2048 bytes, 2024-06-03T00:00:00.000000000Z]"
chosen = st.integers(1, 3000).flatmap(
    lambda total: st.tuples(st.just(total), st.frozensets(st.integers(1, total), min_size=1))
)


@given(chosen, st.integers(0, 2), st.integers(0, 2), st.booleans())
def test_a_mark_is_read_as_it_was_written(found, skipped, elsewhere, is_referred):
    total, numbers = found
    mark = Mark(TAG, numbers, total, skipped, elsewhere, is_referred)
    assert Mark.parse(str(mark)) == mark


@pytest.mark.parametrize(
    ("numbers", "text"),
    [(range(1, 13), "1-12"), ([*range(1, 13), *range(25, 37)], "1-12+25-36"), (range(2, 48, 5), "2-47:5"), ([7], "7")],
)
def test_fields_of_a_file_are_named_for_people(numbers, text):
    assert str(Mark(TAG, frozenset(numbers), 48)) == f"{TAG} (fields {text} of 48)"


def test_a_file_without_order_takes_a_bit_a_field():
    mark = Mark(TAG, frozenset(n * n % 9973 + 1 for n in range(4000)), 10_000)
    assert len(str(mark)) < 2000
    assert Mark.parse(str(mark)) == mark


@pytest.mark.parametrize("source", ["", "a.grib", "a.grib (in part)", "3 more files", f"{TAG} (fields x of 4)"])
def test_other_sources_are_no_marks(source):
    assert Mark.parse(source) is None


def test_marks_account_for_a_file_together():
    first, second = Mark(TAG, frozenset({1, 2}), 4), Mark(TAG, frozenset({3}), 4, elsewhere=1)
    assert not are_all([first], 4)
    assert are_all([first, second], 4)
    assert are_all([Mark(TAG)], 4)
