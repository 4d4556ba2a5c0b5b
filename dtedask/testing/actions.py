"""What every action must do: the same in one go and after a restart, on a stream and in a graph."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable, Sequence
from typing import Any

import dask.local
import numpy as np
import pytest

from dtedask.pipeline import Action, Compute, Kind, Message, Saved
from dtedask.pipeline.compute import Eager
from dtedask.pipeline.graph import Graph, Node
from dtedask.pipeline.graph.collect import tasks_of

__all__ = ["ActionSuite"]


class ActionSuite:
    """Tests of an action: derive a class whose name begins with ``Test``, with fixtures ``action`` and ``messages``.

    Examples
    --------
    >>> class TestMyAction(ActionSuite):
    ...     @pytest.fixture
    ...     def action(self):
    ...         return make_action({"type": "my-action", "factor": 2}, Context())
    ...
    ...     @pytest.fixture
    ...     def messages(self):
    ...         return [make_message(step=step) for step in range(6)]
    """

    hands_on_flushes = True  # an action that ends a pipeline may keep them
    extra_flush = True  # a flush of the kind end-of-simulation follows the messages

    @pytest.fixture
    def action(self) -> Action:
        """The action, as a plan would make it."""
        raise NotImplementedError("A suite of an action has a fixture 'action'.")

    @pytest.fixture
    def messages(self) -> Sequence[Message]:
        """What comes to it: fields in the order of time, and others where it takes them."""
        raise NotImplementedError("A suite of an action has a fixture 'messages'.")

    @pytest.fixture
    def stream(self, messages: Sequence[Message]) -> list[Message]:
        """The messages with arrays that cannot be changed, and a flush at the end."""
        end = [Message.flush("end-of-simulation")] if self.extra_flush else []
        return [*(_frozen(message) for message in messages), *end]

    def test_it_gives_something_for_the_messages_of_the_suite(self, action: Action, stream: list[Message]) -> None:  # noqa: D102
        if self.hands_on_flushes:
            assert any(message.kind is not Kind.FLUSH for message in run(action, stream))

    def test_a_second_run_and_a_pickled_action_give_the_same(self, action: Action, stream: list[Message]) -> None:  # noqa: D102
        first = run(action, stream)
        assert_same(run(action, stream), first)
        assert_same(run(pickle.loads(pickle.dumps(action)), stream), first)

    def test_what_comes_in_stays_as_it_is(self, action: Action, stream: list[Message]) -> None:  # noqa: D102
        before = [(dict(message.keys), _bits(message.values)) for message in stream]
        run(action, stream)  # a write into one of the arrays would be an error already
        after = [(dict(message.keys), _bits(message.values)) for message in stream]
        assert after == before, "the action changes what comes in"

    def test_going_on_from_a_saved_state_gives_the_same_bits(self, action: Action, stream: list[Message]) -> None:  # noqa: D102
        whole = run(action, stream)
        for cut in range(len(stream) + 1):
            first, saved = run_and_save(action, stream[:cut])
            again = pickle.loads(pickle.dumps(action))
            assert_same([*first, *run(again, stream[cut:], saved)], whole, f"after a restart at message {cut}")

    def test_a_saved_state_stays_as_it_is_when_the_run_goes_on(self, action: Action, stream: list[Message]) -> None:  # noqa: D102
        half = len(stream) // 2
        state = action.start()
        _through(action, state, stream[:half], Eager())
        saved = action.save(state)
        kept = stored(saved)
        _through(action, state, stream[half:], Eager())
        action.close(state)
        assert stored(saved).document == kept.document, "the saved document changed while the run went on"
        for name, array in saved.arrays.items():
            assert _bits(array) == _bits(kept.arrays[name]), f"the saved array {name!r} changed while the run went on"

    def test_a_flush_is_handed_on_once_and_after_what_it_completes(self, action: Action, stream: list[Message]) -> None:  # noqa: D102
        state = action.start()
        try:
            for message in stream:
                found = list(action.handle(message, state, Eager()))
                if message.kind is Kind.FLUSH and self.hands_on_flushes:
                    assert [one.kind for one in found].count(Kind.FLUSH) == 1, f"the {message} is to be handed on once"
                    assert found[-1].kind is Kind.FLUSH, f"something comes after the {message}"
                    assert found[-1].keys["flushKind"] == message.keys["flushKind"], f"the {message} became another"
        finally:
            action.close(state)

    def test_a_graph_gives_the_same_bits_and_computes_nothing_before(  # noqa: D102
        self, action: Action, stream: list[Message]
    ) -> None:
        eager = run(action, stream)
        if action.takes_arrays or action.on_archive != "run":
            return  # in graphs it is given arrays, or left out
        graph = Graph()
        nodes = [one.replaced(values=graph.node(one.values)) if one.is_field else one for one in stream]
        state = action.start()
        found = _through(action, state, nodes, graph)
        action.close(state)
        assert_same([_computed(message) for message in found], eager, "in a graph")

    def test_it_explains_itself_in_one_line_and_says_how_much_memory_it_takes(self, action: Action) -> None:  # noqa: D102
        assert "\n" not in action.explain()
        little, more = action.memory_bytes(1, 1_000), action.memory_bytes(2, 1_000_000)
        assert 0 <= little <= more

    def test_every_option_is_described_and_in_the_schema(self, action: Action) -> None:  # noqa: D102
        schema = type(action.options).model_json_schema()
        assert schema["additionalProperties"] is False
        bare = [name for name, option in schema["properties"].items() if not _is_described(option, schema)]
        assert not bare, f"options without a word on what they do: {bare}"


def run(action: Action, messages: Iterable[Message], saved: Saved | None = None) -> list[Message]:
    """Give what an action makes of messages, from the beginning or from a saved state."""
    state = action.start() if saved is None else action.load(saved)
    try:
        return _through(action, state, messages, Eager())
    finally:
        action.close(state)


def run_and_save(action: Action, messages: Iterable[Message]) -> tuple[list[Message], Saved]:
    """Give what an action makes of messages, and its state after them as storage gives it back."""
    state = action.start()
    try:
        found = _through(action, state, messages, Eager())
        return found, stored(action.save(state))
    finally:
        action.close(state)


def stored(saved: Saved) -> Saved:
    """Give a saved state as it comes out of storage: a document of JSON, and arrays that nobody else has."""
    return Saved(json.loads(json.dumps(saved.document)), {name: array.copy() for name, array in saved.arrays.items()})


def assert_same(found: Sequence[Message], expected: Sequence[Message], when: str = "") -> None:
    """Fail where messages differ in kind, keys, description or a bit of their values."""
    kinds = [one.kind.value for one in found], [one.kind.value for one in expected]
    assert kinds[0] == kinds[1], f"other messages {when}"
    for one, other in zip(found, expected, strict=True):
        assert dict(one.keys) == dict(other.keys), f"other keys {when}"
        assert one.description == other.description, f"another description of the {one} {when}"
        assert _bits(one.values) == _bits(other.values), f"other values of the {one} {when}"
        assert one.data == other.data, f"another message of the {one} {when}"


def _through(action: Action, state: Any, messages: Iterable[Message], compute: Compute) -> list[Message]:
    return [out for message in messages for out in action.handle(message, state, compute)]


def _frozen(message: Message) -> Message:
    if not isinstance(message.values, np.ndarray):
        return message
    values = message.values.copy()
    values.flags.writeable = False
    return message.replaced(values=values)


def _computed(message: Message) -> Message:
    return message.replaced(values=_value(message.values), data=_value(message.data))


def _value(value: Any) -> Any:
    return dask.local.get_sync(tasks_of([value]), value.key) if isinstance(value, Node) else value


def _bits(values: Any) -> Any:
    """Give what is equal only where arrays are equal to the last bit; NaN is NaN."""
    if not isinstance(values, np.ndarray | np.generic):
        return values
    array = np.asarray(values)
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), np.nan, array)
    return array.dtype.str, array.shape, array.tobytes()


def _is_described(option: dict[str, Any], schema: dict[str, Any]) -> bool:
    reference = option.get("$ref", "").removeprefix("#/$defs/")
    return bool(option.get("description") or schema.get("$defs", {}).get(reference, {}).get("description"))
