"""A plan on datasets: what a run would write, lazily, placed as the store places it."""

import dask
import numpy as np
import pytest
import xarray as xr

import dtedask
from dtedask.core.errors import PlanError
from dtedask.pipeline import Action, ActionOptions, Plan, action
from dtedask.pipeline.sources import messages_of_files
from dtedask.testing import make_field, raise_if_computes


class Total:
    """A fold of sums."""

    def begin(self, values):
        return values * 1.0

    def update(self, state, values):
        state += values
        return state


def tenth(values, offset):
    return values * 0.1 + offset


class SumOptions(ActionOptions):
    """None."""


class RunningSum(Action):
    """Sums of all steps so far, by parameter; what is a fold and a call, and needs the order."""

    Options = SumOptions

    def start(self):
        return {}

    def handle(self, message, state, compute):
        if message.is_field:
            series = tuple(item for item in message.keys.items() if item[0] != "step")
            state[series] = compute.fold("running-sum", Total(), state.get(series), message.values)
            yield message.replaced(values=compute.call("tenth", tenth, state[series], 3.0))
        else:
            yield message


@pytest.fixture(autouse=True)
def _running_sum(monkeypatch):
    monkeypatch.setitem(action._OWN, "running-sum", f"{__name__}:RunningSum")


def plan(*actions):
    return Plan.from_yaml({"actions": [*actions, {"type": "sink", "sinks": [{"type": "memory"}]}]})


@pytest.fixture
def root(tmp_path):
    """Two parameters, members and steps, with a gap: member 2 has no step 6."""
    store = dtedask.open(tmp_path / "data")
    for number, step, param in ((n, s, p) for n in "12" for s in ("0", "6", "12") for p in ("t", "u")):
        if (number, step) != ("2", "6"):
            store.archive(*make_field(int(number) * 100 + int(step), number=number, step=step, type="pf", param=param))
    store.flush()
    return store


def test_nothing_is_read_before_it_is_asked_for(root):
    with raise_if_computes():
        found = plan({"type": "running-sum"}).apply(root.retrieve({}))
    assert isinstance(found["t"].data, dask.array.Array)
    expected = sum(root.retrieve({"step": s, "number": 1})["t"].to_numpy().squeeze().astype("f8") for s in (0, 6))
    np.testing.assert_array_equal(found["t"].sel(member=1, step="6h").to_numpy().squeeze(), expected * 0.1 + 3)


def test_results_are_placed_as_the_store_places_them(root):
    stored = root.retrieve({})
    found = plan({"type": "running-sum"}).apply(stored)
    xr.testing.assert_identical(
        found.drop_vars(["t", "u"]).drop_attrs(deep=False), stored.drop_vars(["t", "u"]).drop_attrs(deep=False)
    )
    assert found["t"].dims == stored["t"].dims
    assert found["t"].attrs == stored["t"].attrs
    assert {**found.attrs, "cube": 0, "group": 0, "snapshot": 0} == {
        **stored.attrs,
        "cube": 0,
        "group": 0,
        "snapshot": 0,
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["ens-50.grib", "reduced-gg.grib", "healpix-h8.grib2", "spherical-harmonics.grib", "lambert.grib"]
)
def test_every_grid_is_placed_as_the_store_places_it(tmp_path, grib_folder, name):
    store = dtedask.open(tmp_path / "data")
    store.archive((grib_folder / name).read_bytes())
    store.flush()
    (stored, *_) = [leaf.to_dataset() for leaf in store.retrieve_tree({}).leaves]
    found = plan({"type": "select", "match": [{}]}).apply(stored)
    xr.testing.assert_identical(
        found.drop_attrs(deep=False).load(), stored.drop_attrs(deep=False).astype("f8", keep_attrs=True).load()
    )


def test_a_gap_is_no_field_and_stays_a_gap(root):
    found = plan({"type": "running-sum"}).apply(root.retrieve({}))["t"].sel(member=2)
    assert found.sel(step="6h").isnull().all()
    first, last = (root.retrieve({"step": s, "number": 2})["t"].to_numpy().squeeze().astype("f8") for s in (0, 12))
    np.testing.assert_array_equal(found.sel(step="12h").to_numpy().squeeze(), (first + last) * 0.1 + 3)


