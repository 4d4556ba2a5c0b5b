"""A scheduler that dies ends a write with an error, whenever it dies."""

import pytest

from dtedask.core.errors import ClusterError
from dtedask.store.attempts import Piece, Wave, Work
from dtedask.store.runners import Graph, Workers

distributed = pytest.importorskip("distributed")


@pytest.mark.slow
def test_nothing_is_sent_and_awaited_for_ever_while_the_client_looks_for_its_scheduler(monkeypatch):
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "processes": False}
    with (
        distributed.LocalCluster(**options) as cluster,
        distributed.Client(cluster) as client,
        monkeypatch.context() as patch,
    ):
        patch.setattr(client, "status", "connecting")  # as after the connection broke
        with pytest.raises(ClusterError, match="is gone, and the tasks with it"):
            Workers(client).run(Graph(Work("count", len), "0"), Wave([Piece((0,), [1])], None, 0.0), print)
