"""Lines of a job's script that make the worker on a node what the profile says: its configuration, and its scratch.

A job inherits the environment of who submits it, and no configuration of Dask.
"""

from __future__ import annotations

import os
import shlex
import socket
from collections.abc import Iterator, Mapping
from typing import Any

_SECTIONS = ("worker", "nanny")  # of `distributed`: what a worker and its nanny read
_MOST_THREADS = 8  # of a process: what runs in Python runs in one of them at a time
_BEFORE_IT_STARTS = "pre-spawn-environ"

_SCRATCH = """\
dtedask_scratch={place}
dtedask_no_scratch() {{
    echo "dtedask: the local-directory {shown} of the profile {profile} $1 on $(hostname)." >&2
    exit 1
}}
[ -n "$dtedask_scratch" ] || dtedask_no_scratch "is empty"
[ -d "$dtedask_scratch" ] || dtedask_no_scratch "is $dtedask_scratch, which does not exist"
[ -w "$dtedask_scratch" ] || dtedask_no_scratch "is $dtedask_scratch, which cannot be written"
dtedask_scratch=$dtedask_scratch/dtedask-${{SLURM_JOB_ID:-$$}}
trap 'rm -rf "$dtedask_scratch"' EXIT
mkdir -p "$dtedask_scratch" || exit 1"""


def with_node_lines(name: str, job: Mapping[str, Any], configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a job whose script sets what its worker needs.

    Parameters
    ----------
    name : str
        Name of the profile.
    job : mapping
        Options of the job. Its own prologue runs after what is exported, so that it wins, and before scratch is
        looked at, so that it may make it.
    configuration : mapping
        Dask configuration of the profile.
    """
    prologue = [*exports(configuration), *(job.get("job-script-prologue") or ())]
    place = job.get("local-directory")
    if place:
        prologue.append(scratch_lines(name, str(place)))
        job = {**job, "local-directory": '"$dtedask_scratch"'}
    return {**job, "job-script-prologue": prologue, "processes": processes_of(job)}


def processes_of(job: Mapping[str, Any]) -> int | None:
    """Worker processes of a job: as many as it says, or as few as may be.

    Decoding and compressing hold no lock of Python's, so that threads do as well as processes there, and share what is
    loaded. The rest of a task runs in one thread of a process at a time.
    """
    asked, cores = job.get("processes"), job.get("cores")
    if asked or not cores:
        return asked
    fewest = -(-cores // _MOST_THREADS)
    return next((count for count in range(fewest, 2 * fewest) if cores % count == 0), fewest)


def folder_on_this_node(place: str) -> str:
    """The folder that a profile names as `local-directory`, with the variables of this node.

    Raises
    ------
    OSError
        If there is none.
    """
    found = os.path.expandvars(place)
    if "$" in found or not found:
        raise OSError(f"the local-directory {place!r} of the profile is empty on {socket.gethostname()}")
    if not os.path.isdir(found) or not os.access(found, os.W_OK):  # noqa: PTH112
        raise OSError(
            f"the local-directory {place!r} of the profile is {found} on {socket.gethostname()}, which does not exist "
            "or cannot be written"
        )
    return found


def exports(configuration: Mapping[str, Any]) -> list[str]:
    """Lines that hand a configuration of Dask to workers.

    Dask's variables that the environment has already win, as they do everywhere. What is to be set before a worker
    starts wins over the environment: that of a login shell is made for other programs.
    """
    distributed = configuration.get("distributed") or {}
    found = []
    for section in _SECTIONS:
        for path, value in _leaves(distributed.get(section) or {}, (section,)):
            text = shlex.quote(value if isinstance(value, str) else repr(value))
            if _BEFORE_IT_STARTS in path:
                found.append(f"export {path[-1]}={text}")
            else:
                key = f"DASK_{'__'.join(('distributed', *path))}".upper().replace("-", "_")
                found.append(f"export {key}=${{{key}:-{text}}}")
    return found


def scratch_lines(name: str, place: str) -> str:
    """Lines that make a folder below the one that the profile names, which goes with the job.

    Variables in its name are those of the node. Where it is missing, the job ends and says so in its log.
    """
    return _SCRATCH.format(place=place, shown=_literal(place), profile=_literal(name))


def _literal(text: str) -> str:
    """A text within double quotes of the shell, as it is."""
    for sign in ("\\", "$", "`", '"'):
        text = text.replace(sign, f"\\{sign}")
    return f"'{text}'"


def _leaves(section: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in section.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, str(key)))
        elif value is not None:
            yield (*path, str(key)), value
