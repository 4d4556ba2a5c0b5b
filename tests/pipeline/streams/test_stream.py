"""What a model writes goes into a plan with all its bits, from one thread or many; what cannot be is said."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import DtedaskError, FieldError, PlanError
from dtedask.pipeline.message import Message
from dtedask.pipeline.sinks.memory import kept
from dtedask.pipeline.sources import messages_of_files
from dtedask.pipeline.streams.stream import Stream
from dtedask.pipeline.streams.stream_metadata import Grids
from dtedask.store import arrays
from tests.pipeline.fields import field

KEYS = {"class": "rd", "stream": "oper", "expver": "test", "type": "fc", "levtype": "sfc"}
KEYS |= {"param": "2t", "date": 20240601, "time": 0, "step": 6}
SELECT_2T = {"type": "select", "match": [{"param": ["2t"]}]}
MATCHES = [{"param": [167], "levtype": "sfc"}, {"param": ["msl"]}]


@pytest.fixture
def memory(request):
    """A plan that ends in memory, and what got there."""
    name = request.node.name

    def plan(*actions):
        return {"actions": [*actions, {"type": "sink", "sinks": [{"type": "memory", "name": name}]}]}

    plan.fields = lambda: kept(name)
    return plan


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_arrive_as_float64_with_their_bits_and_are_the_streams_own(memory, dtype):
    values = np.random.default_rng(1).standard_normal(50).astype(dtype)
    with Stream(memory()) as stream:
        given_ = values.copy()
        stream.write_field(KEYS, given_)
        given_[:] = 0
    (out,) = memory.fields()
    assert out.values.dtype == np.float64
    assert out.values.tobytes() == values.astype("float64").tobytes()
    assert dict(out.keys) == {**KEYS, "param": "167", "date": "20240601", "time": "0000", "step": "6"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_points_of_the_missing_value_are_nan_unless_there_is_no_bitmap(memory, dtype):
    values = np.array([1, 1e20, 3], dtype)
    with Stream(memory()) as stream:
        stream.write_field({**KEYS, "missingValue": 1e20}, values)
        stream.write_field({**KEYS, "step": 7, "misc-missingValue": 1e20, "misc-bitmapPresent": False}, values)
    with_gap, without = memory.fields()
    np.testing.assert_array_equal(with_gap.values, [1, np.nan, 3])
    np.testing.assert_array_equal(without.values, values.astype("float64"))


@settings(max_examples=25)
@given(st.integers(0, 500), st.sampled_from([60, 450, 900, 1200, 3600, 10800]))
def test_a_step_in_time_steps_of_multio_becomes_a_step_of_mars(step, time_step_s):
    stream = Stream(
        {"actions": [{"type": "sink", "sinks": [{"type": "memory", "name": f"step-{step}-{time_step_s}"}]}]}
    )
    with stream:
        metadata = {"paramId": 167, "startDate": 20240601, "startTime": 120000, "step": step, "timeStep": time_step_s}
        stream.write_field(metadata, [0.0])
    out = kept(f"step-{step}-{time_step_s}")[-1]
    assert out.step_s == step * time_step_s
    assert (out.keys["param"], out.keys["time"]) == ("167", "1200")


@pytest.mark.slow
def test_fields_on_a_named_grid_stand_in_the_cube(tmp_path):
    latitude, longitude = np.linspace(60, 30, 4), np.arange(5) * 10.0
    template = xr.DataArray(np.zeros((4, 5)), {"latitude": latitude, "longitude": longitude}, ("latitude", "longitude"))
    values = np.arange(20, dtype="float32") / 8
    plan = {"actions": [{"type": "sink", "sinks": [{"type": "cube"}]}]}
    with Stream(plan, output=str(tmp_path / "data"), grids={"area": template}) as stream:
        stream.write_field({**KEYS, "grid": "area"}, values)
        stream.flush({"date": 20240601, "time": 0, "step": 6})
        stream.write_field({**KEYS, "grid": "90x90", "step": 12}, np.arange(12))
    store = dtedask.open(tmp_path / "data")
    found = store.retrieve({"param": "2t", "step": "6"})["2t"].squeeze()
    np.testing.assert_array_equal(found.latitude, latitude)
    np.testing.assert_array_equal(found.longitude, longitude)
    np.testing.assert_array_equal(found.to_numpy(), values.reshape(4, 5))
    np.testing.assert_array_equal(store.retrieve({"step": "12"})["2t"].to_numpy().ravel(), np.arange(12))


def test_a_field_that_does_not_fill_its_grid_is_an_error_that_names_both_sizes():
    stream = Stream({"actions": [{"type": "null"}]})
    with pytest.raises(FieldError, match="param=167,.* has 11 values; its grid has 12 points. A part of a field names"):
        stream.write_field({**KEYS, "grid": "90x90"}, np.arange(11))
    stream.close()


def test_values_of_a_model_that_goes_from_south_to_north_are_turned_round_and_parts_refused(memory):
    latitude, longitude = np.array([-30.0, 0.0, 30.0]), np.array([-90.0, 0.0, 90.0, 180.0])
    template = xr.DataArray(np.zeros((3, 4)), {"latitude": latitude, "longitude": longitude}, ("latitude", "longitude"))
    with Stream(memory(), grids={"sea": template}) as stream:
        stream.write_field({**KEYS, "grid": "sea"}, np.add.outer(latitude, longitude % 360 / 1000))
        client = stream.client(0)
        with pytest.raises(FieldError, match="domain 'sea' does not run from north to south"):
            client.write_field({**KEYS, "domain": "sea"}, [1.0])
    (out,) = memory.fields()
    where = np.add.outer(out.coordinates["latitude"].values, out.coordinates["longitude"].values / 1000)
    np.testing.assert_array_equal(out.values, where)


def test_what_only_a_later_pipeline_would_take_is_not_accepted(memory):
    plan = {
        "client": {"plans": [{"name": "first", "actions": [SELECT_2T, {"type": "transport", "target": "there"}]}]},
        "there": {"transport": "thread", "plans": [{"name": "second", "actions": [{"type": "null"}]}]},
    }
    with Stream(plan) as stream:
        assert [stream.field_accepted({**KEYS, "param": param}) for param in ("2t", "msl")] == [True, False]


@pytest.mark.slow
def test_grib_bytes_arrive_as_from_a_file(memory, grib_folder):
    path = grib_folder / "ifs-oper-surface.grib2"
    with Stream(memory()) as stream:
        stream.write_grib(path.read_bytes())
    wanted = {out.keys["param"]: out for out in messages_of_files([str(path)]) if out.is_field}
    assert {out.keys["param"] for out in memory.fields()} == wanted.keys()
    for out in memory.fields():
        assert out.values.tobytes() == wanted[out.keys["param"]].values.tobytes()
        assert out.keys == wanted[out.keys["param"]].keys
        assert out.description.grid.uid == wanted[out.keys["param"]].description.grid.uid


def run_clients(stream, work, count):
    """Run `work(client, number)` of all clients side by side."""
    errors = []

    def one(number):
        try:
            work(stream.client(number), number)
        except DtedaskError as error:
            errors.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return errors


def test_many_threads_write_parts_of_fields_and_each_step_is_flushed_once(memory):
    size, count, steps = 60, 5, 8
    wholes = np.random.default_rng(2).standard_normal((steps, size)).astype("float32")
    order = np.random.default_rng(3).permutation(size)

    def work(client, number):
        mine = order[number::count]
        said = {"category": "ocean-domain-map", "representation": "unstructured", "misc-globalSize": size}
        client.write_domain({"name": "ocean", "toAllServers": True, **said}, mine)
        for step in range(steps):
            client.write_field({**KEYS, "step": step, "domain": "ocean"}, wholes[step][mine])
            client.flush({"step": step})

    with Stream(memory({"type": "aggregate"})) as stream:
        assert run_clients(stream, work, count) == []
    assert [notice.keys["step"] for notice in stream.summary.notices] == [str(step) for step in range(steps)]
    for out in memory.fields():
        assert out.values.tobytes() == wholes[int(out.keys["step"])].astype("float64").tobytes()


def test_without_aggregate_a_stream_that_knows_its_sources_flushes_once_all_have(memory):
    def work(client, number):
        for step in range(6):
            client.write_field({**KEYS, "number": number, "step": step}, np.full(3, number))
            client.flush({"step": step})

    with Stream(memory(), sources=4) as stream:
        assert run_clients(stream, work, 4) == []
    notices = stream.summary.notices
    assert [notice.keys["step"] for notice in notices] == [str(step) for step in range(6)]
    there = np.cumsum([len(notice.values) for notice in notices])
    assert (there >= 4 * np.arange(1, 7)).all()
    assert there[-1] == 24


def test_fields_are_accepted_that_a_pipeline_would_take(memory):
    plan = {"plans": [{"actions": [{"type": "select", "match": [match]}, {"type": "null"}]} for match in MATCHES]}
    with Stream(plan) as stream:
        found = {param: stream.field_accepted({**KEYS, "param": param}) for param in ("2t", "msl", "t", "tp")}
        assert found == {"2t": True, "msl": True, "t": False, "tp": False}
        assert not stream.field_accepted({**KEYS, "param": "2t", "levtype": "pl"})


def test_after_an_error_every_client_hears_of_it_and_nothing_more_is_taken(memory):
    stream = Stream(memory({"type": "aggregate"}))
    with pytest.raises(FieldError, match="domain 'sea' is not known"):
        stream.client(1).write_field({**KEYS, "domain": "sea"}, [1.0])
    for call in (lambda: stream.client(2).write_field(KEYS, [1.0]), stream.flush, stream.close):
        with pytest.raises(PlanError, match="The stream failed before: .*The domain 'sea' is not known"):
            call()


def test_a_closed_stream_says_so(memory):
    stream = Stream(memory())
    stream.close()
    with pytest.raises(PlanError, match=r"The stream is closed\. Open another one\."):
        stream.write_field(KEYS, [1.0])


def test_a_mask_counts_the_points_that_are_not_zero(memory):
    seen = []
    with Stream(memory({"type": "aggregate"})) as stream:
        stream._run.feed = seen.append
        client = stream.client("a")
        client.write_mask({"name": "land", "domain": "sea"}, [0.0, 2.0, 1.0])
    (mask,) = seen
    assert (mask.kind.value, mask.keys["source"], mask.values.tolist()) == ("mask", "a", [False, True, True])


def test_what_is_no_number_is_refused(memory):
    with Stream(memory()) as stream:
        with pytest.raises(FieldError, match="Values of a field are numbers, not <U1"):
            stream.write_field(KEYS, ["x"])
        with pytest.raises(FieldError, match="described by integers, not float64"):
            stream.write_domain({"name": "sea", "category": "unstructured"}, [0.5])
        with pytest.raises(FieldError, match=r"key 'step' has the value \[1, 2\]\. A field has one value"):
            stream.write_field({**KEYS, "step": [1, 2]}, [0.5])


def test_notices_pass_to_whoever_listens(memory):
    with Stream(memory()) as stream:
        stream.notify({"trigger": "step", "step": 6})
    assert [dict(notice.keys) for notice in stream.summary.notices] == [{"trigger": "step", "step": "6"}]
    assert isinstance(stream.summary.notices[0], Message)


def test_threads_that_meet_a_grid_at_the_same_time_all_know_where_its_points_are(monkeypatch):
    grids, begun, goes_on = Grids({}), threading.Event(), threading.Event()
    cut = arrays.fields_of_array

    def slow(*given_):
        begun.set()
        assert goes_on.wait(30)
        return cut(*given_)

    keys = {**KEYS, "grid": "10x10"}
    with ThreadPoolExecutor(2) as pool:
        monkeypatch.setattr(arrays, "fields_of_array", slow)
        first = pool.submit(grids.place, keys)
        assert begun.wait(30)
        monkeypatch.setattr(arrays, "fields_of_array", cut)
        second = grids.place(keys)
        goes_on.set()
        assert second is not None
        assert first.result().description.grid == second.description.grid


def test_the_name_of_a_models_domain_is_no_key_of_what_is_archived():
    message = Message.of_field(field(1.0, step="6").description, None, domain="T grid")
    assert "domain" not in message.mars_keys
    assert message.with_keys(domain="g").mars_keys["domain"] == "g"
