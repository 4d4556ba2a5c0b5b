"""A client of servers of notices, ours and ECMWF's aviso-server: send, watch, replay, and a log of another host."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.notify.client.auth import Auth, Basic, Bearer, read_auth
    from dtedask.notify.client.client import NotifyClient, Sent
    from dtedask.notify.client.remote_log import RemoteLog

__all__ = ["Auth", "Basic", "Bearer", "NotifyClient", "RemoteLog", "Sent", "read_auth"]

_HOMES = {
    "Auth": "auth",
    "Basic": "auth",
    "Bearer": "auth",
    "NotifyClient": "client",
    "RemoteLog": "remote_log",
    "Sent": "client",
    "read_auth": "auth",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
