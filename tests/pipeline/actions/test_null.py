"""The action `null` ends a pipeline."""

import pytest

from dtedask.pipeline import Context, Message
from dtedask.pipeline.action import make_action
from dtedask.testing import ActionSuite
from dtedask.testing.actions import run
from tests.pipeline.fields import field


class TestNull(ActionSuite):
    hands_on_flushes = False

    @pytest.fixture
    def action(self):
        return make_action({"type": "null"}, Context())

    @pytest.fixture
    def messages(self):
        return [field(step="0"), Message.flush("step", step="0")]

    def test_nothing_comes_out(self, action, stream):
        assert run(action, stream) == []
