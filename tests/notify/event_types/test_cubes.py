"""Event types of commits, from the cubes of a root."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import dtedask
from dtedask.core.errors import NotificationError, UnknownEventTypeError
from dtedask.notify.event_types import load_event_types

EVENT = {
    "class": "od",
    "stream": "oper",
    "expver": "0001",
    "type": "fc",
    "levtype": "pl",
    "date": "20240603",
    "time": "0000",
    "step": "6/12",
    "levelist": "500/850",
    "param": "130",
}
ANY = load_event_types("commits: {cubes: '*'}")["commits"]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A root with one cube."""
    folder = str(tmp_path_factory.mktemp("root"))
    latitude, longitude = np.linspace(90, -90, 3), np.arange(0, 360, 90.0)
    field = xr.DataArray(
        np.zeros((3, 4), "float32"),
        dims=("latitude", "longitude"),
        coords={"latitude": latitude, "longitude": longitude},
    )
    keys = {**EVENT, "levelist": "500"}
    with dtedask.open(folder) as store:
        for step in ("0", "12", "6"):
            store.archive(field, {**keys, "step": step})
    return folder


def test_a_root_gives_types_of_all_cubes_and_of_each(root):
    types = load_event_types("{flight: {identifier: {country: string}}}").with_cubes(root)
    assert list(types) == ["flight", "data", "mars", "od.oper.0001"]
    assert types["od.oper.0001"].cubes == ("od/oper/0001",)
    assert types["od.oper.0001"].is_one_cube
    assert not types["data"].is_one_cube
    with pytest.raises(UnknownEventTypeError, match="Did you mean 'od.oper.0001'"):
        types["od.oper.0002"]


def test_the_schema_comes_from_the_axes_of_the_cube(root):
    schema = load_event_types({}).with_cubes(root)["od.oper.0001"].schema()["identifier"]
    axes = dtedask.open(root).axes()
    assert set(schema) == {*axes, "polygon"} - {"grid"}
    assert schema["step"] == {"type": "IntHandler", "required": False, "range": None, "present": [0, 12]}
    assert schema["date"]["type"] == "DateHandler"
    assert schema["expver"]["type"] == "ExpverHandler"
    assert schema["class"]["present"] == axes["class"]


def test_only_the_cube_that_is_asked_about_is_read(root, monkeypatch):
    asked = []
    store = dtedask.store.Store
    select = store.select
    monkeypatch.setattr(
        store, "select", lambda self, request=None, **options: asked.append(request) or select(self, request, **options)
    )
    types = load_event_types({}).with_cubes(root)
    for _ in range(3):
        assert "step" in types["od.oper.0001"].schema()["identifier"]
        types["od.oper.0001"].filter({"step": 6, "number": 3})
    assert asked == [{"class": "od", "stream": "oper", "expver": "0001"}]


