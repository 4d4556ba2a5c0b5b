"""Walltimes in all forms of SLURM, and how long a worker lives within one."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.cluster.slurm.walltime import lifetime_options, successor_s, walltime_s

minutes_or_seconds, hours = st.integers(0, 59), st.integers(0, 23)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90 * 60),
        ("90:30", 90 * 60 + 30),
        ("01:30:00", 5400),
        ("1-12", 36 * 3600),
        ("1-12:30", 36.5 * 3600),
        ("1-12:30:15", 36.5 * 3600 + 15),
        ("UNLIMITED", None),
        ("infinite", None),
        ("-1", None),
        ("0", None),
    ],
)
def test_each_form_of_a_walltime_is_understood(text, seconds):
    assert walltime_s(text) == seconds


@given(st.integers(0, 30), hours, minutes_or_seconds, minutes_or_seconds)
def test_days_hours_minutes_and_seconds_add_up(days, hours, minutes, seconds):
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    assert walltime_s(f"{days}-{hours:02}:{minutes:02}:{seconds:02}") == (total or None)
    assert walltime_s(f"{days * 24 + hours}:{minutes:02}:{seconds:02}") == (total or None)


@pytest.mark.parametrize("text", ["soon", "1:2:3:4", "1-", "1h", ""])
def test_what_is_no_walltime_is_refused(text):
    with pytest.raises(ValueError, match="is not a walltime such as '01:30:00'"):
        walltime_s(text)


@given(st.integers(1, 60 * 24 * 7))
def test_workers_end_before_their_job_is_killed_and_get_a_successor_before_that(minutes):
    _, lifetime, _, stagger = lifetime_options(str(minutes))
    latest = float(lifetime[:-1]) + float(stagger[:-1])
    assert latest <= minutes * 60 - min(20, minutes * 60 / 3)
    assert 0 < successor_s(lifetime_options(str(minutes))) < float(lifetime[:-1]) - float(stagger[:-1])


def test_without_a_walltime_workers_live_for_ever():
    assert lifetime_options(None) == lifetime_options("UNLIMITED") == []
    assert successor_s([]) == math.inf
    assert successor_s(["--lifetime=100s"]) == 75
