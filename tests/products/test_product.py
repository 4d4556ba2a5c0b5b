"""Cycles and products: names, deadlines, and which goes first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dtedask.products import Cycle, FormatOptions, PostProcessing, Product, Requirement

TIMES = st.integers(-36_816_480, 120_000_000).map(
    lambda minutes: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def _product(name="a", hours=None, priority=0):
    cycle = Cycle(datetime(2024, 6, 3, tzinfo=UTC))
    deadline = None if hours is None else timedelta(hours=hours)
    requirement = Requirement(
        name, "me", {}, PostProcessing(), FormatOptions(type="grib2"), deadline=deadline, priority=priority
    )
    return Product(requirement, cycle, "f.grib2", (), requirement.due(cycle))


@given(TIMES)
def test_a_cycle_is_found_again_by_its_keys(time):
    cycle = Cycle(time)
    assert Cycle.of(cycle.keys) == cycle


def test_deadlines_count_from_the_base_time():
    assert _product(hours=7).due == datetime(2024, 6, 3, 7, tzinfo=UTC)


def test_the_earliest_deadline_goes_first_then_the_greatest_priority_then_the_name():
    late, early, high, b, a = _product(hours=9), _product(hours=7), _product(priority=5), _product("b"), _product("a")
    assert sorted([b, a, late, high, early], key=lambda product: product.urgency) == [early, late, high, a, b]


def test_an_earlier_step_goes_first():
    six, twelve = (_product(f"step-{step}") for step in (6, 12))
    assert sorted([twelve, six], key=lambda product: product.urgency) == [six, twelve]
