"""The model that says what many workers would give."""

import importlib
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

FOLDER = Path(__file__).parents[2] / "benchmarks"
ROWS = [(1000, 2), (1000, 100), (10_000, 10), (10_000, 1000), (100_000, 100)]
coefficients = st.floats(0, 1e-2)


@pytest.fixture(scope="module")
def model():
    """The module, which is no part of the package."""
    sys.path.insert(0, str(FOLDER))
    yield importlib.import_module("_scale_model")
    sys.path.remove(str(FOLDER))


@pytest.mark.slow
@given(fixed=st.floats(1e-2, 1), field=coefficients, task=coefficients)
def test_a_fit_finds_the_coefficients_again(model, fixed, field, task):
    cost = model.fit([(fields, tasks, fixed + field * fields + task * tasks) for fields, tasks in ROWS])
    assert (cost.fixed_s, cost.field_s, cost.task_s) == pytest.approx((fixed, field, task), rel=1e-6, abs=1e-9)
    assert cost.residual < 1e-6


def test_noise_stands_in_the_residual_and_nothing_costs_less_than_nothing(model):
    cost = model.fit([(fields, tasks, 1e-5 * fields * (1.1 if tasks < 100 else 0.9)) for fields, tasks in ROWS])
    assert 0.02 < cost.residual < 0.2
    assert min(cost.fixed_s, cost.field_s, cost.task_s) >= 0


def test_what_does_not_vary_gets_no_coefficient(model):
    cost = model.fit([(0, tasks, 1e-3 * tasks) for tasks in (10, 100, 1000)])
    assert (cost.field_s, cost.task_s) == (0, pytest.approx(1e-3))


def run(model, workers, *, field_s=0.0, task_s=0.0, work_s=0.01):
    costs = {name: model.Cost(0, 0, 0) for names in (*model.BEFORE.values(), *model.AFTER.values()) for name in names}
    costs["survey"] = model.Cost(0, field_s, 0)
    nothing = model.Cost(0, 0, 0)
    cut = lambda total, width: total // (4 * width)  # noqa: E731
    made = model.Model(costs, model.Cost(0, 0, task_s), nothing, cut)
    return made.run(model.Kind("grid", 100, work_s), workers, 2, 80_000)


def test_without_costs_all_threads_work_all_the_time(model):
    assert run(model, 100).efficiency == pytest.approx(1)


def test_the_driver_bounds_a_run_on_many_workers_and_is_named(model):
    bounded = run(model, 1000, field_s=1e-4)
    assert bounded.seconds == pytest.approx(8 + 0.4)
    assert bounded.bottleneck == "survey"


def test_the_scheduler_bounds_a_run_of_many_tasks_and_is_named(model):
    bounded = run(model, 1000, task_s=1e-3)
    assert bounded.seconds == pytest.approx(8)
    assert bounded.bottleneck == "scheduler"
