"""The action `transport` hands on what comes."""

import pytest

from dtedask.pipeline import Context, Message
from dtedask.pipeline.action import make_action
from dtedask.testing import ActionSuite
from tests.pipeline.fields import field


class TestTransport(ActionSuite):
    @pytest.fixture
    def action(self):
        return make_action({"type": "transport", "target": "server"}, Context(sections=("server",)))

    @pytest.fixture
    def messages(self):
        return [field(step="0"), Message.flush("step", step="0"), field(step="6")]


def test_where_it_goes_is_explained():
    here = make_action({"type": "transport", "target": "server"}, Context(sections=("server",)))
    assert here.explain() == "goes on in the section 'server', in the same process"
    nowhere = make_action({"type": "transport", "target": "server"}, Context())
    assert nowhere.explain().endswith("which is not in this file: the plan cannot run")
