"""How many requests a client may make."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.serve.notify.rates import Rates


@given(st.floats(0.1, 50), st.lists(st.floats(0, 2), min_size=1, max_size=80))
def test_in_no_stretch_of_time_are_more_served_than_the_rate_and_one_burst(rate, gaps):
    rates, now, served = Rates(rate), 0.0, []
    for gap in gaps:
        now += gap
        if not rates.wait_s("a", now):
            served.append(now)
    for first, begin in enumerate(served):
        for last in range(first, len(served)):
            assert last - first + 1 <= max(1.0, rate) + rate * (served[last] - begin) + 1e-6


@given(st.floats(0.1, 50))
def test_who_waits_as_long_as_he_was_told_is_served(rate):
    rates, now = Rates(rate), 0.0
    while not (wait_s := rates.wait_s("a", now)):
        pass
    assert rates.wait_s("a", now + wait_s * 1.001 + 1e-9) == 0


def test_clients_do_not_share_their_rates():
    rates = Rates(1)
    assert rates.wait_s("a", 0.0) == 0
    assert rates.wait_s("a", 0.0) == pytest.approx(1.0)
    assert rates.wait_s("b", 0.0) == 0
