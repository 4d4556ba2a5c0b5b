"""Which commit is the oldest to stay, against a search through all moments."""

from datetime import UTC, datetime, timedelta

import dask
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import SettingError, StoreError
from dtedask.store.location import Location
from dtedask.store.root_files import RootFiles
from dtedask.store.upkeep.retention import FILE, Limit, Point, Retention, RetentionDocument, choose

BEGIN = datetime(2024, 6, 3, tzinfo=UTC)


def at(second):
    return BEGIN + timedelta(seconds=second)


@st.composite
def pasts(draw):
    """Commits, newest first, at least one, at growing seconds."""
    seconds = sorted(draw(st.sets(st.integers(0, 60), min_size=1, max_size=12)))
    first = draw(st.integers(1, 5))
    return [Point(f"S{number}", at(second), number) for number, second in enumerate(seconds, first)][::-1]


def newest_at(points, second):
    """The commit that readers saw at a time."""
    there = [point for point in points if point.time <= at(second)]
    return there[0].sequence if there else None


@given(
    points=pasts(),
    keep=st.none() | st.integers(0, 70),
    commits=st.none() | st.integers(1, 14),
    reader=st.integers(0, 60),
    sequence=st.none() | st.integers(1, 20),
)
def test_every_state_that_the_rule_a_reader_or_a_listener_needs_stays_and_no_older_one(
    points, keep, commits, reader, sequence
):
    now = 60
    limits = [Limit("a reader", at(reader)), *([Limit("a listener", sequence=sequence)] if sequence else [])]
    choice = choose(points, Retention(keep, commits), at(now), limits)
    kept = {point.sequence for point in points[: choice.oldest + 1]}
    if keep is None and commits is None:
        assert kept == {point.sequence for point in points}
        return
    moments = [*range(reader, now + 1), *(range(max(now - keep, 0), now + 1) if keep is not None else ())]
    needed = {newest_at(points, second) for second in moments} - {None}
    needed |= {point.sequence for point in points[: commits or 0]} | {points[0].sequence}
    needed |= {point.sequence for point in points if sequence and point.sequence >= sequence}
    # A moment before the first commit, when readers saw nothing, is given the first one.
    early = any(newest_at(points, second) is None for second in moments) or (keep or 0) > now
    assert kept == ({point.sequence for point in points} if early else needed)


def test_who_holds_more_than_the_rule_is_named():
    points = [Point(f"S{number}", at(number), number) for number in range(9, 0, -1)]
    limits = [Limit("a reader", at(8)), Limit("listener 'late'", sequence=4)]
    choice = choose(points, Retention(keep_commits=3), at(9), limits)
    assert [limit.reason for limit in choice.held] == ["listener 'late'"]
    assert points[choice.oldest].sequence == 4


@pytest.mark.parametrize(("keep", "seconds"), [("7 d", 604800), ("7d", 604800), (90, 90), (timedelta(hours=1), 3600)])
def test_durations_are_read_as_people_write_them(keep, seconds):
    assert Retention.parse(keep, None).keep_s == seconds


@pytest.mark.parametrize("keep", ["soon", "-1 d", "7 dogs"])
def test_what_is_no_duration_is_refused(keep):
    with pytest.raises(SettingError, match="duration"):
        Retention.parse(keep, None)


def test_no_commit_at_all_cannot_be_kept():
    with pytest.raises(SettingError, match="Cannot keep 0 commits"):
        Retention.parse(None, 0)


def test_the_rule_of_the_root_goes_before_that_of_the_settings(store):
    with dask.config.set({"dtedask.store.retention.keep": "2 d"}):
        assert str(store.retention) == "2 d"
        store.keep("7 d", commits=100)
        assert str(store.retention) == "7 d and 100 commits"
        store.keep()
        assert store.retention.keeps_all
    RootFiles(Location.parse(store.root)).write(FILE, b"{}")
    with pytest.raises(StoreError, match="cannot be read"):
        RetentionDocument(Location.parse(store.root)).read()
