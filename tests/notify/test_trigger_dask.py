"""Work on the data of a commit, on real clusters: the data are those of the commit, whatever came since."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
from pydantic import ValidationError

import dtedask
from dtedask.core.errors import DocumentError, TriggerError
from dtedask.notify import load_listeners, open_log
from dtedask.notify.notification import Notification
from dtedask.notify.triggers import DaskTrigger
from dtedask.testing import make_field

PLAN = """
actions:
  - type: scale
    custom-mappings: [{param-in: t, param-out: t, scaling: 2, units: K}]
  - type: sink
    sinks: [{type: cube}]
"""


def field(value):
    return make_field(value, type="pf", number="1", step="6")


def mean_of(value):
    return f"{float(field(value)[0].mean()):.3f}"


@pytest.fixture
def events(root):
    """Two commits of one field, the second with other values."""
    for value in (250.0, 300.0):
        with dtedask.open(root) as store:
            store.archive(*field(value))
            store.flush()
    return list(open_log(root).events())


@pytest.fixture(scope="module")
def address():
    """A cluster with a worker process."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=True, dashboard_address="127.0.0.1:0"
    ) as cluster:
        yield cluster.scheduler_address


def listener(folder, trigger, name="work.py", text=""):
    (folder / name).write_text(text)
    (folder / "l.yaml").write_text(f"listeners:\n- triggers: [{trigger}]\n")
    return load_listeners(folder / "l.yaml").listeners[0].triggers[0]


WORK = """
import os
from pathlib import Path

def mean(data, event):
    assert data.chunks is not None or not data[event.variable].variable._in_memory, "not lazy"
    text = f"{os.getpid()} {float(data[event.variable].mean()):.3f} {event.id}"
    Path(os.environ.get("OUT", "@FOLDER@"), "out").write_text(text)

def later(data, event):
    import dask
    return dask.delayed(Path("@FOLDER@", "later").write_text)(str(float(data[event.variable].max())))

def fail(data, event):
    raise RuntimeError(f"cannot plot {event.variable}")

def hang(data, event):
    import time
    time.sleep(3)
"""


def work(folder, name, **options):
    more = "".join(f", {key}: {value!r}" for key, value in options.items())
    trigger = f"{{type: dask, function: 'work.py:{name}'{more}}}"
    return listener(folder, trigger, text=WORK.replace("@FOLDER@", str(folder)))


@pytest.mark.slow
def test_a_function_of_a_file_gets_the_data_of_the_commit_lazily_on_a_worker(events, address, tmp_path):
    for event, value in zip(events, (250.0, 300.0), strict=True):
        work(tmp_path, "mean", address=address).run(event)
        process, found, name = (tmp_path / "out").read_text().split()
        assert (found, name) == (mean_of(value), event.id)
        assert int(process) != os.getpid()


@pytest.mark.slow
def test_a_notification_about_a_commit_is_as_good_as_its_event(events, address, tmp_path):
    event = events[0]
    payload = {key: value for key, value in event.as_dict().items() if key != "request"}
    work(tmp_path, "later", address=address).run(Notification("data", 1, event.keys, payload, event.time))
    assert (tmp_path / "later").read_text() == str(float(field(250.0)[0].max()))
    with pytest.raises(TriggerError, match="free@1 tells of no commit") as caught:
        work(tmp_path, "mean", address=address).run(Notification("free", 1, {}, None, event.time))
    assert caught.value.is_lasting


@pytest.mark.slow
def test_what_the_work_raises_and_what_takes_too_long_are_failures(events, address, tmp_path):
    with pytest.raises(RuntimeError, match="cannot plot"):
        work(tmp_path, "fail", address=address).run(events[0])
    with pytest.raises(TriggerError, match=r"was not done within 0\.5 s. `timeout` sets"):
        work(tmp_path, "hang", address=address, timeout="500ms").run(events[0])
    work(tmp_path, "mean", address=address).run(events[0])


@pytest.mark.slow
def test_a_client_of_the_process_is_used_where_no_cluster_is_named(events, address, tmp_path):
    from distributed import Client

    with Client(address):
        work(tmp_path, "mean").run(events[0])
    assert int((tmp_path / "out").read_text().split()[0]) != os.getpid()


@pytest.mark.slow
def test_without_a_cluster_it_works_in_threads_of_this_process(events, tmp_path):
    work(tmp_path, "mean", cluster="local").run(events[0])
    assert int((tmp_path / "out").read_text().split()[0]) == os.getpid()
    with pytest.raises(RuntimeError, match="cannot plot"):
        work(tmp_path, "fail", cluster="local").run(events[0])
    with pytest.raises(TriggerError, match=r"was not done within 0\.1 s"):
        work(tmp_path, "hang", cluster="local", timeout=0.1).run(events[0])
    for thread in threading.enumerate():
        if thread.name.startswith("trigger-"):
            thread.join(20)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plan", "recipe"])
def test_a_plan_or_the_pipeline_of_a_recipe_is_applied_to_the_data(events, address, tmp_path, kind):
    (tmp_path / "plan.yaml").write_text(PLAN)
    output = tmp_path / "results"
    if kind == "plan":
        trigger = listener(tmp_path, f"{{type: dask, plan: plan.yaml, output: results, address: '{address}'}}")
    else:
        trigger = listener(
            tmp_path,
            f"{{type: dask, recipe: recipe.yaml, address: '{address}'}}",
            "recipe.yaml",
            "{name: max, input: none.grib, root: elsewhere, pipeline: {plan: plan.yaml, output: results}}",
        )
    trigger.run(events[0])
    (result,) = dtedask.open(output).retrieve({}).data_vars.values()
    np.testing.assert_allclose(result.values.squeeze(), 2 * np.asarray(field(250.0)[0]).squeeze(), rtol=1e-5)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.slow
def test_a_recipe_without_a_pipeline_has_nothing_to_do_with_data(events, tmp_path):
    text = "{name: r, input: none.grib, root: elsewhere}"
    trigger = listener(tmp_path, "{type: dask, recipe: r.yaml, cluster: local}", "r.yaml", text)
    with pytest.raises(DocumentError, match="has no pipeline that could be applied"):
        trigger.run(events[0])


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_named(events, monkeypatch):
    monkeypatch.setattr("dtedask.notify.triggers.cluster._CONNECT_S", 0.5)
    with pytest.raises(TriggerError, match="the cluster 'tcp://127.0.0.1:9' cannot be reached"):
        DaskTrigger(function=print, address="tcp://127.0.0.1:9").run(events[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "it needs one of 'function', 'plan' and 'recipe'"),
        ({"function": print, "plan": "x", "output": "y"}, "it needs one of"),
        ({"plan": "x"}, "'plan' and 'output' belong together"),
        ({"function": print, "cluster": "a", "address": "tcp://b:1"}, "'cluster' and 'address' both name a cluster"),
        ({"function": "json:dump_s"}, "has no 'dump_s'. Did you mean 'dumps'"),
    ],
)
def test_wrong_options_of_the_trigger_dask_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        DaskTrigger(**options)
