"""What every action must do, for ensembles."""

import pytest

from dtedask.pipeline.action import Context, make_action
from dtedask.testing import ActionSuite
from tests.pipeline.actions.test_ensemble import ALL, member


class TestMembersThatAreNamed(ActionSuite):
    @pytest.fixture
    def action(self):
        return make_action({"type": "ensemble", "operations": ALL, "members": "0/to/3"}, Context("test"))

    @pytest.fixture
    def messages(self):
        return [member(number, param=param) for number in (3, 0, 2, 1) for param in ("167", "165")]


class TestMembersThatCome(ActionSuite):
    @pytest.fixture
    def action(self):
        return make_action({"type": "ensemble", "operations": ALL}, Context("test"))

    @pytest.fixture
    def messages(self):
        return [member(number) for number in (5, 0, 2, 40, 1)]
