import sys

import numpy as np
import pytest

import dtedask
from dtedask.core.errors import GribError, PlanError
from dtedask.ingest import ingest, plan_ingest

pytestmark = pytest.mark.usefixtures("many_tasks")

distributed = pytest.importorskip("distributed")


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.slow)], ids=["threads", "processes"])
def client(request, tmp_path):
    cluster = distributed.LocalCluster(
        n_workers=2 if request.param else 1,
        threads_per_worker=1 if request.param else 2,
        processes=request.param,
        dashboard_address="127.0.0.1:0",
        local_directory=str(tmp_path / "workers"),
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


@pytest.mark.slow
def test_workers_write_the_same_cube_as_threads(folder, tmp_path, store, grib_bytes, client):
    (folder / "a.grib").write_bytes(grib_bytes())
    (folder / "b.grib").write_bytes(grib_bytes(steps=(12,)))
    seen = []
    other = dtedask.open(tmp_path / "other")
    assert ingest(folder, store, unit="step", client=client, on_progress=seen.append).new == 12
    ingest(folder, other)
    ours, theirs = (root.retrieve("levelist=500/850").load() for root in (store, other))
    assert ours.equals(theirs)
    assert seen[-1].fields_done == 12
    assert ingest(folder, store, client=client).unchanged == 12


@pytest.mark.slow
def test_standard_input_travels_to_the_workers(folder, store, grib_bytes, client, monkeypatch):
    path = folder / "input"
    path.write_bytes(grib_bytes())
    with path.open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert ingest("-", store, client=client).new == 8
    assert np.isfinite(store.retrieve("param=t").t.values).all()


@pytest.mark.slow
def test_a_bad_message_fails_on_a_worker_as_here(folder, store, grib_bytes, undecodable, client):
    (folder / "a.grib").write_bytes(undecodable(grib_bytes()))
    with pytest.raises(GribError, match=r"a\.grib at offset 0"):
        ingest(folder, store, client=client)


@pytest.mark.slow
def test_the_plan_is_checked_against_the_memory_of_a_worker(folder, store, grib_bytes, client, monkeypatch):
    (folder / "a.grib").write_bytes(grib_bytes())
    plan = plan_ingest(folder, store, client=client)
    assert plan.threads == max(client.nthreads().values())
    info = client.scheduler_info(n_workers=-1)
    for worker in info["workers"].values():
        worker["memory_limit"] = 1024
    monkeypatch.setattr(client, "scheduler_info", lambda **_: info)
    with pytest.raises(PlanError, match="limit of 1.00 kiB"):
        ingest(folder, store, client=client)
