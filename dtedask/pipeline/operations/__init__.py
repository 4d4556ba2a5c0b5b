"""What statistics do with numbers: states of float64 arrays that take fields, merge and finish.

Nothing here knows of keys, windows or messages: `OperationSet` takes arrays, and `operation_info` says what the results
are, so that the action can name them.
"""

from dtedask.pipeline.operations.information import OperationInfo, operation_info, operation_names
from dtedask.pipeline.operations.operation_set import OperationSet
from dtedask.pipeline.operations.options import AnyOperation, OperationOptions, told_apart
from dtedask.pipeline.operations.state import OperationState

__all__ = [
    "AnyOperation",
    "OperationInfo",
    "OperationOptions",
    "OperationSet",
    "OperationState",
    "operation_info",
    "operation_names",
    "told_apart",
]
