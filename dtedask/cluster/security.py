"""Certificates that are made for one cluster or run, by which its processes know one another."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.core.errors import MissingExtraError

if TYPE_CHECKING:
    from distributed.security import Security


def make_certificates(folder: Path) -> None:
    """Write a certificate and its key, which only their user can read.

    Scheduler, workers and clients have the same: who can read the files belongs to the cluster.

    Raises
    ------
    MissingExtraError
        If cryptography is not installed.
    """
    from distributed.security import Security

    try:
        made = Security.temporary()
    except ImportError as error:
        raise MissingExtraError(
            "Certificates need cryptography, which is not installed.",
            hint='Install it by: pip install "dtedask[slurm]", or set `encrypt: false` in the profile.',
        ) from error
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, text in (("key.pem", made.tls_scheduler_key), ("cert.pem", made.tls_scheduler_cert)):
        new = folder / f".{name}"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        new.replace(folder / name)


def security_in(folder: Path) -> Security:
    """What every process of a run talks by: paths of files, so that no key stands in a script, log or pickle."""
    from distributed.security import Security

    certificate, key = str(folder / "cert.pem"), str(folder / "key.pem")
    names = {
        f"tls_{role}_{part}": path
        for role in ("client", "scheduler", "worker")
        for part, path in (("cert", certificate), ("key", key))
    }
    return Security(require_encryption=True, tls_ca_file=certificate, **names)
