"""Files of Dask's configuration that are no YAML, for which Dask cannot even be imported."""

from __future__ import annotations

import re
from pathlib import Path

from dtedask.core.documents import read_yaml
from dtedask.core.errors import DocumentError

_SAID = re.compile(r"A dask config file at (['\"])(?P<path>.+?)\1 is malformed")


def malformed_file(error: Exception) -> DocumentError | None:
    """Say where such a file is wrong; None if an error is another one."""
    found = _SAID.match(str(error))
    if found is None:
        return None
    path = Path(found["path"])
    try:
        read_yaml(path.read_text("utf-8"), str(path))
    except DocumentError as wrong:
        return wrong
    except (OSError, UnicodeDecodeError) as wrong:
        return DocumentError(f"{path}: {wrong}.")
    return DocumentError(f"{path}: Dask's configuration must be a mapping of keys.")
