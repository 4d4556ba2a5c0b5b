"""The suite of actions finds what is wrong with an action."""

import numpy as np
import pytest

from dtedask.pipeline import Action, ActionOptions, Context, Kind, Message, Saved
from dtedask.testing import ActionSuite
from dtedask.testing.actions import stored


class Sum(Action):
    """A good one: the sum of all fields so far."""

    def start(self):
        return {"sum": None}

    def handle(self, message, state, compute):
        if message.is_field:
            state["sum"] = compute.fold("sum", Adding(), state["sum"], message.values)
            message = message.replaced(values=compute.call("finish", np.copy, state["sum"]))
        yield message

    def save(self, state):
        return Saved({}, {} if state["sum"] is None else {"sum": state["sum"].copy()})

    def load(self, saved):
        return {"sum": saved.arrays.get("sum")}


class Adding:
    def begin(self, values):
        return values.copy()

    def update(self, state, values):
        state += values
        return state


class ForgetsItsState(Sum):
    def save(self, state):  # noqa: ARG002
        return Saved()


class SharesItsState(Sum):
    def save(self, state):
        return Saved({}, {} if state["sum"] is None else {"sum": state["sum"]})


class ChangesItsInput(Sum):
    def handle(self, message, state, compute):  # noqa: ARG002
        if message.is_field:
            message.values[0] = 0
        yield message


class LooksAtValues(Sum):
    def handle(self, message, state, compute):  # noqa: ARG002
        if not message.is_field or np.max(message.values) > 0:
            yield message


class SwallowsFlushes(Sum):
    def handle(self, message, state, compute):  # noqa: ARG002
        return [message] if message.is_field else []


class HoldsALock(Sum):
    def __init__(self, options, context):
        super().__init__(options, context)
        self.function = lambda values: values


MESSAGES = [Message(Kind.FIELD, {"step": str(step)}, np.linspace(step, 1.0, 5)) for step in range(4)]


def make(kind):
    return kind(ActionOptions(type="sum"), Context())


class TestSum(ActionSuite):
    @pytest.fixture
    def action(self):
        return make(Sum)

    @pytest.fixture
    def messages(self):
        return MESSAGES


@pytest.mark.parametrize(
    ("kind", "test", "said"),
    [
        (ForgetsItsState, "test_going_on_from_a_saved_state_gives_the_same_bits", "after a restart at message 1"),
        (SharesItsState, "test_a_saved_state_stays_as_it_is_when_the_run_goes_on", "array 'sum' changed while"),
        (ChangesItsInput, "test_what_comes_in_stays_as_it_is", "read-only"),
        (LooksAtValues, "test_a_graph_gives_the_same_bits_and_computes_nothing_before", "not supported|ufunc|bad oper"),
        (SwallowsFlushes, "test_a_flush_is_handed_on_once_and_after_what_it_completes", "is to be handed on once"),
        (HoldsALock, "test_a_second_run_and_a_pickled_action_give_the_same", "pickle"),
    ],
)
def test_what_is_wrong_with_an_action_fails_its_test(kind, test, said):
    suite = TestSum()
    frozen = [message.replaced(values=message.values.copy()) for message in MESSAGES]
    for message in frozen:
        message.values.flags.writeable = False
    with pytest.raises(Exception, match=said):
        getattr(suite, test)(make(kind), [*frozen, Message.flush("end-of-simulation")])


def test_stored_arrays_are_copies():
    saved = Saved({"a": 1}, {"sum": np.zeros(2)})
    stored(saved).arrays["sum"][:] = 1
    assert saved.arrays["sum"].tolist() == [0, 0]
