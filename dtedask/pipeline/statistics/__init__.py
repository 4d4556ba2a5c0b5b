"""Statistics: which operations, over which windows, and what the results are called."""
