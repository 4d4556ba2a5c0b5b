"""Values are held as long as somebody needs them; runs that take more memory than there is go in parts, or not."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import TaskMemoryError
from dtedask.core.memory import peak_memory_bytes, reset_peak_memory
from dtedask.geo import Grid
from dtedask.products import Nodes
from dtedask.products.making import make
from dtedask.products.making.bundles import Batching
from dtedask.products.making.state import State
from dtedask.products.making.units import units_of
from dtedask.products.making.waves import peak_bytes, waves_of
from dtedask.products.making.work import Failed
from tests.pipeline.fields import KEYS, description
from tests.products.making import orders
from tests.products.making.orders import Given, Pack, Shelf, Sum, alone, order, plan
from tests.products.making.test_make import some_orders

FIELD = 3 * 4 * 4
LIMITS = st.one_of(st.none(), st.integers(1, 500))


class Chooses:
    """Runs a state by hand: what ends next is chosen by a test."""

    def __init__(self, makes, limit=None, fails=lambda _: False):
        self.state = State(units_of(makes, batching=Batching(2, 10**6, 2)), makes, limit)
        self.running, self.waiting, self.ended, self.fails = [], [], [], fails

    def begin(self, most):
        while len(self.running) < most and (unit := self.state.take()) is not None:
            self.running.append(unit)

    def end(self, number):
        unit = self.running.pop(number % len(self.running))
        values = unit.work(*self.state.inputs_of(unit))
        both = zip(unit.nodes, values, strict=True)
        values = [Failed(ValueError()) if self.fails(node) else one for node, one in both]
        self.waiting += self.state.done(unit, values)

    def finish(self, number):
        one = self.waiting.pop(number % len(self.waiting))
        self.ended.append(one)
        self.state.finished(one.make)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(some_orders(), st.integers(1, 3), LIMITS, st.sets(st.integers(0, 5)), st.data())
def test_however_tasks_end_all_products_end_once_and_nothing_stays_in_memory(makes, most, limit, failing, data):
    run = Chooses(makes, limit, lambda node: getattr(node.operation, "step", None) in failing)
    for _ in range(2000):
        run.begin(most)
        if run.waiting and (not run.running or data.draw(st.booleans())):
            run.finish(data.draw(st.integers(0, 5)))
        elif run.running:
            run.end(data.draw(st.integers(0, 5)))
        else:
            break
    assert run.state.is_over
    assert run.state.held_bytes == 0
    assert sorted(one.make.digest for one in run.ended) == sorted(one.digest for one in makes)


def test_what_only_a_failed_product_needs_is_not_made():
    nodes = Nodes()
    first, rest = nodes.make(Given(0, (ValueError("no"),))), [nodes.make(Given(step)) for step in range(1, 20)]
    orders.read.clear()
    made = make(plan(order(first, *rest), order(rest[3], name="b")), finish=Shelf(), threads=1)
    assert [one.product.requirement.name for one in made.delivered] == ["b"]
    assert set(orders.read) == {0, 4}


def test_values_take_no_more_than_they_may_while_products_are_finished_slowly():
    nodes, shelf = Nodes(), Shelf()
    makes = [order(nodes.make(Sum(), nodes.make(Given(step))), name=str(step)) for step in range(40)]
    made = make(plan(*makes), finish=shelf, threads=2, memory_bytes=6 * FIELD)
    assert len(made.delivered) == 40
    assert made.counts.most_bytes <= 6 * FIELD


def test_what_does_not_fit_together_goes_in_parts_with_the_same_bits():
    nodes, shelf = Nodes(), Shelf()
    read = [nodes.make(Given(step)) for step in range(7)]
    taken = [(0, 1, 2, 3), (4, 5, 6), (0, 1, 2, 6)]
    makes = [order(*(read[one] for one in some), name=str(n), hours=n) for n, some in enumerate(taken)]
    orders.read.clear()
    made = make(plan(*makes), finish=shelf, memory_bytes=4 * FIELD + 4)
    assert sorted(shelf.names) == ["0", "1", "2"]
    assert made.counts.read == sum(orders.read.values()) == 10
    for one in makes:
        found = shelf.parts[one.products[0].requirement.name]
        assert np.array_equal(found, [alone(node) for node in one.nodes])


def test_a_product_that_does_not_fit_is_refused_with_both_numbers_and_others_are_made():
    nodes, shelf = Nodes(), Shelf()
    large = order(*(nodes.make(Given(step)) for step in range(30)), name="large")
    made = make(plan(large, order(nodes.make(Given(0)))), finish=shelf, memory_bytes=10 * FIELD)
    assert shelf.names == ["a"]
    with pytest.raises(TaskMemoryError, match=r"large/.* needs about 1.* of memory, and products may take 480"):
        raise made.failed[0].error


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(some_orders(), st.integers(100, 800))
def test_parts_hold_every_product_once_and_fit(makes, limit):
    waves = list(waves_of(sorted(makes, key=lambda one: one.urgency), partial(units_of), limit))
    assert sorted(one.digest for wave in waves for one in wave.makes) == sorted(one.digest for one in makes)
    for wave in waves:
        assert wave.error is not None or peak_bytes(wave.units, wave.makes) <= limit


def test_many_products_of_one_field_take_the_memory_of_few():
    nodes = Nodes()
    makes = [
        order(nodes.make(Pack(), nodes.make(Sum(), nodes.make(Given(step)))), name=f"{step}-{n}")
        for step in range(50)
        for n in range(3)
    ]
    assert peak_bytes(units_of(makes), makes) < 10 * FIELD


@dataclass(frozen=True, slots=True)
class Large(Given):
    """A field of four million bytes."""

    name = "large"

    def describe(self):
        return description({**KEYS, "step": str(self.step)}, Grid("0.36/0.18"))

    def __call__(self):
        return np.full((1001, 1000), self.step, dtype="float32")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak can be reset on Linux alone")
def test_the_process_takes_what_it_may_and_little_more_whatever_all_values_take():
    nodes = Nodes()
    read = [nodes.make(Large(step)) for step in range(60)]
    made_of = [nodes.make(Sum(), nodes.make(Sum(), one, one), one) for one in read]
    makes = [order(one, name=str(number)) for number, one in enumerate(made_of)]
    make(plan(*makes[:4]), finish=lambda one, _: orders.delivered(one), threads=2)
    reset_peak_memory()
    before = peak_memory_bytes()
    made = make(plan(*makes), finish=lambda one, _: orders.delivered(one), threads=2, memory_bytes=60_000_000)
    assert len(made.delivered) == 60
    assert made.counts.most_bytes <= 60_000_000
    assert peak_memory_bytes() - before < 120_000_000 < 60 * 3 * 4_000_000
