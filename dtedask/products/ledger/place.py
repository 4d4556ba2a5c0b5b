"""Where the state of a run of products lies."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from dtedask.core.settings import setting
from dtedask.notify import location

__all__ = ["state_folder"]

_NAME = ".dtedask-products"


def state_folder(output: str | os.PathLike[str]) -> Path:
    """Say which folder holds ledger and staged contents of the products that go to an output.

    Parameters
    ----------
    output : str or os.PathLike
        Folder or URL.

    Returns
    -------
    Path
        ``.dtedask-products`` in a folder; for all else a folder of the user's state folder, named after the URL. The
        setting ``dtedask.products.state`` names another folder for the latter names.
    """
    url = location.root_url(output)
    name = hashlib.sha256(url.encode()).hexdigest()[:16]
    override = setting("products.state")
    if override:
        return Path(override).expanduser().absolute() / name
    return location.state_folder() / "products" / name if "://" in url else Path(url) / _NAME
