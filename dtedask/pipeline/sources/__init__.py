"""Where messages come from: files, folders, cubes."""

from dtedask.pipeline.sources.files import messages_of_files

__all__ = ["messages_of_files"]
