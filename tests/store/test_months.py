"""Statistics over months: one variable whatever their length, and bounds from the calendar."""

import numpy as np
import pytest

import dtedask
from dtedask.grib import Field
from tests.pipeline.fields import field

HOURS = {"20240101": 744, "20240201": 696, "20240301": 744, "20240401": 720}


@pytest.fixture
def monthly(tmp_path):
    store = dtedask.open(str(tmp_path / "monthly"))
    for date, hours in HOURS.items():
        keys = {"param": "228004", "type": "an", "date": date, "timespan": "month"}
        said = {"step_type": "avg", "interval": (0, 3600 * hours)}
        message = field(np.full((3, 4), hours), described=said, step=None, **keys)
        store.archive_fields([Field(message.description, message.values.astype("float32"), {})])
    store.flush()
    return store


def test_months_of_all_lengths_are_one_variable(monthly):
    found = monthly.retrieve({})
    assert list(found) == ["avg_2t_month"]
    bounds = found["forecast_reference_time_bounds"].to_numpy()
    hours = (bounds[:, 1] - bounds[:, 0]) / np.timedelta64(1, "h")
    np.testing.assert_array_equal(hours, list(HOURS.values()))


def test_a_request_names_them_by_their_timespan(monthly):
    assert len(list(monthly.list("timespan=month,date=20240201/20240401"))) == 2


def test_retrieved_months_can_be_archived_again(monthly, tmp_path):
    copy = dtedask.open(str(tmp_path / "copy"))
    copy.archive(monthly.retrieve({}))
    copy.flush()
    assert [dict(one.keys) for one in copy.list()] == [dict(one.keys) for one in monthly.list()]
    again, before = (one.retrieve({})["avg_2t_month"] for one in (copy, monthly))
    assert again.equals(before)
    told = ("interval_months", "cell_methods", "timespan", "GRIB_stepType")
    assert [again.attrs[name] for name in told] == [before.attrs[name] for name in told]
