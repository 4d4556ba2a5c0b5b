"""Checkpoints: the state of a run in a cube, so that it can go on after it was killed."""

from dtedask.pipeline.checkpoint.content import Checkpoint, Entry
from dtedask.pipeline.checkpoint.options import CheckpointOptions
from dtedask.pipeline.checkpoint.slots import Checkpoints

__all__ = ["Checkpoint", "CheckpointOptions", "Checkpoints", "Entry"]
