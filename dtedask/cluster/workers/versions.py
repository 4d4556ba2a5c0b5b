"""Whether a worker has the libraries of the client that sends it tasks."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from dtedask.core.errors import ClusterError

_LIBRARIES = ("dtedask", "icechunk", "zarr", "numcodecs", "eccodes", "numpy")
_MUST_AGREE = ("dtedask", "icechunk")  # in their first number: they say what stands in a store
_CLOSE = 2  # numbers of a version that are compared


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that write and read stores, as they are here."""
    found = {"Python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # it runs from a checkout that is not installed
            continue
    return found


def differences(client: Mapping[str, str], worker: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """What differs between client and worker.

    Returns
    -------
    tuple of (list of str, list of str)
        What forbids to work together, and what one should know of; each names both versions.
    """
    forbidden, known = [], []
    for name, ours in client.items():
        theirs = worker.get(name, "none")
        if name in _MUST_AGREE and _numbers(ours, 1) != _numbers(theirs, 1):
            forbidden.append(f"{name} {theirs} where the client has {ours}")
        elif _numbers(ours, _CLOSE) != _numbers(theirs, _CLOSE):
            known.append(f"{name} {theirs} where the client has {ours}")
    return forbidden, known


def _numbers(text: str, count: int) -> list[str]:
    return text.split(".")[:count]


class _Refused:
    """Why this process does no tasks of ours; empty where it does them."""

    reason = ""


def refuse(reason: str) -> None:
    """Let this process do no tasks of ours."""
    _Refused.reason = reason


def check_worker() -> None:
    """Called by tasks.

    Raises
    ------
    ClusterError
        If this worker has other libraries than the client.
    """
    if _Refused.reason:
        raise ClusterError(
            f"{_Refused.reason}.", hint="Start the workers from the same environment as the client (`python` of a job)."
        )
