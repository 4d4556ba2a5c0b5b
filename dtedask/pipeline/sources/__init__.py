"""Where messages come from: files, folders, cubes, arrays; what is at rest, and what arrives."""

from dtedask.pipeline.sources.choose import open_source
from dtedask.pipeline.sources.cubes import CubeSource
from dtedask.pipeline.sources.files import FileSource, messages_of_files
from dtedask.pipeline.sources.source import AtRest, Source

__all__ = ["AtRest", "CubeSource", "FileSource", "Source", "messages_of_files", "open_source"]
