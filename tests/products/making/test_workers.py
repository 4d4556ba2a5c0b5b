"""Products on the workers of a client: the same bits, and what fails there fails the same products."""

from __future__ import annotations

import os
import signal
import time

import pytest

from dtedask.core.errors import ClusterError, ProductError, WorkerLostError
from dtedask.products import Nodes
from dtedask.products.making import make
from dtedask.products.making.units import units_of
from dtedask.products.making.workers import graph_of
from tests.products.making.orders import (
    Broken,
    Dies,
    Given,
    Pack,
    Prepared,
    Shelf,
    Sum,
    Times,
    Waits,
    alone,
    delivered,
    order,
    plan,
)

pytestmark = pytest.mark.slow

NO_MORE = {"distributed.scheduler.allowed-failures": 0}


@pytest.fixture(scope="module")
def client():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        yield client


def _some(nodes):
    read = [nodes.make(Given(step)) for step in range(6)]
    doubled = [nodes.make(Times(2.0), one) for one in read]
    mean = nodes.make(Sum(), *doubled)
    fields = [nodes.make(Pack(), one) for one in (*doubled, mean)]
    return [order(*fields[n:], name=f"p{n}", hours=n) for n in range(7)]


def test_products_of_workers_have_the_bits_of_each_made_alone(client):
    shelf, told = Shelf(), []
    makes = _some(Nodes())
    made = make(plan(*makes), finish=shelf, client=client, on_progress=told.append)
    assert (len(made.delivered), made.failed, made.left) == (7, (), ())
    for one in makes:
        assert shelf.parts[one.products[0].requirement.name] == [alone(node) for node in one.nodes]
    assert (told[-1].products_done, told[-1].fields_read, told[-1].tasks_done) == (7, 6, told[-1].tasks_total)


def test_a_field_that_fails_on_a_worker_fails_its_products_and_no_others(client):
    nodes, shelf = Nodes(), Shelf()
    bad = nodes.make(Broken(RuntimeError("no such thing")), nodes.make(Given(1)))
    makes = [order(nodes.make(Given(0)), name="good"), order(nodes.make(Times(2.0), bad), name="bad")]
    made = make(plan(*makes), finish=shelf, client=client)
    assert shelf.names == ["good"]
    with pytest.raises(ProductError, match="no such thing"):
        raise made.failed[0].error


def test_what_finishes_products_may_break_the_run_without_hanging(client):
    def hear(_):
        raise RuntimeError("the display is gone")

    with pytest.raises(RuntimeError, match="the display is gone"):
        make(plan(*_some(Nodes())), finish=Shelf(), client=client, on_progress=hear)


def test_what_must_be_prepared_is_prepared_once_for_all_workers(client, tmp_path):
    nodes = Nodes()
    makes = [order(nodes.make(Prepared(str(tmp_path)), nodes.make(Given(n))), name=str(n)) for n in range(8)]
    made = make(plan(*makes), finish=Shelf(), client=client)
    assert len(made.delivered) == 8, made.failed[0].error
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.usefixtures("interrupts")
def test_an_interruption_ends_what_has_begun_and_the_tasks_of_workers(client):
    begun, ended = [], []

    def finish(one, parts):
        begun.append(one.digest)
        os.kill(os.getpid(), signal.SIGINT)
        ended.append(one.digest)
        return delivered(one)

    nodes = Nodes()
    values = [nodes.make(Waits(0.05), nodes.make(Given(step))) for step in range(100)]
    with pytest.raises(KeyboardInterrupt):
        make(plan(*(order(one, name=str(n), hours=n) for n, one in enumerate(values))), finish=finish, client=client)
    assert begun == ended
    assert 0 < len(begun) < 100
    deadline = time.monotonic() + 20
    while any(key.startswith("waits") for key in client.run_on_scheduler(_tasks)):
        assert time.monotonic() < deadline


def _tasks(dask_scheduler):
    return list(dask_scheduler.tasks)


def test_urgent_tasks_have_the_greatest_priority():
    makes = _some(Nodes())
    units = units_of(makes)
    layer = graph_of(units).layers["products"]
    priorities = [layer.annotations["priority"](unit.key) for unit in units]
    assert priorities == sorted(priorities, reverse=True)
    assert set(layer) == {unit.key for unit in units}


def test_once_it_is_stopped_the_rest_is_left(client):
    makes = _some(Nodes())
    made = make(plan(*makes), finish=Shelf(), client=client, stop=lambda: True)
    assert len(made.left) + len(made.delivered) == 7


def test_a_worker_that_dies_again_and_again_fails_its_product_and_no_other(tmp_path):
    import dask
    from distributed import Client, LocalCluster

    nodes, shelf = Nodes(), Shelf()
    makes = [order(nodes.make(Given(0)), name="good"), order(nodes.make(Dies(), nodes.make(Given(1))), name="bad")]
    with (
        dask.config.set({**NO_MORE, "distributed.deploy.lost-worker-timeout": "1 hour"}),
        LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", local_directory=tmp_path
        ) as cluster,
        Client(cluster) as client,
    ):
        made = make(plan(*makes), finish=shelf, client=client)
    assert shelf.names == ["good"]
    with pytest.raises(WorkerLostError, match="died"):
        raise made.failed[0].error


def test_a_scheduler_that_goes_away_is_told_of():
    from distributed import Client, LocalCluster

    cluster = LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0")
    with Client(cluster) as client:

        def finish(one, parts):
            cluster.close()
            return delivered(one)

        nodes = Nodes()
        makes = [order(nodes.make(Waits(0.3), nodes.make(Given(n))), name=str(n), hours=n) for n in range(30)]
        with pytest.raises(ClusterError, match="gone"):
            make(plan(*makes), finish=finish, client=client)
