"""Products on the workers of a client: the same bits, and what fails there fails the same products."""

from __future__ import annotations

import pytest

from dtedask.core.errors import ProductError
from dtedask.products import Nodes
from dtedask.products.making import make
from tests.products.making.orders import Broken, Given, Pack, Shelf, Sum, Times, alone, order, plan

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
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


def test_once_it_is_stopped_the_rest_is_left(client):
    makes = _some(Nodes())
    made = make(plan(*makes), finish=Shelf(), client=client, stop=lambda: True)
    assert len(made.left) + len(made.delivered) == 7
