"""The ring is everything behind its floor, whatever is added, read and removed."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from dtedask.notify.notification import Notification
from dtedask.serve.notify.ring import Ring, render

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def items(numbers):
    return render([Notification("free", number, {}, None, NOW) for number in numbers], "http://here")


@given(
    sets=st.lists(st.sets(st.integers(1, 60), max_size=8), max_size=8),
    size=st.integers(1, 10),
    removed=st.sets(st.integers(1, 60)),
    after=st.integers(0, 60),
    limit=st.integers(1, 9),
    until=st.none() | st.integers(1, 60),
)
def test_a_ring_reads_as_the_list_of_all_would(sets, size, removed, after, limit, until):
    ring, everything = Ring(0, size), []
    for some in sets:
        numbers = sorted(some)
        everything += [one for one in numbers if one > ring.top]
        ring.extend(items(numbers), max([*numbers, ring.top]))
    for one in removed:
        ring.remove(one)
    assert len(ring) <= 2 * size
    if not ring.has(after):
        return
    expected = [one for one in everything if one > after and one not in removed and (until is None or one <= until)]
    found, upto, is_end = ring.read(after, limit, until)
    assert [one.sequence for one in found] == expected[:limit]
    assert is_end == (len(expected) <= limit)
    assert not [one for one in expected[limit:] if one <= upto]
    assert upto >= after


def test_a_filter_is_asked_once_for_all_streams_that_have_it():
    class Counted:
        asked = 0

        def matches(self, _notification):
            self.asked += 1
            return True

    counted, one = Counted(), items([1])[0]
    assert all(one.passes("key", counted) for _ in range(10))
    assert counted.asked == 1
