"""What every action must do, for statistics of several kinds."""

from datetime import UTC, datetime

import numpy as np
import pytest

from dtedask.pipeline import Message
from dtedask.testing import ActionSuite
from tests.pipeline.statistics.runs import analyses, at_step, forecast, statistics


class TestDailyStatistics(ActionSuite):
    @pytest.fixture
    def action(self):
        operations = ["average", "maximum", "stddev", "difference", {"operation": "quantile", "quantile": 0.9}]
        return statistics(operations, "12h", partial=True)

    @pytest.fixture
    def messages(self):
        fields = [at_step(3600 * step, param=param) for step in range(40) for param in ("167", "165")]
        return [*fields[:7], Message.flush("partial-statistics"), *fields[7:]]


class TestLongWindows(ActionSuite):
    """More fields than a segment, with missing values."""

    @pytest.fixture
    def action(self):
        return statistics(["average", "count"], "run", details={"value-count-threshold": 1})

    @pytest.fixture
    def messages(self):
        fields = forecast(range(1, 75))
        return [one.replaced(values=np.where(one.values > 1, np.nan, one.values)) for one in fields]


class TestRollingWindows(ActionSuite):
    @pytest.fixture
    def action(self):
        return statistics(["average", "minimum"], "6h", window_length="18h")

    @pytest.fixture
    def messages(self):
        return forecast(range(31))


class TestHoursOfTheDay(ActionSuite):
    @pytest.fixture
    def action(self):
        return statistics(["average"], "1m", by_hour_of_day=True, details={"window-type": "backward-offset"})

    @pytest.fixture
    def messages(self):
        return analyses(datetime(2024, 2, 1, tzinfo=UTC), 4 * 31, 6)
