"""Plans: products, what is shared, what waits, what is broken."""

from __future__ import annotations

from datetime import timedelta

import pytest

import dtedask
from dtedask.products import FormatOptions
from dtedask.products.planning.expansion import products_of
from dtedask.products.planning.inventory import Inventory
from dtedask.products.planning.ordered import inputs_of_product
from dtedask.products.planning.plan import plan
from dtedask.testing import make_field
from tests.products.planning.orders import CYCLE, field, fields, requirement


def test_fields_of_one_name_are_one_product():
    inventory = Inventory.of(fields(("167", "165")))
    asked = requirement(param=["167", "165"], step=["0", "6"], file_name="s{step}{suffix}")
    found = list(products_of(asked, CYCLE, inventory))
    assert [one.file_name for one in found] == ["s0.plain", "s6.plain"]
    assert [[keys["param"] for keys in one.fields] for one in found] == [["167", "165"]] * 2


def test_what_is_left_out_is_all_there_is():
    inventory = Inventory.of(fields(("167", "165"), steps=("0", "12", "6")))
    found = [keys for one in products_of(requirement(step=None), CYCLE, inventory) for keys in one.fields]
    assert [keys["step"] for keys in found] == ["0", "6", "12"]


def test_equal_products_are_made_once_for_all_owners():
    inventory = Inventory.of(fields())
    asked = [requirement(name, owner=name, file_name=name + "{step}") for name in "ab"]
    found = plan(asked, inventory)
    (make,) = found.makes
    assert [product.requirement.owner for product in make.products] == ["a", "b"]
    assert len(found.nodes) == 1


def test_the_most_urgent_goes_first():
    inventory = Inventory.of(fields())
    late = requirement("late", step="0", deadline=timedelta(hours=9))
    early = requirement("early", step="6", deadline=timedelta(hours=7))
    never = requirement("never", step="6", form=FormatOptions(type="plain"))
    found = plan([never, late, early], inventory)
    assert [make.products[0].requirement.name for make in found.makes] == ["early", "late"]
    assert [one.requirement.name for one in found.makes[0].products] == ["early", "never"]


def test_what_does_not_exist_is_waited_for():
    inventory = Inventory.of(fields())
    found = plan([requirement(step=["6", "12"], file_name="all")], inventory)
    (waiting,) = found.waiting
    assert [keys["step"] for keys in waiting.missing] == ["12"]
    assert not found.makes
    assert len(inputs_of_product(waiting.product, inventory)) == 2


def test_a_broken_requirement_stops_no_other():
    found = plan([requirement("bad", file_name="{nothing}"), requirement("good")], Inventory.of(fields()))
    assert [one.requirement.name for one in found.broken] == ["bad"]
    assert [one.requirement.name for one in found.products] == ["good"]


@pytest.mark.parametrize("given", [{"0": "same"}, {"0": "other"}, {}])
def test_what_was_delivered_of_the_same_is_skipped(given):
    class Place(FormatOptions):
        target: str = "there"

    inventory = Inventory.of(fields())
    asked = requirement(delivery=(Place(type="p"),))
    (make,) = plan([asked], inventory).makes

    class Ledger:
        def delivered_all(self):
            raise AssertionError

        def delivered(self, product_id, target):
            assert (product_id, target) == (make.products[0].id, "there")
            return {"same": make.digest, "other": "x"}.get(given.get("0", ""))

    again = plan([asked], inventory, ledger=Ledger())
    assert bool(again.skipped) == (given.get("0") == "same") == (not again.makes)


def test_other_values_of_an_input_make_another_product():
    one, two = (plan([requirement()], Inventory.of([field(seed=seed)])).makes[0].digest for seed in (0, 1))
    again = plan([requirement()], Inventory.of([field(seed=0)])).makes[0].digest
    assert one == again != two


def test_only_products_of_locked_fields_cannot_be_made(tmp_path):
    with dtedask.open(tmp_path / "root") as store:
        for step in ("0", "6"):
            array, keys = make_field(1, step=step)
            store.archive(array, keys)
        store.flush()
        store.lock("step=6", verbs=["retrieve"], reason="wrong")
    asked = requirement(
        file_name="{step}", step=["0", "6"], param="130",
        **{key: keys[key] for key in ("class", "stream", "expver", "levtype", "levelist")},
    )  # fmt: skip
    found = plan([asked], Inventory.open(tmp_path / "root"))
    assert [make.products[0].file_name for make in found.makes] == ["0"]
    assert [(one.product.file_name, one.error.code) for one in found.broken] == [("6", "controlled")]
