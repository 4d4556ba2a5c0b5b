"""What tasks need travels with them: workers stand in another folder, and no setting can be read there."""

import sys

import dask
import numpy as np
import pytest

import dtedask
from dtedask.core.errors import SettingError, WorkersMissingError
from dtedask.core.settings import setting
from dtedask.ingest import ingest
from dtedask.store import Execution, Schema

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("many_tasks")]

distributed = pytest.importorskip("distributed")
SCHEMAS = {
    "plain": {"values": {"codec": "none"}},
    "lz4": {},
    "grib-int": {"values": {"codec": "grib-int"}},
    "tiles": {"values": {"tiles": 64}},
    "packs": {"values": {"objects": "pack"}},
    "messages": {"layout": "messages"},
}


def _spoil(folder):
    """Any setting that is read in this process raises, and relative paths lead nowhere."""
    import os

    import dask.config

    os.chdir(folder)
    dask.config.config["dtedask"] = {"spoilt": True}


@pytest.fixture(scope="module")
def execution(tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    options = {"n_workers": 1, "threads_per_worker": 2, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        client.run(_spoil, str(elsewhere))
        yield Execution(client=client)
        assert not list(elsewhere.iterdir())


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The folder of this process, which roots and files are named from."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fields(make_field):
    return [make_field(step * 10.0, shape=(12, 18), step=str(step), number="1", levelist="500") for step in range(6)]


def archived(root, fields, execution=None, **schema):
    store = dtedask.open(root, schema=Schema(**schema))
    for array, keys in fields:
        store.archive(array, keys)
    store.flush(execution=execution)
    return store


def test_an_error_of_a_thousand_frames_comes_back(execution):
    def endless(batch):
        return endless(batch)

    with pytest.raises(RecursionError, match="maximum recursion depth"):
        execution.map(endless, [[1], [2]], "endless")


def test_no_setting_can_be_read_there(execution):
    with pytest.raises(SettingError, match=r"dtedask\.spoilt"):
        execution.client.submit(setting, "store.durable", pure=False).result()


@pytest.mark.parametrize("layout", SCHEMAS)
def test_fields_are_archived_in_every_layout(execution, here, fields, layout):
    ours = archived("ours", fields, execution, **SCHEMAS[layout])
    theirs = archived("theirs", fields, **SCHEMAS[layout])
    assert ours.retrieve({}).load().equals(theirs.retrieve({}).load())


@pytest.mark.parametrize("refers", [False, True], ids=["copied", "referred to"])
def test_files_are_ingested(execution, here, fields, refers):
    made = archived("made", fields, layout="messages")
    (here / "in").mkdir()
    for number, message in enumerate(made.to_grib({})):
        (here / "in" / f"{number}.grib").write_bytes(message)
    store = dtedask.open("root", schema=Schema(layout="messages" if refers else "map"))
    assert ingest("in", store, client=execution.client, refers=refers).new == len(fields)
    assert store.retrieve({}).load().equals(made.retrieve({}).load())


def test_roots_are_copied_moved_compared_and_patched(execution, here, fields):
    store = archived("root", fields)
    store.copy(None, "copy", schema=Schema(layout="messages"), execution=execution)
    assert store.compare(None, dtedask.open("copy"), execution=execution).is_equal
    dtedask.open("copy").move("class=rd,expver=test", "moved", execution=execution, doit=True)
    moved = dtedask.open("moved")
    moved.patch("step=1", {"expver": "0002"}, execution=execution, doit=True)
    assert np.isfinite(moved.retrieve("expver=0002").t.values).all()


def test_time_series_are_made(execution, here, fields):
    store = archived("root", fields)
    assert store.rechunk("class=rd", execution=execution).fields == len(fields)


def test_what_was_opened_here_is_read_there(execution, here, fields):
    store = archived("root", fields)
    archived("second", fields[:1], layout="messages")
    (here / "roots.yaml").write_text("spaces:\n  - roots: [root, second]\n")
    for handle in (store, dtedask.open("second"), dtedask.open("roots.yaml")):
        read = handle.retrieve({}).chunk()
        there = execution.client.compute(read.t.sum()).result()
        assert there == read.t.values.sum()


def test_tasks_do_not_wait_for_ever_where_there_are_no_workers(monkeypatch):
    monkeypatch.setattr(sys.modules["dtedask.cluster.behind"], "_RESTART_S", 0.1)
    options = {"n_workers": 0, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with (
        dask.config.set({"distributed.scheduler.no-workers-timeout": "100ms"}),
        distributed.LocalCluster(**options) as cluster,
        distributed.Client(cluster) as client,
        pytest.raises(WorkersMissingError, match="All workers are gone"),
    ):
        Execution(client=client).map(len, [[1]], "count")
