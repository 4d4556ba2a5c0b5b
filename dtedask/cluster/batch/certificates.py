"""Certificates of a run, by which its processes know one another."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed.security import Security


def make_certificates(folder: Path) -> None:
    """Write a certificate and its key, which only their user can read."""
    from distributed.security import Security

    made = Security.temporary()
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, text in (("key.pem", made.tls_scheduler_key), ("cert.pem", made.tls_scheduler_cert)):
        new = folder / f".{name}"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        new.replace(folder / name)


def security_in(folder: Path) -> Security:
    """What every process of a run talks by."""
    from distributed.security import Security

    certificate, key = str(folder / "cert.pem"), str(folder / "key.pem")
    names = {
        f"tls_{role}_{part}": path
        for role in ("client", "scheduler", "worker")
        for part, path in (("cert", certificate), ("key", key))
    }
    return Security(require_encryption=True, tls_ca_file=certificate, **names)
