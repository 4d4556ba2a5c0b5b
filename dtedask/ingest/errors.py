"""What goes wrong with a whole ingest."""

from __future__ import annotations

from dtedask.core.errors import IngestError
from dtedask.ingest.summary import Summary, described


def failure(summary: Summary) -> IngestError:
    """The error that lists the files of a summary that failed."""
    lines = [f"  {described(name, error)}" for name, error in summary.failed]
    count = len(lines)
    error = IngestError(
        f"{count} of {summary.files} {'file' if summary.files == 1 else 'files'} could not be ingested:\n"
        + "\n".join(lines),
        hint="\nEverything else is in the cube. Repair or fetch them again and run the same once more.",
    )
    error.summary = summary
    return error
