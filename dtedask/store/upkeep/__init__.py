"""Upkeep of a root: what runs in it, how long its past is kept, and what is taken away."""