@pytest.mark.slow
@pytest.mark.parametrize("chunks", [{}, {"step": 2, "latitude": 5}, {"step": -1, "member": 2, "longitude": 4}])
def test_data_in_dask_chunks_give_the_same_bits(root, chunks):
    stored = root.retrieve({"number": 1})
    lazy = plan({"type": "running-sum"}).apply(stored)
    chunked = plan({"type": "running-sum"}).apply(stored.chunk(chunks))
    xr.testing.assert_identical(lazy.load(), chunked.load())


@pytest.mark.slow
def test_a_dataset_of_a_file_that_is_no_cube_will_do(root, tmp_path):
    stored = root.retrieve({"number": 1})
    stored.to_netcdf(tmp_path / "data.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "data.nc", engine="h5netcdf", decode_timedelta=True) as plain:
        found = plan({"type": "running-sum"}).apply(plain).load()
    np.testing.assert_array_equal(found["t"], plan({"type": "running-sum"}).apply(stored)["t"])


@pytest.mark.slow
def test_the_bits_are_those_of_a_run_on_messages(tmp_path, grib_folder):
    path = grib_folder / "ens-50.grib"
    store = dtedask.open(tmp_path / "data")
    store.archive(path.read_bytes())
    store.flush()
    actions = [{"type": "running-sum"}]
    found = plan(*actions).apply(store.retrieve_tree({}))
    assert isinstance(found, xr.Dataset)
    out = Plan.from_yaml(
        {"actions": [*actions, {"type": "sink", "sinks": [{"type": "cube"}]}]}, output=str(tmp_path / "o")
    )
    out.run(messages_of_files([str(path)]))
    live = dtedask.open(tmp_path / "o").retrieve({})
    assert set(live) == set(found)
    for name in live:
        np.testing.assert_array_equal(live[name], found[name].astype("f4"))


def test_several_groups_and_several_pipelines_are_a_tree(root, tmp_path):
    root.archive(*make_field(1.0, type="fc", levtype="sfc", levelist="0"))
    root.flush()
    tree = root.retrieve_tree({})
    assert len(plan({"type": "running-sum"}).apply(tree).leaves) == 2
    document = {
        "plans": [
            {"name": "sums", "actions": [{"type": "select", "match": [{"param": "130"}]}, {"type": "running-sum"}]},
            {"name": "winds", "actions": [{"type": "select", "match": [{"param": "131"}]}]},
        ]
    }
    found = Plan.from_yaml(document).apply(root.retrieve({"levtype": "pl"}))
    assert [list(found[name].data_vars) for name in ("sums", "winds")] == [["t"], ["u"]]


def test_a_plan_that_gives_nothing_says_so(root):
    with pytest.raises(PlanError, match="gives nothing for these data"):
        plan({"type": "select", "match": [{"param": "1"}]}).apply(root.retrieve({}))


@pytest.mark.slow
def test_statistics_of_an_archive_are_those_of_a_run(forecast, tmp_path):
    daily = {"type": "statistics", "operations": ["average", "maximum", "stddev"], "output-frequency": "1d"}
    with raise_if_computes():
        lazy = plan(daily).apply(dtedask.open(forecast.root).retrieve({}))
    Plan.from_yaml(
        {"actions": [daily, {"type": "sink", "sinks": [{"type": "cube"}]}]}, output=str(tmp_path / "live")
    ).run(forecast.files)
    (live,) = [leaf.to_dataset() for leaf in dtedask.open(tmp_path / "live").retrieve_tree({}).leaves]
    assert set(lazy.data_vars) == set(live.data_vars)
    assert lazy.sizes["step"] == 2
    for name in live:
        np.testing.assert_array_equal(lazy[name].astype("f4"), live[name])
    ours, theirs = (one.coords.to_dataset().drop_attrs(deep=False) for one in (lazy, live))
    xr.testing.assert_identical(ours, theirs)
    assert {name: lazy[name].attrs["cell_methods"] for name in lazy} == {n: live[n].attrs["cell_methods"] for n in live}


def test_pipelines_that_go_on_with_another_are_applied_behind_it(root, tmp_path):
    (tmp_path / "plan.yaml").write_text(
        "client: {plans: [{name: send, actions: [{type: select, match: [{param: '130'}]}, "
        "{type: transport, target: server}]}]}\n"
        "server: {plans: [{name: sums, actions: [{type: running-sum}, {type: sink, sinks: [{type: memory}]}]}]}\n"
    )
    found = Plan.from_yaml(tmp_path / "plan.yaml").apply(root.retrieve({}))
    xr.testing.assert_identical(found["t"].load(), plan({"type": "running-sum"}).apply(root.retrieve({}))["t"].load())
