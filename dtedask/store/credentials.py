"""Credentials for the small files of a root on S3, from the places that AWS' own tools know.

obstore takes them from the environment, from web identities, containers and instances; the files of the user's profiles
it does not read, which Icechunk does. Here they are read for each use, and kept nowhere.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obstore.store import S3Credential

_KEYS = ("aws_access_key_id", "aws_secret_access_key")


def profile_provider() -> Callable[[], S3Credential] | None:
    """A provider of the credentials of the user's profile; None where the environment has some, or no file has any."""
    if os.environ.get("AWS_ACCESS_KEY_ID") or not _profile_keys():
        return None
    return _profile_credential


def region() -> str | None:
    """The region by environment or profile."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        if os.environ.get(name):
            return os.environ[name]
    name = _profile()
    section = name if name == "default" else f"profile {name}"
    return _read("AWS_CONFIG_FILE", "config").get(section, {}).get("region")


def _profile_credential() -> S3Credential:
    found = _profile_keys()
    return {
        "access_key_id": found["aws_access_key_id"],
        "secret_access_key": found["aws_secret_access_key"],
        "token": found.get("aws_session_token"),
        "expires_at": None,
    }


def _profile_keys() -> dict[str, str]:
    name = _profile()
    candidates = (
        _read("AWS_SHARED_CREDENTIALS_FILE", "credentials").get(name, {}),
        _read("AWS_CONFIG_FILE", "config").get(name if name == "default" else f"profile {name}", {}),
    )
    return next((found for found in candidates if all(found.get(key) for key in _KEYS)), {})


def _profile() -> str:
    return os.environ.get("AWS_PROFILE") or "default"


def _read(variable: str, default: str) -> dict[str, dict[str, str]]:
    path = Path(os.environ.get(variable) or Path.home() / ".aws" / default)
    parser = configparser.RawConfigParser()
    try:
        parser.read(path.expanduser(), encoding="utf-8")
    except (OSError, configparser.Error):  # whoever asks says that there are no credentials, and shows no line of it
        return {}
    return {name: dict(parser.items(name)) for name in parser.sections()}
