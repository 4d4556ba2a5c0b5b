"""The server of notices: ECMWF's Aviso over HTTP, tied to the log of commits."""

from __future__ import annotations

from dtedask.serve.notify.app import create_app
from dtedask.serve.notify.options import ServeOptions
from dtedask.serve.notify.server import running, serve

__all__ = ["ServeOptions", "create_app", "running", "serve"]
