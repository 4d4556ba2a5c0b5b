"""All requirements in one graph give, to the byte, what each gives by itself."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dtedask.geo import Grid
from dtedask.grib import Encoder
from dtedask.products.making import make
from dtedask.products.planning.inventory import Inventory
from dtedask.products.planning.plan import plan
from dtedask.products.requirements import load_requirements
from tests.products.making.orders import delivered
from tests.products.planning.orders import field

AREAS = [None, [60, -10, 35, 30], [10, 100, -40, 179], [90, -180, -90, 180], "50/350/30/20"]
HOW = st.fixed_dictionaries(
    {
        "grid": st.sampled_from(["5/5", "10/10", "O8", "source"]),
        "area": st.sampled_from(AREAS),
        "interpolation": st.sampled_from(["linear", "nearest-neighbour"]),
        "param": st.lists(st.sampled_from(["2t", "2d", "10si"]), min_size=1, max_size=2, unique=True),
        "step": st.lists(st.sampled_from([0, 6, 12]), min_size=1, max_size=3, unique=True),
        "format": st.sampled_from(["grib2", "netcdf", "csv"]),
        "priority": st.integers(0, 2),
        "formula": st.sampled_from([None, "f * 2", "f - 1"]),
    }
)


def document_of(asked, number):
    said = {key: value for key, value in asked.items() if value is not None and value != "source"}
    keys = {"class": "od", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "sfc"}
    template = "{name}-{step}" if number % 2 else "{name}"
    return {**keys, "name": f"r{number}", "owner": "me", "file": template, **said}


@pytest.fixture(scope="module")
def inventory():
    seeds = itertools.count()
    both = itertools.product(("167", "168", "165", "166"), ("0", "6", "12"))
    fields = [field(Grid("O16"), param=param, step=step, seed=next(seeds)) for param, step in both]
    for one in fields[::3]:
        one.values[5:50] = np.nan
    return Inventory.of(fields)


def files_of(planned, folder, threads, client=None):
    """The bytes of each product, by its identity."""
    found = {}

    def finish(one, parts):
        path = Path(folder) / f"{one.digest}{one.format.suffix}"
        one.format.write(one.products[0], parts, path, {})
        found.update({product.id: path.read_bytes() for product in one.products})
        path.unlink()
        return delivered(one)

    made = make(planned, finish=finish, threads=threads, client=client)
    assert not made.failed, made.failed[0].error
    return found


@pytest.mark.slow
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(HOW, min_size=1, max_size=6))
def test_all_requirements_together_give_the_bytes_of_each_alone(inventory, tmp_path, asked):
    requirements = load_requirements({"requirements": [document_of(one, number) for number, one in enumerate(asked)]})
    assert not requirements.broken, requirements.broken[0]
    together = files_of(plan(requirements, inventory), tmp_path, 2)
    alone = {}
    for one in requirements:
        alone |= files_of(plan([one], inventory), tmp_path, 1)
    assert together == alone
    assert {name.partition("/")[0] for name in together} == {one.name for one in requirements}


@pytest.mark.slow
def test_workers_of_other_processes_give_the_bytes_of_this_one(tmp_path):
    distributed = pytest.importorskip("distributed")
    data, numbers = tmp_path / "data", itertools.count()
    data.mkdir()
    for param, step in itertools.product(("167", "165", "166"), ("0", "6")):
        one = field(Grid("O16"), param=param, step=step, seed=next(numbers))
        message = Encoder().encode(one.values, one.description.keys, one.description.grid)
        (data / f"{param}-{step}.grib2").write_bytes(message)
    asked = [
        {"grid": "5/5", "area": [60, -10, 35, 30], "param": ["2t", "10si"], "step": [0, 6], "format": "grib2"},
        {"grid": "5/5", "param": ["2t"], "step": [0, 6], "format": "netcdf"},
        {"grid": "10/10", "param": ["2t"], "step": [6], "format": "csv", "formula": "f - 273.15"},
    ]
    requirements = load_requirements({"requirements": [document_of(one, n) for n, one in enumerate(asked)]})
    assert not requirements.broken, requirements.broken[0]
    planned = plan(requirements, Inventory.open(data))
    here = files_of(planned, tmp_path, 2)
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    options["local_directory"] = str(tmp_path / "scratch")
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        assert files_of(planned, tmp_path, None, client=client) == here
    assert len(here) == 4
