"""Random changes of a cube: at any time its time series hold what its fields hold."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import NotFoundError

ALL = "class=rd,expver=test"
DATES, MEMBERS, STEPS = ("20240101", "20240102"), ("1", "2"), ("0", "6", "12", "18")
SHAPE = (33, 5)
_NAMES = itertools.count()

runs = st.tuples(st.sampled_from(DATES), st.sampled_from(MEMBERS))
steps = st.lists(st.sampled_from(STEPS), min_size=1, unique=True)
changes = st.one_of(
    st.tuples(st.just("archive"), runs, steps, st.integers(0, 3)),
    st.tuples(st.just("archive"), runs, st.just(STEPS), st.integers(0, 3)),
    st.tuples(st.just("rechunk"), st.sampled_from([ALL, f"{ALL},step=0/6", f"{ALL},date=20240102"])),
    st.tuples(st.just("rechunk"), st.just(ALL)),
    st.tuples(st.just("wipe"), runs, steps),
    st.tuples(st.just("back"), st.integers(0, 5)),
    st.tuples(st.just("undo"), st.integers(0, 5)),
)


class Machine:
    """Does what a sequence of changes says; a change for which there is nothing is none."""

    def __init__(self, root, make_field):
        self.store, self.make_field = dtedask.open(root), make_field
        self.count = itertools.count()

    def archive(self, run, steps, value):
        date, member = run
        for step in steps:
            keys = {"date": date, "number": member, "step": step, "levelist": "500"}
            self.store.archive(*self.make_field(1000 * value + int(step), shape=SHAPE, **keys))
        self.store.flush()

    def rechunk(self, request):
        if self.fields() and self.store.axes(request):
            self.store.rechunk(request)

    def wipe(self, run, steps):
        request = f"{ALL},date={run[0]},number={run[1]},step={'/'.join(steps)}"
        if self.fields() and self.store.axes(request):
            self.store.wipe(request, doit=True)

    def back(self, place):
        history = self.store.history() if self.fields() else []
        if place < len(history):
            self.store.rollback(to=history[-1 - place].snapshot, doit=True)

    def undo(self, place):
        history = self.store.history() if self.fields() else []
        if place < len(history):
            self.store.rollback(commit=history[-1 - place], doit=True)

    def fields(self):
        try:
            return sum(1 for _ in self.store.list())
        except NotFoundError:
            return 0

    def point(self):
        """All numbers at one point: as the chosen layout says, and as the fields say."""
        array = self.store.retrieve({})["t"]
        return array[..., 32, 3].to_numpy(), array.to_numpy()[..., 32, 3]


@pytest.mark.slow
@settings(max_examples=25)
@given(st.lists(changes, min_size=3, max_size=12))
def test_time_series_hold_what_the_fields_hold_whatever_happens(make_field, is_true, changes):
    machine = Machine(f"memory://series-{next(_NAMES)}", make_field)
    for name, *arguments in [*changes, ("rechunk", ALL)]:
        getattr(machine, name)(*arguments)
        if machine.fields():
            assert is_true(machine.store)
            assert np.array_equal(*machine.point(), equal_nan=True)
