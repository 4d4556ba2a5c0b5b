"""The logs of jobs: where they are, and the lines of them that say what went wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

_TAIL_BYTES = 1 << 16
_MOST_LINES = 8
_TELLING = re.compile(
    r"slurmstepd: error|DUE TO TIME LIMIT|oom[-_ ]kill|out of memory|CANCELLED AT|\bKilled\b|MemoryError|"
    r"command not found|No such file or directory|Permission denied|cannot execute|"
    r"(?:^|\s)(?:ERROR|CRITICAL)\b|^\w*(?:\.\w+)*(?:Error|Exception)\b|error: |^usage: ",
    re.IGNORECASE,
)
_FRAME = re.compile(r"^(?:Traceback \(most recent call last\)|\s+File \"|\s{4,}|\s+\^)")


def find_logs(folder: Path, job_id: str) -> list[Path]:
    """Files of a folder that are the log of a job: those whose name holds its number, errors first."""
    if not folder.is_dir():
        return []
    number = re.compile(rf"(?<!\d){re.escape(job_id)}(?!\d)")
    found = [path for path in folder.iterdir() if path.is_file() and number.search(path.name)]
    return sorted(found, key=lambda path: (path.suffix != ".err", path.name))


def quote_logs(paths: Iterable[Path]) -> list[str]:
    """Lines of the first log that has any; see `telling_lines`."""
    for path in paths:
        found = telling_lines(_end_of(path))
        if found:
            return found
    return []


def telling_lines(lines: Sequence[str], most: int = _MOST_LINES) -> list[str]:
    """The last lines that say what went wrong; if none seems to, the last lines.

    Parameters
    ----------
    lines : sequence of str
        A log, or its end.
    most : int
        How many to return at most.

    Returns
    -------
    list of str
        In their order, each once, without the frames of tracebacks.
    """
    kept = [line.rstrip() for line in lines if line.strip()]
    telling = [line.strip() for line in kept if _TELLING.search(line) and not _FRAME.match(line)]
    chosen = telling or [line.strip() for line in kept]
    return list(dict.fromkeys(chosen))[-most:]


def _end_of(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - _TAIL_BYTES, 0))
            return file.read().decode("utf-8", errors="replace").splitlines()
    except OSError:
        return []
