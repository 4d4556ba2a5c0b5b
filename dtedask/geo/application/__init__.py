"""Weights applied to fields: in memory, and lazily to arrays of many chunks."""
