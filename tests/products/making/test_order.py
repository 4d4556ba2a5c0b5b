"""In which order tasks are done, and what is done in one task."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.products import Nodes
from dtedask.products.making.bundles import Batching
from dtedask.products.making.order import ordered
from dtedask.products.making.units import units_of
from dtedask.products.making.waves import peak_bytes
from dtedask.products.node import inputs_of
from tests.products.making.orders import Given, Pack, Sum, Times, alone, order
from tests.products.making.test_make import some_orders


@st.composite
def graphs(draw):
    """What each of some tasks needs, and how urgent it is: no more than what it needs."""
    needs, urgency = [], []
    for number in range(draw(st.integers(0, 12))):
        own = draw(st.lists(st.integers(0, number - 1), max_size=3)) if number else []
        needs.append(own)
        urgency.append(max([draw(st.integers(0, 2)), *(urgency[one] for one in own)]))
    return needs, urgency


@given(graphs())
def test_every_task_comes_once_after_what_it_needs_and_after_the_more_urgent(graph):
    needs, urgency = graph
    found = ordered(needs, urgency)
    assert sorted(found) == list(range(len(needs)))
    assert [urgency[one] for one in found] == sorted(urgency)
    assert all(found.index(other) < found.index(one) for one in found for other in needs[one])


def test_what_is_made_of_a_field_is_made_before_the_next_is_read():
    nodes = Nodes()
    read = [nodes.make(Given(step)) for step in range(3)]
    packed = [nodes.make(Pack(), nodes.make(Sum(), one)) for one in read]
    units = units_of([order(*packed)])
    assert [unit.key.partition("-")[0] for unit in units] == ["given", "pack"] * 3
    assert peak_bytes(units, [order(*packed)]) < peak_bytes(units[:1], [order(*read[:1])]) * 5


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(some_orders(), st.integers(1, 4), st.integers(1, 4), st.integers(1, 1000))
def test_tasks_give_the_bits_of_each_node_made_alone_however_many_go_together(makes, most, steps, size):
    units = units_of(makes, batching=Batching(most, size, steps))
    made = {}
    for unit in units:
        for node, value in zip(unit.nodes, unit.work(*(made[key] for key in unit.needs)), strict=True):
            assert np.array_equal(value, alone(node))
        made[unit.key] = unit.work(*(made[key] for key in unit.needs))
    every = [node for unit in units for node in unit.makes]
    assert sorted(map(id, every)) == sorted(map(id, inputs_of(node for make in makes for node in make.nodes)))


@given(some_orders())
@pytest.mark.slow
def test_names_of_tasks_are_the_same_in_every_process_and_never_the_same_for_two(makes):
    keys = [unit.key for unit in units_of(makes)]
    assert len(set(keys)) == len(keys)
    assert keys == [unit.key for unit in units_of(makes)]


def test_small_things_made_of_one_value_are_one_task_and_many_are_several():
    nodes = Nodes()
    base = nodes.make(Sum(), nodes.make(Given(0)), nodes.make(Given(1)))
    few, many = (
        [order(nodes.make(Pack(), nodes.make(Sum(), *[base] * times)), name=str(times)) for times in range(2, count)]
        for count in (4, 40)
    )
    assert len(units_of(few)) == 2 + 1 + 2  # sums of two have two inputs
    assert len(units_of(many)) == 2 + 1 + 38
    single = [order(nodes.make(Pack(), nodes.make(Times(float(one)), base)), name=str(one)) for one in range(40)]
    assert len(units_of(single)) == 2 + 1 + 40 + 40  # this one works on many, so that each is by itself


def test_what_is_less_urgent_is_not_in_the_task_of_the_urgent():
    nodes = Nodes()
    one = nodes.make(Sum(), nodes.make(Given(0)))
    early, late = order(one, hours=1), order(nodes.make(Pack(), one), name="b", hours=9)
    assert [unit.key.partition("-")[0] for unit in units_of([late, early])] == ["given", "sum", "pack"]
