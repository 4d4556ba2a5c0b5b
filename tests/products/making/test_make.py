"""Products are made: every value once, with the bits of making each alone, and the failure of one is nobody else's."""

from __future__ import annotations

import errno
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import ProductError, TaskMemoryError
from dtedask.products import Nodes
from dtedask.products.making import make
from tests.products.making import orders
from tests.products.making.orders import Broken, Given, Pack, Shelf, Sum, Times, alone, order, plan


@pytest.fixture(autouse=True)
def _nothing_read():
    orders.read.clear()
    orders.batched.clear()


@st.composite
def some_orders(draw):
    """Random products: chains over fields, sums of several, deadlines, priorities; some share all, some nothing."""
    nodes = Nodes()

    def value(depth):
        kind = draw(st.sampled_from(["read", "times", "sum"] if depth else ["read"]))
        if kind == "read":
            return nodes.make(Given(draw(st.integers(0, 5))))
        if kind == "times":
            return nodes.make(Times(draw(st.sampled_from([2.0, 3.0]))), value(depth - 1))
        return nodes.make(Sum(), *(value(depth - 1) for _ in range(draw(st.integers(1, 3)))))

    return [
        order(
            *(nodes.make(Pack(), value(3)) for _ in range(draw(st.integers(1, 4)))),
            name=f"p{number}", hours=draw(st.sampled_from([None, 6, 7])), priority=draw(st.integers(0, 1)),
        )
        for number in range(draw(st.integers(1, 6)))
    ]  # fmt: skip


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(some_orders(), st.integers(1, 3))
def test_products_have_the_bits_of_each_made_alone_and_every_field_is_read_once(makes, threads):
    orders.read.clear()
    shelf = Shelf()
    made = make(plan(*makes), finish=shelf, threads=threads)
    assert set(orders.read.values()) == {1}
    assert made.counts.read == len(orders.read)
    assert (len(made.delivered), made.failed, made.left) == (len(makes), (), ())
    for one in makes:
        assert shelf.parts[one.products[0].requirement.name] == [alone(node) for node in one.nodes]


def test_equal_products_are_made_once_and_each_has_its_outcome():
    one = order(Nodes().make(Given(0)), also=("b", "c"))
    shelf = Shelf()
    made = make(plan(one), finish=shelf)
    assert shelf.names == ["a"]
    assert [outcome.product.requirement.name for outcome in made.delivered] == ["a", "b", "c"]
    assert (made.counts.read, made.counts.read_alone) == (1, 3)


def test_urgent_products_are_computed_and_finished_first():
    nodes, shelf = Nodes(), Shelf()
    makes = [
        order(nodes.make(Times(float(number)), nodes.make(Given(number))), name=name, hours=hours, priority=priority)
        for number, (name, hours, priority) in enumerate(
            [("never", None, 9), ("late", 9, 0), ("early", 6, 0), ("high", 9, 5)], start=1
        )
    ]
    done = []

    def finish(one, parts):
        done.append(sum(orders.read.values()))
        return shelf(one, parts)

    make(plan(*makes), finish=finish, threads=1)
    assert shelf.names == ["early", "high", "late", "never"]


def test_fields_of_one_operation_are_made_at_once():
    nodes = Nodes()
    makes = [order(nodes.make(Times(2.0), nodes.make(Given(step))), name=str(step)) for step in range(5)]
    make(plan(*makes), finish=Shelf())
    assert orders.batched == [5]


def test_a_field_that_fails_fails_its_products_and_no_others():
    nodes, shelf = Nodes(), Shelf()
    bad = nodes.make(Broken(RuntimeError("no such thing")), nodes.make(Given(1)))
    good = nodes.make(Times(2.0), nodes.make(Given(0)))
    below = nodes.make(Times(2.0), bad)  # in one task with the good one, or made of what failed
    makes = [order(good, name="good"), order(good, bad, name="bad"), order(below, name="below")]
    made = make(plan(*makes), finish=shelf)
    assert shelf.names == ["good"]
    assert {one.product.requirement.name for one in made.failed} == {"bad", "below"}
    with pytest.raises(ProductError, match=r"'broken' of 2t .*step=1.*RuntimeError: no such thing"):
        raise made.failed[0].error


def test_one_field_of_many_at_once_that_fails_takes_no_other_with_it():
    nodes, shelf = Nodes(), Shelf()
    gap = nodes.make(Times(float("nan")), nodes.make(Given(9)))
    read = [nodes.make(Given(step)) for step in range(3)]
    makes = [order(nodes.make(Times(2.0), nodes.make(Sum(), one)), name=str(n)) for n, one in enumerate([*read, gap])]
    made = make(plan(*makes), finish=shelf)
    assert sorted(shelf.parts) == ["0", "1", "2"]
    assert "a gap" in str(made.failed[0].error)


