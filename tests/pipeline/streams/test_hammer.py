"""A made run writes all its fields, whole or in parts, from any number of threads; the plan sees the same fields."""

import numpy as np
import pytest

from dtedask.core.errors import DtedaskError, PlanError
from dtedask.pipeline import Plan
from dtedask.pipeline.sinks.memory import forget, kept
from dtedask.pipeline.streams.hammer import PARAMS, MadeRun, hammer

SMALL = {"levels": 2, "params": 2, "steps": 3, "shape": (7, 9), "members": 2}


def fields_of(run, *actions):
    """All fields that come out, by what tells them apart."""
    sink = {"type": "sink", "sinks": [{"type": "memory", "name": "hammer"}]}
    forget("hammer")
    done = hammer(Plan.from_yaml({"actions": [*actions, sink]}), run)
    keys = ("number", "param", "levelist", "step")
    return {tuple(out.keys.get(key) for key in keys): out.values for out in kept("hammer")}, done


def numbers(run):
    return {
        (str(member + 1), str(PARAMS[param]), str(level + 1), str(step)): run.whole(member, param, level, step)
        for member in range(run.members)
        for param in range(run.params)
        for level in range(run.levels)
        for step in range(1, run.steps + 1)
    }


@pytest.mark.parametrize("domains", ["none", "unstructured", "structured"])
@pytest.mark.parametrize("clients", [1, 3])
def test_the_plan_gets_the_same_fields_however_they_are_shared_among_clients(domains, clients):
    run = MadeRun(**SMALL, clients=clients, domains=domains)
    found, done = fields_of(run, {"type": "aggregate"})
    wanted = numbers(run)
    assert found.keys() == wanted.keys()
    for key, values in found.items():
        np.testing.assert_array_equal(values, wanted[key])
    assert (done.fields, done.summary.written) == (24, 24)
    assert [notice.keys["step"] for notice in done.summary.notices] == ["1", "2", "3"]


def test_the_error_of_a_client_ends_the_run_and_is_the_one_that_is_raised():
    plan = Plan.from_yaml({"actions": [{"type": "aggregate", "parts": 2}]})
    with pytest.raises(DtedaskError, match="says that the domain 'made' has 3 parts; others, or the plan, say 2"):
        hammer(plan, MadeRun(**SMALL, clients=3, domains="structured"))


def test_rates_are_of_whole_fields_as_the_model_has_them():
    _, done = fields_of(MadeRun(**SMALL, dtype="float32"))
    assert done.size_bytes == 24 * 7 * 9 * 4
    assert done.fields_per_s == pytest.approx(24 / done.seconds)
    assert done.mb_per_s == pytest.approx(24 * 7 * 9 * 4 / done.seconds / 1e6)


def test_another_seed_gives_other_numbers_and_the_same_seed_the_same():
    one, again, other = (MadeRun(shape=(3, 4), seed=seed).numbers for seed in (1, 1, 2))
    assert one.tobytes() == again.tobytes()
    assert one.tobytes() != other.tobytes()


def test_parts_need_a_plan_that_puts_them_together():
    plan = Plan.from_yaml({"name": "bare", "actions": [{"type": "null"}]})
    with pytest.raises(PlanError, match=r"pipeline 'bare' has no aggregate.*Add \{type: aggregate\}"):
        hammer(plan, MadeRun(domains="structured"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"params": 13}, "at most 12 params, not 13"),
        ({"steps": 0}, "at least one of steps, not 0"),
        ({"shape": (1, 9)}, "at least 2 rows and columns, not 1x9"),
        ({"shape": (3, 9), "clients": 4, "domains": "structured"}, "4 clients cannot share 3 rows"),
    ],
)
def test_an_impossible_run_is_refused(options, words):
    with pytest.raises(PlanError, match=words):
        MadeRun(**options)
