"""How many workers are wanted where their number follows the work."""

from hypothesis import given
from hypothesis import strategies as st

from dtedask.cluster.slurm.adapting import Adapting

targets = st.lists(st.integers(0, 20), max_size=30)


@given(st.integers(0, 5), st.integers(0, 5), targets)
def test_the_number_stays_within_its_bounds(minimum, more, asked):
    adapting = Adapting(minimum, minimum + more)
    assert all(minimum <= adapting.decide(target) <= minimum + more for target in asked)


@given(st.integers(1, 5), st.integers(0, 20), targets)
def test_growth_is_at_once_and_shrinking_needs_patience(patience, target, before):
    adapting = Adapting(0, 20, patience)
    for one in before:
        adapting.decide(one)
    top = max(adapting.current, target)
    adapting.decide(top)
    found = [adapting.decide(target) for _ in range(patience)]
    assert found == [top] * (patience - 1) + [target]


def test_of_several_lower_targets_the_highest_counts():
    adapting = Adapting(0, 10)
    assert [adapting.decide(target) for target in (8, 2, 5, 1)] == [8, 8, 8, 5]


def test_somebody_who_waits_gets_a_worker_without_work():
    assert Adapting(0, 10).decide(0, at_least=1) == 1
