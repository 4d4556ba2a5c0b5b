"""How a NATS server is reached and what is asked of it."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from typing import Any

from dtedask.core.errors import NoticeError
from dtedask.core.settings import setting

__all__ = ["JetStreamOptions"]


@dataclass(frozen=True, slots=True)
class JetStreamOptions:
    """Settings of a log on NATS JetStream; secrets are named by environment variables, never written down.

    Parameters
    ----------
    name : str
        What the names of streams and subjects begin with; servers that use the same name share their notifications.
    replicas : int
        How many servers of a NATS cluster keep each notification: 1, 3 or 5.
    timeout_s : float
        How long one call may take, reconnecting included.
    token_env, user_env, password_env, credentials_env : str, optional
        Environment variables that hold a token, a user and its password, or the path of a credentials file.
    ca_file : str, optional
        Certificates that the server's certificate is checked with, where the system does not know them.
    """

    name: str = "dtedask"
    replicas: int = 1
    timeout_s: float = 10.0
    token_env: str | None = None
    user_env: str | None = None
    password_env: str | None = None
    credentials_env: str | None = None
    ca_file: str | None = None

    def __post_init__(self) -> None:
        if not self.name.replace("-", "").replace("_", "").isalnum() or not self.name.isascii():
            raise NoticeError(
                f"The name {self.name!r} of a log on NATS has other characters than letters, digits, - and _.",
                hint="Set dtedask.notify.nats.name to such as 'dtedask'.",
            )

    @classmethod
    def of_settings(cls) -> JetStreamOptions:
        """Read the settings ``dtedask.notify.nats``."""
        keys = ("token-env", "user-env", "password-env", "credentials-env", "ca-file")
        return cls(
            name=setting("notify.nats.name"),
            replicas=setting("notify.nats.replicas"),
            timeout_s=setting("notify.nats.timeout"),
            **{key.replace("-", "_"): setting(f"notify.nats.{key}") for key in keys},
        )

    def secrets(self) -> dict[str, Any]:
        """Read what nats-py wants to know of who we are; raises NoticeError where a variable is not set."""
        given = {
            "token": self.token_env,
            "user": self.user_env,
            "password": self.password_env,
            "user_credentials": self.credentials_env,
        }
        found: dict[str, Any] = {key: _variable(name) for key, name in given.items() if name is not None}
        if self.ca_file is not None:
            found["tls"] = ssl.create_default_context(cafile=self.ca_file)
        return found


def _variable(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise NoticeError(
            f"The environment variable {name}, which is to hold a secret of NATS, is not set.",
            hint="Set it, or take its name out of the settings dtedask.notify.nats.",
        ) from None
