"""Whatever comes in whatever order: products are made of what was written last."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.products.live.events import Committed, Delivered, Failed, Tick
from tests.products.live.machine import CYCLE, NOW, keys, opened, order, started

STEPS = st.integers(0, 4).map(str)
ACTIONS = st.one_of(
    st.tuples(st.just("write"), st.sets(STEPS, min_size=1)),
    st.tuples(st.just("wipe"), st.sets(STEPS, min_size=1)),
    st.tuples(st.just("end"), st.integers(0, 9)),
    st.tuples(st.just("fail"), st.integers(0, 9)),
)


class World:
    """What is there, and of the version of each field that each product was last made of."""

    def __init__(self, needs):
        self.needs = {f"p{place}/{CYCLE}/f.grib2": wanted for place, wanted in enumerate(needs)}
        orders = (order(f"p{place}", *(keys(step=one) for one in sorted(steps))) for place, steps in enumerate(needs))
        self.machine, _ = opened(*orders)
        self.versions, self.there = dict.fromkeys(map(str, range(5)), 0), set()
        self.running, self.delivered = {}, {}

    def tell(self, event, now=NOW):
        for name in started(self.machine.handle(event, now)):
            assert name not in self.running
            assert self.needs[name] <= self.there
            self.running[name] = self.made_of(name)

    def made_of(self, name):
        return {step: self.versions[step] for step in self.needs[name]}

    def write(self, steps):
        self.there |= steps
        self.versions.update({step: self.versions[step] + 1 for step in steps})
        self.tell(Committed(tuple(keys(step=step) for step in sorted(steps))))

    def wipe(self, steps):
        self.there -= steps
        self.tell(Committed((), tuple(keys(step=step) for step in sorted(steps))))

    def end(self, number):
        if self.running:
            name = sorted(self.running)[number % len(self.running)]
            self.delivered[name] = self.running.pop(name)
            self.tell(Delivered(name))

    def fail(self, number):
        if self.running:
            name = sorted(self.running)[number % len(self.running)]
            del self.running[name]
            self.tell(Failed(name, "no"))

    def settle(self):
        while self.running:
            self.end(0)
        self.tell(Tick(), NOW + timedelta(hours=1))
        while self.running:
            self.end(0)


@pytest.mark.slow
@settings(max_examples=300)
@given(st.lists(st.sets(STEPS, min_size=1), min_size=1, max_size=5), st.lists(ACTIONS, max_size=40))
def test_products_run_one_at_a_time_and_end_with_what_was_written_last(needs, actions):
    world = World(needs)
    for what, value in actions:
        getattr(world, what)(value)
    world.settle()
    complete = [name for name, steps in world.needs.items() if steps <= world.there]
    assert {name: world.delivered[name] for name in complete} == {name: world.made_of(name) for name in complete}
