"""Functions of users in plans: found without running anything, called where the fields are."""

from dtedask.pipeline.functions.call import Function
from dtedask.pipeline.functions.found import Found, find_function

__all__ = ["Found", "Function", "find_function"]
