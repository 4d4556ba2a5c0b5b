"""Secrets: only hashes of them are written down, and they are compared in a time that tells nothing."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from dtedask.core.errors import DocumentError

__all__ = ["check_password", "digest", "hash_password", "hash_token", "is_password_hash", "read_secret"]

_SCRYPT = re.compile(r"scrypt:([0-9]{1,8}):([0-9]{1,3}):([0-9]{1,3}):([0-9a-f]{16,128}):([0-9a-f]{64})")
_N, _R, _P = 2**14, 8, 1
_MOST_MEMORY = 256 * 2**20


def digest(secret: str) -> bytes:
    """SHA-256 of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def hash_token(token: str) -> str:
    """Hash of a token for a document of access; only long random tokens may be kept so."""
    return digest(token).hex()


def hash_password(password: str) -> str:
    """Hash of a password for a document of access, by scrypt, with a salt of its own."""
    salt = secrets.token_bytes(16)
    found = _scrypt(password, salt, _N, _R, _P)
    return f"scrypt:{_N}:{_R}:{_P}:{salt.hex()}:{found.hex()}"


def is_password_hash(text: str) -> bool:
    """Whether `hash_password` could have made a text, and checking it needs a sensible amount of memory."""
    match = _SCRYPT.fullmatch(text)
    if match is None:
        return False
    n, r, p = (int(match[part]) for part in (1, 2, 3))
    return n >= 2**10 and n & (n - 1) == 0 and r >= 1 and 1 <= p <= 16 and 128 * n * r * p < _MOST_MEMORY


def check_password(password: str, known: str) -> bool:
    """Whether a password has a hash that `hash_password` made; takes as long when it has not."""
    match = _SCRYPT.fullmatch(known)
    if match is None:
        return False
    n, r, p = (int(match[part]) for part in (1, 2, 3))
    found = _scrypt(password, bytes.fromhex(match[4]), n, r, p)
    return hmac.compare_digest(found, bytes.fromhex(match[5]))


def read_secret(*, environment: str | None, file: Path | None, what: str) -> str:
    """Read a secret from a variable of the environment or a file.

    Raises
    ------
    DocumentError
        If it is not there, or empty.
    """
    if environment is not None:
        found = os.environ.get(environment, "")
        if not found:
            raise DocumentError(f"The variable {environment!r} of the environment, {what}, is not set.")
        return found
    if file is None:
        raise DocumentError(f"There is no source of {what}.", hint="Give environment or file.")
    try:
        found = file.expanduser().read_text("utf-8").strip()
    except UnicodeDecodeError:
        raise DocumentError(f"The file {str(file)!r}, {what}, is no UTF-8 text.") from None
    except OSError as error:
        raise DocumentError(f"Cannot read the file {str(file)!r}, {what}: {error.strerror}.") from error
    if not found:
        raise DocumentError(f"The file {str(file)!r}, {what}, is empty.")
    return found


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=2 * _MOST_MEMORY, dklen=32)
