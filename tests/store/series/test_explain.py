"""Explain says which layout a read takes, how many bytes that touches, and why."""

import pytest

ALL = "class=rd,expver=test"


@pytest.fixture
def explained(memory_store, archive_run):
    archive_run(memory_store, date="20240101")
    memory_store.rechunk(ALL)
    archive_run(memory_store, date="20240102")
    return lambda request: memory_store.explain(f"{ALL},{request}")


def test_whole_fields_are_said_to_come_from_the_map(explained):
    whole, _ = explained("date=20240101").layouts
    assert (whole.part, whole.layout, whole.from_series, whole.in_series) == ("whole fields", "map", 0, 4)
    assert whole.size_bytes == whole.field_bytes == 4 * 40 * 37 * 4
    assert whole.series_bytes == 4 * (2 * 32) * (2 * 32) * 4
    assert "series would touch 65.5 kB for 4 of them" in str(explained("date=20240101"))


def test_a_point_is_said_to_come_from_the_series(explained):
    _, point = explained("date=20240101").layouts
    assert (point.part, point.fields, point.from_series) == ("a point", 4, 4)
    assert point.size_bytes == point.series_bytes == 4 * 32 * 32 * 4
    assert "4 from series; 16.4 kB; map alone would touch 23.7 kB" in str(explained("date=20240101"))


def test_a_request_of_which_a_part_stands_in_series_says_which(explained):
    _, point = explained("date=20240101/20240102").layouts
    assert (point.fields, point.from_series, point.in_series) == (8, 4, 4)
    assert "4 from series; 4 from map, which do not stand there" in str(point)


def test_a_request_of_which_nothing_stands_in_series_says_so(explained):
    assert all("none of them stands in series" in str(one) for one in explained("date=20240102").layouts)
    assert explained("date=20240102").to_dict()["layouts"][0]["in_series"] == 0


def test_a_single_step_at_a_point_comes_from_its_field(explained):
    _, point = explained("date=20240101,step=6").layouts
    assert (point.from_series, point.in_series) == (0, 1)


def test_without_time_series_nothing_is_said_of_layouts(memory_store, archive_run):
    archive_run(memory_store)
    assert memory_store.explain(ALL).layouts == ()
    assert "layouts" not in memory_store.explain(ALL).to_dict()
