"""The actions `print` and `null`: a line for each message, and nothing at all."""

import logging

import pytest

from dtedask.pipeline import Message
from dtedask.pipeline.action import Context, make_action
from dtedask.pipeline.compute import Eager
from dtedask.testing import ActionSuite
from tests.pipeline.fields import field


def passed(messages, **options):
    action = make_action({"type": "print", **options}, Context())
    state = action.start()
    return [out for message in messages for out in action.handle(message, state, Eager())]


class TestPrint(ActionSuite):
    @pytest.fixture
    def action(self):
        return make_action({"type": "print", "stream": "mars"}, Context())

    @pytest.fixture
    def messages(self):
        return [field(), field(step="6"), Message.flush(step="6"), field(step="12")]


class TestNull(ActionSuite):
    hands_on_flushes = False

    @pytest.fixture
    def action(self):
        return make_action({"type": "null"}, Context())

    @pytest.fixture
    def messages(self):
        return [field()]

    def test_nothing_comes_out(self, action, messages):
        assert not [out for message in messages for out in action.handle(message, None, Eager())]


@pytest.mark.parametrize(("stream", "place"), [("info", "out"), ("cout", "out"), ("error", "err"), ("cerr", "err")])
def test_each_message_is_a_line_and_goes_on(capsys, stream, place):
    messages = [field(), Message.flush(step="0")]
    assert passed(messages, stream=stream, prefix="run") == messages
    shown = capsys.readouterr()._asdict()
    assert shown.pop(place) == f"run: {messages[0]}\nrun: {messages[1]}\n"
    assert set(shown.values()) == {""}


def test_flushes_may_be_left_out(capsys):
    messages = [field(), Message.flush(step="0")]
    assert passed(messages, **{"only-fields": True}) == messages
    assert capsys.readouterr().out == f"{messages[0]}\n"


def test_the_stream_mars_numbers_the_fields_of_a_step_and_shows_mars_keys(capsys):
    keys = field().with_keys(category="atmosphere")
    passed([keys, field(param="165"), Message.flush(step="6"), field(param="166")], stream="mars")
    lines = capsys.readouterr().out.splitlines()
    assert [line[:21] for line in lines] == [
        'Field:      1 :: "mar',
        'Field:      2 :: "mar',
        "Flush: step=6",
        lines[3][:21],
    ]
    assert '"param": "167"' in lines[0]
    assert "category" not in lines[0]
    assert lines[3].startswith("Field:      1 ::")


def test_the_stream_debug_is_the_log(caplog, capsys):
    with caplog.at_level(logging.DEBUG, "dtedask.pipeline.actions.print"):
        passed([field()], stream="debug")
    assert caplog.messages == [str(field())]
    assert capsys.readouterr().out == ""