def test_cubes_that_come_later_are_found(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("dtedask.notify.event_types.cubes.time", SimpleNamespace(monotonic=lambda: now[0]))
    types = load_event_types({}).with_cubes(tmp_path / "later")
    assert list(types) == ["data", "mars"]
    latitude, longitude = np.linspace(90, -90, 3), np.arange(0, 360, 90.0)
    field = xr.DataArray(np.zeros((3, 4), "float32"), coords={"latitude": latitude, "longitude": longitude})
    with dtedask.open(tmp_path / "later") as store:
        store.archive(field, {**EVENT, "levelist": "500", "step": "0"})
    assert "od.oper.0001" not in types  # it has just looked
    now[0] += 2
    assert types["od.oper.0001"].cubes == ("od/oper/0001",)


def test_a_root_that_does_not_exist_yet_has_the_type_of_all_cubes(tmp_path):
    types = load_event_types().with_cubes(tmp_path / "later")
    assert list(types) == ["dissemination", "data", "mars"]
    assert types["mars"].is_of_commits
    assert list(types["data"].keys) == ["polygon"]
    assert types["data"].filter({"class": "od"}).takes(EVENT)


def test_a_declared_name_wins_over_that_of_all_cubes(root):
    types = load_event_types("mars: ").with_cubes(root)
    assert not types["mars"].is_of_commits


def test_commits_alone_write_notifications_of_commits():
    with pytest.raises(NotificationError, match="written by commits, and cannot be sent"):
        ANY.draft({"class": "od"})


@pytest.mark.parametrize(
    ("wanted", "is_taken"),
    [
        ({"class": "od", "expver": 1}, True),
        ({"step": 6}, True),
        ({"step": [0, 24]}, False),
        ({"step": "0/to/24/by/6"}, True),
        ({"step": ["0/to/3/by/1", "12/to/24/by/12"]}, True),
        ({"date": "20240601/to/2024-06-05"}, True),
        ({"date": "20240604/to/20240630"}, False),
        ({"levelist": "100/to/500/by/100"}, True),
        ({"class": "to/od"}, True),
        ({"class": ["ea", "od"]}, True),
        ({"step": {"gt": 12}}, False),
        ({"step": {"gte": 12}}, True),
        ({"step": {"lt": "7h"}}, True),
        ({"step": {"between": [7, 11]}}, False),
        ({"levelist": {"in": [850, 1000]}}, True),
        ({"level": 700}, False),
        ({"param": "t"}, True),
        ({"param": ["u", "v"]}, False),
        ({"date": "2024-06-03"}, True),
        ({"date": {"between": ["2024-05-30", "2024-06-02"]}}, False),
        ({"date": "202406"}, True),
        ({"time": "all"}, True),
        ({"time": {"lte": 6}}, True),
        ({"number": 1}, False),
        ({"domain": "g", "timespan": "none"}, True),
        ({"domain": ["g"]}, True),
        ({"domain": "a"}, False),
    ],
)
def test_a_filter_takes_events_with_at_least_one_field_of_a_request(wanted, is_taken):
    assert ANY.filter(wanted).takes(EVENT) == is_taken


def test_a_control_forecast_is_member_0():
    assert ANY.filter({"number": 0}).takes({**EVENT, "type": "cf"})


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"stepp": 1}, "no key 'stepp'. Did you mean 'step'"),
        ({"date": "yesterday"}, "Key 'date' of event type 'commits' cannot be 'yesterday'"),
        ({"param": {"gt": "t"}}, "have no order"),
        ({"step": {"from": 1}}, "'from' is no operator"),
        ({"step": {"between": [2, 1]}}, "smaller value first"),
        ({"step": None}, "one value or a list"),
        ({"step": "0/to/24"}, "0/to/24 has no increment"),
        ({"step": "0/to/100d/by/1m"}, "more than 10,000 values"),
        ({"date": "19000101/to/20991231"}, "more than 10,000 values"),
        ({"number": "1/to/999999"}, "more than 10,000 values"),
        ({"number": "1/TO/999999/By/1"}, "more than 10,000 values"),
        ({"levelist": "/".join(map(str, range(10_001)))}, "more than 10,000 values"),
        ({"step": "0/to/24/by/0"}, "never reaches its end"),
        ({"step": "0/to"}, "lacks a value"),
        ({"param": "t/to/u"}, "takes no range|Invalid value"),
        ({"step": {"gt": "all"}}, "nothing is larger or smaller"),
        ({"date": {"between": ["all", "all"]}}, "nothing is larger or smaller"),
        ({"level": 1, "levelist": 2}, "'levelist' is given twice"),
    ],
)
def test_what_no_request_could_ask_is_refused(wanted, message):
    with pytest.raises(NotificationError, match=message):
        ANY.filter(wanted)


def test_events_of_commits_are_found_by_their_polygon():
    here = {**EVENT, "polygon": [[10.0, 0.0], [10.0, 10.0], [0.0, 10.0], [0.0, 0.0], [10.0, 0.0]]}
    assert ANY.filter({"class": "od", "point": [5, 5]}).takes(here)
    assert not ANY.filter({"point": [15, 5]}).takes(here)
    assert not ANY.filter({"point": [5, 5]}).takes(EVENT)
