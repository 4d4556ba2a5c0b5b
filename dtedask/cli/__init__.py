"""The command `dtedask`."""

from dtedask.cli.entry import main

__all__ = ["main"]
