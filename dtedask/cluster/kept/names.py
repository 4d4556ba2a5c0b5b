"""Names of kept clusters: a file each, which says which folder is its cluster's."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from dtedask.cluster.folder import ClusterFolder, clusters_folder, jobs_folder
from dtedask.cluster.slurm.orphans import end_orphan
from dtedask.core.errors import ClusterError, SettingError
from dtedask.core.processes import is_alive

Standing = Literal["starting", "running", "ending", "ended", "dead", "elsewhere", "silent", "submitted", "pending"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a cluster."""
    if not _NAME.fullmatch(name):
        raise SettingError(
            f"{name!r} cannot be the name of a cluster.",
            hint="It consists of up to 64 letters, digits, '-', '_' and '.', and begins with a letter or digit.",
        )


def kept_names() -> list[str]:
    """Names of all kept clusters, those that ended or died among them."""
    names = sorted(path.name for path in _names_folder().glob("[!.]*"))
    return [name for name in names if kept_folder(name) is not None]  # folders of ended ones are removed after a while


def kept_folder(name: str) -> ClusterFolder | None:
    """Folder of the kept cluster of a name; None if there is no such cluster."""
    if not _NAME.fullmatch(name):
        return None
    try:
        found = ClusterFolder(clusters_folder() / (_names_folder() / name).read_text("utf-8").strip())
    except OSError:
        return None
    return found if found.state() else None


def standing_of(folder: ClusterFolder) -> Standing:
    """Say whether the process of a cluster lives, as far as it can be known here without asking it.

    Whoever runs on another host is ``elsewhere``; a batch job whose process has not told of itself is ``submitted``.
    """
    state = folder.state()
    if state.get("ended"):
        return "ended"
    if state.get("pid") is None:
        return "submitted"
    if state.get("host") != socket.gethostname():
        return "elsewhere"
    if not is_alive(int(state.get("pid", 0)), str(state.get("process_start", ""))):
        return "dead"
    ready = state.get("control" if state.get("kept") else "scheduler")
    return "ending" if state.get("ending") else "running" if ready else "starting"


@contextlib.contextmanager
def holding_name(name: str, folder: ClusterFolder) -> Iterator[None]:
    """Have a name while a cluster runs, and let go of it unless the cluster's state says that it ended by itself.

    Of two processes that want the same name at the same time, one has it.

    Raises
    ------
    ClusterError
        If another cluster has it that may be running.
    """
    with _one_at_a_time(name):
        before = kept_folder(name)
        if before is not None:
            _refuse_if_alive(name, before)
            if standing_of(before) == "dead":
                end_orphan(before)
        forget_name(name)
        _take(name, folder)
    try:
        yield
    finally:
        if not folder.state().get("ended_by_itself"):
            forget_name(name, folder)


def forget_name(name: str, folder: ClusterFolder | None = None) -> None:
    """Let go of a name, if it is still that of this folder."""
    path = _names_folder() / name
    with contextlib.suppress(FileNotFoundError):
        if folder is None or path.read_text("utf-8").strip() == folder.id:
            path.unlink()


def _refuse_if_alive(name: str, folder: ClusterFolder) -> None:
    state, standing = folder.state(), standing_of(folder)
    if standing in {"ended", "dead"}:
        return
    hint = f"Stop it by `dtedask cluster stop {name}`, or give the new one another name by --name."
    if standing == "elsewhere":
        hint = f"{hint} If that host is gone, `dtedask cluster stop {name} --force` clears it away."
    verb = "is being started" if standing == "starting" else "runs already"
    raise ClusterError(
        f"A cluster {name!r} {verb}: process {state.get('pid')} on {state.get('host')}, since {state.get('started')}.",
        hint=hint,
    )


def _take(name: str, folder: ClusterFolder) -> None:
    """Make the file of a name, which fails if another was faster where there are no locks."""
    path = _names_folder() / name
    new = path.with_name(f".{name}-{secrets.token_hex(4)}")
    new.write_text(f"{folder.id}\n", "utf-8")
    try:
        os.link(new, path)
    except FileExistsError:
        raise ClusterError(f"Another process is starting a cluster {name!r} at this moment.") from None
    except OSError:  # a file system without hard links
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


@contextlib.contextmanager
def _one_at_a_time(name: str) -> Iterator[None]:
    from filelock import FileLock

    _names_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(NotImplementedError):  # a file system without locks
            stack.enter_context(FileLock(_names_folder() / f".{name}.lock", timeout=10))
        yield


def _names_folder() -> Path:
    return jobs_folder() / "kept"
