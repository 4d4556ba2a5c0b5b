"""The folder of a cluster: certificates, scripts, logs and state, where all nodes see them."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dtedask.core.errors import ClusterError
from dtedask.core.processes import is_alive, process_start
from dtedask.core.settings import setting

_updating = threading.Lock()


@dataclass(frozen=True, slots=True)
class ClusterFolder:
    """Folder of one cluster or batch run, which only its user can open.

    Parameters
    ----------
    path : Path
        Where it is: ``clusters/<id>`` below the setting ``dtedask.jobs.folder``.
    """

    path: Path

    @classmethod
    def make(cls, name: str, **state: Any) -> ClusterFolder:
        """Make the folder of a cluster that this process starts.

        Parameters
        ----------
        name : str
            What it is of, such as a profile; its id begins with it.
        **state
            What its `state` says at the beginning, beside id, name, host, pid, process_start and started.

        Raises
        ------
        ClusterError
            If it cannot be made.
        """
        stem = re.sub(r"[^\w.-]+", "-", name) or "cluster"
        now = datetime.now(UTC)
        folder = cls(clusters_folder() / f"{stem}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}")
        try:
            folder.logs.mkdir(parents=True)
            folder.path.chmod(0o700)
            folder.tls.mkdir(mode=0o700)
            pid = os.getpid()
            ours = {"host": socket.gethostname(), "pid": pid, "process_start": process_start(pid)}
            folder.update(
                id=folder.id, name=name, **ours, started=now.isoformat(timespec="seconds"), ended=None, **state
            )
        except OSError as error:
            raise ClusterError(
                f"The folder {str(folder.path)!r} cannot be made: {error.strerror or error}.",
                hint="Name one that all nodes see by the setting dtedask.jobs.folder.",
            ) from error
        return folder

    @property
    def id(self) -> str:
        """Name of the folder, which no other has."""
        return self.path.name

    @property
    def tls(self) -> Path:
        """Certificates and keys."""
        return self.path / "tls"

    @property
    def logs(self) -> Path:
        """What its jobs print."""
        return self.path / "logs"

    @property
    def job_script(self) -> Path:
        """Script of its job, or of its worker jobs."""
        return self.path / "job.sh"

    def state(self) -> dict[str, Any]:
        """What is known of the cluster: see `make`, and what `update` added; empty if there is nothing to read."""
        try:
            found = json.loads((self.path / "state.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def update(self, **values: Any) -> None:
        """Change some of the state; whoever reads sees the old or the new one.

        One process at a time may do so: the one that owns the cluster.
        """
        with _updating:
            text = json.dumps({**self.state(), **values}, indent=1, default=str)
            self.write(self.path / "state.json", text)

    def write(self, path: Path, text: str, *, mode: int = 0o600) -> None:
        """Write a file of the folder at once; only its user can read it unless `mode` says otherwise."""
        new = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            file.write(text)
        new.replace(path)

    def end(self, **values: Any) -> None:
        """Say that the cluster ended, and take its certificates away; logs stay for a while."""
        shutil.rmtree(self.tls, ignore_errors=True)
        self.update(ended=datetime.now(UTC).isoformat(timespec="seconds"), **values)

    @property
    def is_orphaned(self) -> bool:
        """Whether it belongs to a process of this host that is gone without having ended it."""
        state = self.state()
        if state.get("ended") or state.get("host") != socket.gethostname() or not isinstance(state.get("pid"), int):
            return False
        return not is_alive(state["pid"], str(state.get("process_start", "")))


def jobs_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder below which every cluster has its own; see the setting ``dtedask.jobs.folder``."""
    named = setting("jobs.folder")
    if named is not None:
        return Path(os.path.expandvars(named)).expanduser().absolute()
    home = Path(environment.get("XDG_STATE_HOME", ""))
    return (home if home.is_absolute() else Path("~/.local/state").expanduser()) / "dtedask"


def clusters_folder() -> Path:
    """Where the folders of clusters are."""
    return jobs_folder() / "clusters"


def cluster_folders() -> list[ClusterFolder]:
    """Folders of all clusters that have a state, those that ended among them, oldest first."""
    found = [path.parent for path in clusters_folder().glob("*/state.json")]
    folders = [ClusterFolder(path) for path in found]
    return sorted(folders, key=lambda folder: (str(folder.state().get("started", "")), folder.id))
