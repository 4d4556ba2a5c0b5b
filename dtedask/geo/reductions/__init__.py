"""Reductions that are the same to the last bit for every chunking, order and number of threads."""

from dtedask.geo.reductions.results import (
    accumulate,
    checksum,
    extremes,
    mean,
    merge,
    result,
    statistics,
    total,
)

__all__ = ["accumulate", "checksum", "extremes", "mean", "merge", "result", "statistics", "total"]
