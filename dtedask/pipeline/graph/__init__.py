"""The functions of actions as a Dask graph: nothing is read or computed before somebody asks for a value."""

from dtedask.pipeline.graph.compute import Graph
from dtedask.pipeline.graph.node import Node

__all__ = ["Graph", "Node"]
