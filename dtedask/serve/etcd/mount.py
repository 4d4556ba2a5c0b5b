"""The gateway as a part of the server of notices."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from dtedask.notify.streams import events_path
from dtedask.serve.etcd.gateway import EtcdGateway

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator

    from fastapi import FastAPI

__all__ = ["add_etcd"]

FILE_NAME = "etcd.sqlite"


def add_etcd(app: FastAPI, *, root: str | os.PathLike[str] | None = None) -> EtcdGateway:
    """Add the routes for clients of Aviso 1 to the server of notices.

    Parameters
    ----------
    app : FastAPI
        The server, of `dtedask.serve.notify.create_app`; it closes the gateway at its end.
    root : str or os.PathLike, optional
        Root that is served: the file of revisions is beside its log of notifications.
    """
    service = app.state.service
    state = events_path(root).with_name(FILE_NAME)
    gateway = EtcdGateway(service.streams, service.access, state=state, body_limit=service.options.body_limit)
    app.router.routes.extend(gateway.routes)
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(inside: FastAPI) -> AsyncIterator[Any]:
        async with inner(inside) as state:
            gateway.start()
            try:
                yield state
            finally:
                gateway.close()

    app.router.lifespan_context = lifespan
    return gateway
