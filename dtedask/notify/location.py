"""Where the log of notices of a root lies."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

from dtedask.core.errors import NoticeError
from dtedask.core.settings import setting

FILE_NAME = "notices.sqlite"


def root_url(root: str | os.PathLike[str]) -> str:
    """Absolute path or URL of a root, without a slash at its end."""
    text = os.fspath(root).removeprefix("file://")
    return text.rstrip("/") if "://" in text else str(Path(text).expanduser().absolute())


def log_path(root: str | os.PathLike[str]) -> Path:
    """Say which file holds the log of a root.

    Parameters
    ----------
    root : str or os.PathLike
        Folder or URL of the root.

    Returns
    -------
    Path
        ``notices.sqlite`` in a root on local disk. Roots elsewhere and roots that cannot be written have theirs in the
        user's state folder, below a name made from the root's URL. The setting ``dtedask.notify.log`` names another
        folder for these names, or a file (``*.sqlite``) that serves one root.
    """
    url = root_url(root)
    override = setting("notify.log")
    if override:
        path = Path(override).expanduser().absolute()
        return path if path.suffix == ".sqlite" else path / _name_of(url) / FILE_NAME
    if url.startswith("memory://"):
        return Path(_memory_folder(os.getpid())) / _name_of(url) / FILE_NAME
    if "://" in url or not _is_writable(Path(url)):
        return state_folder() / _name_of(url) / FILE_NAME
    return Path(url) / FILE_NAME


def is_in_root(path: Path, root: str | os.PathLike[str]) -> bool:
    """Whether everyone who commits to the root writes this very log."""
    return path.parent == Path(root_url(root))


def state_folder() -> Path:
    """Return the user's state folder, by the rules of XDG."""
    base = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(base) if base.startswith("/") else Path("~/.local/state").expanduser()
    return folder / "dtedask"


def _name_of(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def _is_writable(folder: Path) -> bool:
    return not folder.exists() or os.access(folder, os.W_OK)


@lru_cache(maxsize=1)
def _memory_folder(process: int) -> str:
    """Make the folder for roots in memory: it lives as long as they do, with the process."""
    state = state_folder()
    try:
        state.mkdir(parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(prefix=f"memory-{process}-", dir=state)
    except OSError as error:
        raise NoticeError(
            f"Cannot write the state folder {str(state)!r}: {error.strerror}.",
            hint="Set XDG_STATE_HOME or the setting dtedask.notify.log to a folder that can be written.",
        ) from error
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
