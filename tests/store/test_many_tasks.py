"""Many tasks of a client that end at nearly the same time."""

import pytest

from dtedask.core.errors import ClusterError, GribError
from dtedask.store import Execution

pytestmark = pytest.mark.slow

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client():
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        yield client


def _twice(items):
    return [2 * item for item in items]


def _refuse_seven(items):
    if 7 in items:
        raise GribError("seven is bad")
    return items


def test_every_result_comes_once_and_in_the_order_of_the_items(client):
    heard = []
    batches = [range(number, number + 2) for number in range(0, 300, 2)]
    results = Execution(client=client, on_done=heard.append).map(_twice, batches, "twice")
    assert [one for part in results for one in part] == [2 * number for number in range(300)]
    assert sorted(heard) == sorted(results)


def test_an_error_among_many_results_is_raised_as_it_is(client):
    with pytest.raises(GribError, match="seven is bad"):
        Execution(client=client).map(_refuse_seven, [[number] for number in range(50)], "refuse")


def test_tasks_that_are_cancelled_are_told_of_a_scheduler_that_is_gone(client):
    def cancel(_result):
        client.cancel([distributed.Future(key, client) for key in list(client.futures)])

    with pytest.raises(ClusterError, match="is gone, and the tasks with it"):
        Execution(client=client, on_done=cancel).map(_twice, [[number] for number in range(2000)], "twice")
