"""What products are made of, and what stands for it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.geo import Grid
from dtedask.products import PostProcessing
from dtedask.products.planning.inventory import Inventory
from dtedask.products.planning.plan import plan
from dtedask.testing import make_field
from tests.products.planning.orders import field, fields, requirement

GIVEN = Inventory.of(fields(("165", "166", "167"), steps=("0", "6", "12"), grid=Grid("O8")))
AREAS = st.sampled_from([None, (60.0, -30.0, 20.0, 50.0), (50.0, -20.0, 30.0, 40.0), (45.0, 0.0, -45.0, 90.0)])
HOWS = st.builds(PostProcessing, grid=st.sampled_from(["", "20x20", "10x10"]), area=AREAS)
ASKED = st.builds(
    lambda how, param, step: {"how": how, "param": sorted(param), "step": sorted(step)},
    HOWS,
    st.sets(st.sampled_from(["165", "166", "167", "207"]), min_size=1, max_size=3),
    st.sets(st.sampled_from(["0", "6", "12"]), min_size=1),
)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.lists(ASKED, min_size=1, max_size=6))
def test_what_stands_for_a_product_does_not_depend_on_what_else_is_planned(asked):
    requirements = [requirement(f"r{number}", file_name="{name}-{step}", **one) for number, one in enumerate(asked)]
    together = {product.id: make.digest for make in plan(requirements, GIVEN).makes for product in make.products}
    alone = [make for one in requirements for make in plan([one], GIVEN).makes]
    assert together == {product.id: make.digest for make in alone for product in make.products}


def _digests(**changes):
    asked = {"how": PostProcessing(grid="20x20"), "param": "167", "step": "0", **changes}
    return {make.digest for make in plan([requirement(file_name="x", **asked)], GIVEN).makes}


@pytest.mark.parametrize(
    "changes",
    [{"step": "6"}, {"param": "165"}, {"how": PostProcessing(grid="10x10")}, {"param": ["167", "165"]},
     {"how": PostProcessing(grid="20x20", interpolation="nearest")}],
)  # fmt: skip
def test_whatever_is_made_otherwise_is_another_product(changes):
    assert not _digests() & _digests(**changes)


@pytest.mark.parametrize("changes", [{"owner": "you"}, {"priority": 7}, {"name": "two"}])
def test_owners_names_and_priorities_make_no_difference(changes):
    assert _digests() == _digests(**changes)


def test_the_lineage_names_commits_weights_and_software(tmp_path):
    with dtedask.open(tmp_path / "root") as store:
        for step in ("0", "6"):
            array, keys = make_field(1, step=step)
            store.archive(array, keys)
        (commit,) = store.flush()
    asked = requirement(
        file_name="all", how=PostProcessing(grid="20x20"), step=["0", "6"],
        **{key: keys[key] for key in ("class", "stream", "expver", "levtype", "levelist")}, param="130",
    )  # fmt: skip
    (make,) = plan([asked], Inventory.open(tmp_path / "root")).makes
    found = json.loads(json.dumps(dict(make.lineage)))
    assert found["inputs"] == f"rd/oper/test@{commit.snapshot} (2 fields)"
    assert found["software"].startswith(f"dtedask {dtedask.__version__}, ecCodes 2.")
    assert found["weights"]


def test_values_that_are_missing_are_content_too():
    first, second = field(seed=1), field(seed=1)
    second.values[0, 0] = float("nan")
    digests = [plan([requirement()], Inventory.of([one])).makes[0].digest for one in (first, second)]
    assert len(set(digests)) == 2


def test_the_lineage_of_derived_fields_has_their_formula():
    (make,) = plan([requirement(param="207", step="6")], GIVEN).makes
    assert "10u" in make.lineage["formulas"]
    assert make.lineage["inputs"] == "memory (2 fields)"
