"""What a plan takes and gives, before it runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from dtedask.geo import Grid
from dtedask.products import PostProcessing
from dtedask.products.node import inputs_of
from dtedask.products.planning.explain import explain
from dtedask.products.planning.inventory import Inventory
from dtedask.products.planning.plan import plan
from tests.products.planning.orders import field, fields, requirement


@pytest.fixture
def explained():
    """Six products of two owners that share fields, one that waits and one that cannot be made."""
    given = fields(("165", "166", "167"), grid=Grid("O8"))
    hows = [PostProcessing(grid="30x30"), PostProcessing(grid="20x20")]
    asked = [
        requirement(
            f"{number}", how=hows[number % 2], owner="ab"[number % 2], file_name="{name}{step}", step=["0", "6"]
        )
        for number in range(3)
    ]
    asked += [
        requirement("wind", param="207", step="6", owner="a"),
        requirement("waits", step="12", owner="b"),
        requirement("bad", how=PostProcessing(vod2uv=True), owner="b", place="r.yaml:7"),
    ]
    return plan(asked, Inventory.of(given))


def test_it_counts_what_is_read_and_what_would_be_one_by_one(explained):
    found = explain(explained)
    reads = [node for node in inputs_of(node for make in explained.makes for node in make.nodes) if not node.inputs]
    alone = sum(
        sum(not node.inputs for node in inputs_of([one])) * len(make.products)
        for make in explained.makes
        for one in make.nodes
    )
    assert (found.fields, found.fields_alone) == (len(reads), alone) == (4, 8)
    assert found.read_bytes == 4 * 4 * Grid("O8").size
    assert found.flops_alone > found.flops > 0


def test_it_tells_of_products_by_owner_what_is_missing_and_what_is_broken(explained):
    found = explain(explained)
    assert (found.products, found.makes, found.waiting, found.requirements) == (7, 5, 1, 6)
    assert [(one.owner, one.products, one.waiting, one.broken) for one in found.owners] == [
        ("a", 5, 0, 0),
        ("b", 2, 1, 1),
    ]
    (missing,) = found.missing
    assert "step=12" in missing.request
    assert [(one.requirement, one.place) for one in found.problems] == [("bad", "r.yaml:7")]


def test_what_is_missing_is_told_as_people_write_it():
    given = [field(type="pf", number="1", stream="enfo")]
    asked = requirement(type=["cf", "pf"], number=["0", "1"], stream="enfo", param="2t", file_name="x")
    (missing,) = explain(plan([asked], Inventory.of(given))).missing
    assert "type=cf" in missing.request
    assert "number" not in missing.request
    assert "param=2t" in missing.request


def test_it_is_text_and_json(explained):
    found = explain(explained)
    assert json.loads(json.dumps(found.to_dict()))["fields"] == 4
    assert "reads 4 fields" in found.text
    assert "r.yaml:7" in found.text
    assert found._repr_html_().startswith("<pre>7 products")


def test_a_plan_of_nothing_is_explained():
    found = explain(plan([], Inventory.of([])))
    assert (found.products, found.seconds) == (0, 0.0)
    assert "0 products" in str(found)


def test_products_whose_deadline_is_over_are_late():
    asked = requirement(deadline=timedelta(hours=7))
    inventory = Inventory.of([field()])
    hours = [6, 8]
    late = [explain(plan([asked], inventory, now=datetime(2024, 6, 1, hour, tzinfo=UTC))).late for hour in hours]
    assert late == [0, 1]
