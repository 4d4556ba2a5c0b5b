"""Values on the way to products: equal ones are one node, and a key says all that a value depends on."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace

import numpy as np
import pytest

from dtedask.core.errors import DeliveryError, ProductError
from dtedask.geo import Grid, PointOrder
from dtedask.grib import FieldDescription
from dtedask.products import Nodes, Operation
from dtedask.products.node import inputs_of


def _description(**keys):
    grid = Grid("10/10")
    return FieldDescription(
        keys={"param": "130", **keys}, short_name="t", name="Temperature", units="K", standard_name="air_temperature",
        step_type="instant", interval=None, step_seconds=0, level_type="isobaricInhPa", level=500.0, edition=2,
        grid=grid, order=PointOrder(grid.shape), packing="grid_simple", bits_per_value=16, has_bitmap=False,
        product=(), attributes={},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Given(Operation):
    name = "given"
    step: str

    @property
    def identity(self):
        return self.step

    def describe(self):
        return _description(step=self.step)

    def __call__(self):
        return np.ones((19, 36))


@dataclass(frozen=True, slots=True)
class Add(Operation):
    name = "add"
    amount: float = 1.0

    @property
    def identity(self):
        return repr(self.amount)

    def describe(self, *fields):
        if len({field.grid.uid for field in fields}) > 1:
            raise ProductError("Two grids.")
        return replace(fields[0], keys={**fields[0].keys, "param": "1"})

    def __call__(self, *values):
        return sum(values) + self.amount


def test_the_same_operation_on_the_same_inputs_is_one_node():
    nodes = Nodes()
    first, again = (nodes.make(Add(), nodes.make(Given("0")), nodes.make(Given("6"))) for _ in range(2))
    assert first is again
    assert (len(nodes), nodes.asked) == (3, 6)


def test_a_key_depends_on_operation_options_and_inputs_and_on_nothing_else():
    def key(amount, *steps):
        nodes = Nodes()
        return nodes.make(Add(amount), *(nodes.make(Given(step)) for step in steps)).key

    different = {key(1.0, "0"), key(2.0, "0"), key(1.0, "6"), key(1.0, "0", "6"), key(1.0, "6", "0")}
    assert len(different) == 5
    assert key(1.0, "0", "6") == key(1.0, "0", "6")


def test_inputs_come_before_what_is_made_of_them_and_once():
    nodes = Nodes()
    read = nodes.make(Given("0"))
    one, two = nodes.make(Add(1.0), read), nodes.make(Add(2.0), read)
    both = nodes.make(Add(), one, two)
    found = inputs_of([both, one])
    assert [found.count(node) for node in (read, one, two, both)] == [1, 1, 1, 1]
    assert all(found.index(before) < found.index(node) for node in found for before in node.inputs)


def test_many_fields_at_once_have_the_bits_of_one_after_another():
    fields = [(np.full((19, 36), float(number)),) for number in range(3)]
    for made, (values,) in zip(Add(0.5).batch(fields), fields, strict=True):
        assert np.array_equal(made, Add(0.5)(values))


def test_an_error_of_a_delivery_keeps_what_it_says_when_it_travels():
    error = pickle.loads(pickle.dumps(DeliveryError("The server is gone.", hint="Wait.", is_lasting=True)))
    assert (error.message, error.hint, error.is_lasting) == ("The server is gone.", "Wait.", True)
    with pytest.raises(ProductError, match="gone"):
        raise error
