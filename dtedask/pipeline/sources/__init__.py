"""Where messages come from: files, folders, cubes, arrays; what is at rest, and what arrives."""

from dtedask.pipeline.sources.arrays import messages_of
from dtedask.pipeline.sources.choose import open_source, source_of
from dtedask.pipeline.sources.commits import FollowedRoot, follow_root
from dtedask.pipeline.sources.cubes import CubeSource
from dtedask.pipeline.sources.files import FileSource, messages_of_files
from dtedask.pipeline.sources.source import AtRest, Source
from dtedask.pipeline.sources.watched import WatchedFolder, watch_folder

__all__ = [
    "AtRest",
    "CubeSource",
    "FileSource",
    "FollowedRoot",
    "Source",
    "WatchedFolder",
    "follow_root",
    "messages_of",
    "messages_of_files",
    "open_source",
    "source_of",
    "watch_folder",
]
