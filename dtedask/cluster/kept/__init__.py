"""Clusters that keep running, by name.

`launch` starts a process of its own (`process`, by an `order`) that owns scheduler and jobs; it does (`owner`) what a
pure state machine (`machine`) says. `connect` gives clients, `status` looks, `actions` scales and stops, over the
channel of `control`.
"""

from __future__ import annotations

from dtedask.cluster.kept.actions import scale, stop
from dtedask.cluster.kept.connect import connect, wait_for_number, where_to_run
from dtedask.cluster.kept.launch import order_for, start, start_here
from dtedask.cluster.kept.order import Order
from dtedask.cluster.kept.records import Clusters, ClusterStatus, JobStatus, WorkerStatus
from dtedask.cluster.kept.status import running, status

__all__ = [
    "ClusterStatus",
    "Clusters",
    "JobStatus",
    "Order",
    "WorkerStatus",
    "connect",
    "order_for",
    "running",
    "scale",
    "start",
    "start_here",
    "status",
    "stop",
    "wait_for_number",
    "where_to_run",
]