def test_reading_is_tried_again_where_the_error_may_pass(monkeypatch):
    monkeypatch.setattr("dtedask.products.making.work.time.sleep", lambda _: None)
    passing = OSError(errno.ESTALE, "Stale file handle")
    shelf = Shelf()
    makes = [
        order(Nodes().make(Given(0, (passing, passing))), name="twice"),
        order(Nodes().make(Given(1, (passing,) * 3)), name="thrice"),
        order(Nodes().make(Given(2, (FileNotFoundError("no file"),))), name="lasting"),
    ]
    made = make(plan(*makes), finish=shelf, retries=2)
    assert shelf.names == ["twice"]
    assert {one.product.requirement.name for one in made.failed} == {"thrice", "lasting"}
    assert orders.read == {0: 3, 1: 3, 2: 1}


def test_too_little_memory_is_said_as_such():
    made = make(plan(order(Nodes().make(Given(0, (MemoryError("no room"),))))), finish=Shelf())
    with pytest.raises(TaskMemoryError, match="no room"):
        raise made.failed[0].error


def test_a_product_that_cannot_be_finished_stops_no_other():
    nodes, shelf = Nodes(), Shelf()

    def finish(one, parts):
        if one.products[0].requirement.name == "a":
            raise OSError("the disk is full")
        return shelf(one, parts)

    made = make(plan(order(nodes.make(Given(0))), order(nodes.make(Given(1)), name="b")), finish=finish)
    assert shelf.names == ["b"]
    with pytest.raises(ProductError, match="a/20240603T0000/a.bin could not be finished: OSError: the disk is full"):
        raise made.failed[0].error


def test_a_product_is_finished_while_others_are_computed():
    nodes, is_finished = Nodes(), threading.Event()

    class Waits(Sum):
        def __call__(self, *values):
            assert is_finished.wait(20)
            return super().__call__(*values)

    def finish(one, parts):
        is_finished.set()
        return orders.delivered(one)

    first, second = order(nodes.make(Given(0)), hours=1), order(nodes.make(Waits(), nodes.make(Given(1))), name="b")
    assert len(make(plan(first, second), finish=finish, threads=1).delivered) == 2


def test_once_it_is_stopped_nothing_more_begins_and_what_is_left_is_named():
    nodes, shelf, stopped = Nodes(), Shelf(), threading.Event()
    makes = [order(nodes.make(Given(step)), name=str(step), hours=step + 1) for step in range(50)]

    def finish(one, parts):
        stopped.set()
        return shelf(one, parts)

    made = make(plan(*makes), finish=finish, threads=1, stop=stopped.is_set)
    assert len(made.left) + len(made.delivered) == 50
    assert not {one.products[0].id for one in made.left} & {one.product.id for one in made.delivered}


def test_an_error_of_who_hears_of_progress_ends_the_run():
    def hear(_):
        raise RuntimeError("the display is gone")

    with pytest.raises(RuntimeError, match="the display is gone"):
        make(plan(order(Nodes().make(Given(0)))), finish=Shelf(), on_progress=hear)


def test_progress_counts_products_tasks_and_fields():
    nodes, told = Nodes(), []
    makes = [order(nodes.make(Times(2.0), nodes.make(Given(step))), name=str(step)) for step in range(4)]
    makes.append(order(nodes.make(Broken(ValueError("no")), nodes.make(Given(0))), name="bad"))
    make(plan(*makes), finish=Shelf(), on_progress=told.append)
    last = told[-1]
    assert (last.products_done, last.products_failed, last.products_total) == (4, 1, 5)
    assert (last.fields_read, last.fields_total, last.tasks_done, last.tasks_total) == (4, 4, 6, 6)


def test_an_empty_plan_makes_nothing():
    made = make(plan(), finish=Shelf())
    assert (made.outcomes, made.left, made.counts.tasks) == ((), (), 0)


def test_a_product_without_fields_fails_and_hangs_nothing():
    shelf = Shelf()
    made = make(plan(order(name="empty"), order(Nodes().make(Given(0)))), finish=shelf)
    assert shelf.names == ["a"]
    with pytest.raises(ProductError, match="empty.* holds no field"):
        raise made.failed[0].error


def test_arrays_reach_the_products_as_they_are():
    shelf = Shelf()
    node = Nodes().make(Given(3))
    make(plan(order(node)), finish=shelf)
    assert np.array_equal(shelf.parts["a"][0], alone(node))
