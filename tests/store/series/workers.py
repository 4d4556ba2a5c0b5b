"""Rechunks in processes of their own, to be killed."""

import dtedask
from dtedask.store.series import plan, rechunk


def make_series(connection, root):
    """Make time series, one block a commit, and say when it begins and ends."""
    plan._TASK_BYTES = rechunk._PORTION_BYTES = 1
    connection.send("begin")
    dtedask.open(root).rechunk("class=rd,expver=test")
    connection.send("done")
