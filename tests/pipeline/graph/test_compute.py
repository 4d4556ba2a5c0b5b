"""The functions of actions as a graph: the same bits as when they are called at once."""

import pickle
import subprocess
import sys
from dataclasses import dataclass

import dask
import numpy as np
import pytest
from dask.delayed import Delayed
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.pipeline.compute import Eager
from dtedask.pipeline.graph import Graph
from dtedask.pipeline.graph.collect import tasks_of


@dataclass(frozen=True)
class Total:
    """A fold that changes its state in place."""

    weight: float = 1.0

    def begin(self, values):
        return {"sum": values * self.weight}

    def update(self, state, values):
        state["sum"] += values * self.weight
        return state


def mean(state, count):
    return state["sum"] / count


def merge(one, other):
    return {"sum": one["sum"] + other["sum"]}


def add_all(parts):
    return sum(parts)


def result(node):
    return dask.compute(Delayed(node.key, tasks_of([node])), scheduler="threads")[0]


def moved(values, by):
    return values + by


@st.composite
def programs(draw):
    """What an action may do with eight fields: folds that go on, are looked at in between, are merged and called."""
    return draw(st.lists(st.tuples(st.integers(0, 7), st.sampled_from(["fold", "look", "call", "new"])), max_size=20))


def run(program, compute, fields):
    state, count, seen = None, 0, []
    for number, what in program:
        value = fields[number]
        if what == "call":
            value = compute.call("moved", moved, value, 0.1)
        if what == "new" and state is not None:
            other = compute.fold("total", Total(0.3), None, value)
            state = compute.call("merge", merge, state, other)
        else:
            state = compute.fold("total", Total(0.3), state, value)
        count += 1
        if what == "look":
            seen.append(compute.call("mean", mean, state, count))
    return seen if state is None else [*seen, compute.call("mean", mean, state, count)]


@pytest.mark.slow
@settings(max_examples=40)
@given(programs(), st.integers(0, 2**32 - 1))
def test_a_graph_gives_the_bits_that_calling_at_once_gives(program, seed):
    fields = list(np.random.default_rng(seed).normal(size=(8, 5)))
    graph = Graph()
    nodes = run(program, graph, [graph.source("field", np.copy, field) for field in fields])
    expected = run(program, Eager(), fields)
    assert [result(node).tobytes() for node in nodes] == [values.tobytes() for values in expected]


def test_a_day_of_hourly_fields_is_one_task():
    graph, state = Graph(), None
    for hour in range(24):
        state = graph.fold("average", Total(), state, graph.source("field", float, hour))
    tasks = tasks_of([graph.call("mean", mean, state, 24)])
    assert sorted(key.split("-")[0] for key in tasks) == ["average", "mean"]


def test_a_field_that_two_folds_need_is_read_once():
    graph, states = Graph(), [None, None]
    for hour in range(3):
        field = graph.source("field", float, hour)
        states = [graph.fold("average", Total(weight), state, field) for weight, state in enumerate(states)]
    assert sorted(key.split("-")[0] for key in tasks_of(states)) == ["average", "average", *["field"] * 3]


def test_a_fold_that_runs_again_finds_the_state_before_as_it_was():
    graph = Graph()
    first = graph.fold("total", Total(), None, np.ones(3))
    looked = graph.call("mean", mean, first, 1)
    second = graph.fold("total", Total(), first, np.ones(3))
    assert second is not first
    tasks = tasks_of([looked, second])
    ready = {key: task() for key, task in tasks.items() if not task.dependencies}
    ready[first.key] = tasks[first.key](ready)
    for _ in range(2):
        assert tasks[second.key](ready)["sum"].tolist() == [2, 2, 2]
    assert tasks[looked.key](ready).tolist() == [1, 1, 1]


@pytest.mark.slow
def test_the_same_work_has_the_same_names_in_another_process():
    program = (
        "import numpy as np; from dtedask.pipeline.graph import Graph; graph = Graph();"
        "print(graph.call('scaled', np.multiply, graph.source('field', np.arange, 3), 2.5).key)"
    )
    names = {
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    }
    assert len(names) == 1
    assert names.pop().startswith("scaled-")


def test_a_large_constant_is_one_node_for_all_tasks_that_need_it():
    graph, weights = Graph(), np.ones(100_000)
    nodes = [graph.call("weighted", np.multiply, graph.source("field", float, n), weights) for n in range(5)]
    tasks = tasks_of(nodes)
    assert sum(key.startswith("constant-") for key in tasks) == 1
    assert all(len(pickle.dumps(tasks[node.key])) < 2_000 for node in nodes)


def test_a_list_of_nodes_is_an_argument_too():
    graph = Graph()
    parts = [graph.source("field", float, number) for number in range(4)]
    assert result(graph.call("all", add_all, parts)) == pytest.approx(6)


def test_what_nobody_holds_any_more_is_forgotten():
    graph = Graph()
    state = graph.fold("total", Total(), None, graph.source("field", np.ones, 3))
    (fold,) = [node for node in graph.unsettled() if node is state]
    fold.hold({"sum": np.ones(3)})
    assert graph.unsettled() == []
    state = graph.fold("total", Total(), state, graph.source("field", np.ones, 3))
    assert len(tasks_of([state])) == 2
    assert result(graph.call("mean", mean, state, 2)).tolist() == [1, 1, 1]
