"""How many streams may be open at a time."""

from collections import Counter
from contextlib import ExitStack

from hypothesis import given
from hypothesis import strategies as st

from dtedask.serve.notify.places import Places
from dtedask.serve.notify.problems import ProblemError


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40),
    st.integers(1, 5),
    st.none() | st.integers(1, 3),
)
def test_no_more_are_open_than_allowed_and_every_free_place_is_given(steps, most, most_each):
    places, held = Places(most, most_each), {name: [] for name in "abc"}
    with ExitStack() as all_of:
        for client, opens in steps:
            counts = Counter({name: len(stacks) for name, stacks in held.items()})
            if not opens:
                if held[client]:
                    held[client].pop().close()
                continue
            is_free = counts.total() < most and (most_each is None or counts[client] < most_each)
            stack = all_of.enter_context(ExitStack())
            try:
                stack.enter_context(places.held(client))
                held[client].append(stack)
            except ProblemError as problem:
                found = problem.status
            else:
                found = 200
            assert found == (200 if is_free else 503 if counts.total() >= most else 429)
