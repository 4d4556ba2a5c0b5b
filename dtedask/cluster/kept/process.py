"""The process that owns a kept cluster, its scheduler and its jobs.

It reads an `Order` from its standard input, leaves its parent and its terminal behind, and says on its standard output
how the start went; after that it writes into the log of the cluster's folder.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pickle
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dtedask.cluster.kept.order import LOG, PROFILE, SECRET, Order, Report, with_workers
from dtedask.core.errors import ClusterError, DtedaskError

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.cluster.folder import ClusterFolder
    from dtedask.cluster.kept.machine import End, Wanted

logger = logging.getLogger(__name__)

_LOGGED = ("dtedask", "distributed")
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def main() -> None:
    """Start what standard input says, and keep it until its end."""
    order: Order = pickle.loads(sys.stdin.buffer.read())
    if os.fork():
        os._exit(0)
    os.setsid()
    report = os.fdopen(os.dup(1), "wb")
    told = False

    def tell(what: Report) -> None:
        nonlocal told
        told = True
        with report:
            pickle.dump(what, report)

    try:
        keep(order, tell, own_streams=True)
    except BaseException as error:
        logger.critical("%s: %s", type(error).__name__, error, exc_info=True)
        if not told:
            tell(Report(error=_sendable(error)))
        sys.exit(1)


def keep(order: Order, tell: Callable[[Report], None], *, own_streams: bool = False) -> None:
    """Start a cluster in this process and keep it until its end.

    If it cannot be started, nothing of it stays.

    Parameters
    ----------
    order : Order
        What to start.
    tell : callable
        Called once it can be used.
    own_streams : bool, optional
        Send standard output and errors of this process to the log of the cluster's folder.
    """
    import dask.config

    from dtedask.cluster.folder import ClusterFolder
    from dtedask.cluster.kept.names import holding_name
    from dtedask.cluster.slurm.orphans import ENDS

    with dask.config.set(order.configuration):
        profile = order.profile
        names = {"kept": order.name, "profile": profile.name, "kind": profile.kind, "command": order.command}
        folder = ClusterFolder.make(order.name, **names, **ENDS)
        folder.write(folder.path / PROFILE, json.dumps(asdict(profile), default=str))
        try:
            # Whoever waits for the end is told by the end of the connection, which is the last of all.
            with ExitStack() as last, _logging(folder.logs / LOG, own_streams), holding_name(order.name, folder):
                _keep(order, folder, tell, last)
        except BaseException:
            if not folder.state().get("told"):  # nobody knows of it
                shutil.rmtree(folder.path, ignore_errors=True)
            raise


def _keep(order: Order, folder: ClusterFolder, tell: Callable[[Report], None], last: ExitStack) -> None:
    import dask.config

    from dtedask.cluster.clients import client_for

    try:
        with _interruptible(), client_for(order.profile, folder=folder) as client:
            assert client is not None
            owner = _owner(order, client, folder)
            with owner.hearing():
                _announce(client, folder, last, owner.answer)
                tell(Report(folder.id))
                folder.update(told=True)
                end = owner.run()
            folder.update(ending=True, how_ended=_why(client, end), ended_by_itself=end.why != "stopped")
            if end.why == "scheduler":  # whoever wants to tell it of the end need not wait until it answers
                last.enter_context(dask.config.set({"distributed.comm.timeouts.connect": "1s"}))
    except BaseException as error:
        state = folder.state()
        if not state.get("ending"):  # else it ended before, and what came after is of no interest but to the log
            how = f"of {type(error).__name__}: {error}"
            folder.update(how_ended=how, ended_by_itself=bool(state.get("told")))
        raise
    finally:
        (folder.path / SECRET).unlink(missing_ok=True)
        folder.end()


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let every signal that ends a process do so in order, while a cluster starts too."""

    def interrupt(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _why(client: Client, end: End) -> str:
    """Why it ended; where it was given up, that is what matters."""
    from dtedask.cluster.behind import started

    behind = started(client)
    failure = behind.failure if behind is not None else None
    return end.text if failure is None else f"it was given up: {failure}"


def _owner(order: Order, client: Client, folder: ClusterFolder) -> Any:
    from dtedask.cluster.kept.machine import Wanted
    from dtedask.cluster.kept.owner import Owner

    def set_workers(wanted: Wanted, effective: Wanted) -> None:
        _set_workers(client, effective)
        again = replace(order, profile=with_workers(order.profile, wanted.minimum, wanted.maximum))
        folder.update(wanted=str(wanted), command=again.command)

    profile = order.profile
    wanted = Wanted(profile.workers, profile.workers if profile.workers_maximum is None else profile.workers_maximum)
    folder.update(wanted=str(wanted), idle_s=order.idle_s)
    return Owner(client, wanted, order.idle_s, set_workers)


def _announce(client: Client, folder: ClusterFolder, last: ExitStack, answer: Callable[..., Any]) -> None:
    """Make it possible to connect and to ask."""
    from dtedask.cluster.behind import started
    from dtedask.cluster.kept.control import control_server, new_secret

    secret = new_secret()
    folder.write(folder.path / SECRET, secret)
    scheduler = str(client.scheduler.address)  # type: ignore[union-attr]
    host = _own_interface(client, scheduler)
    address = last.enter_context(control_server(host, secret, answer))
    behind = started(client)
    certificates = behind.certificates if behind is not None else None
    own = {"certificates": None if certificates is None else str(certificates)}
    folder.update(scheduler=scheduler, dashboard=client.dashboard_link, control=list(address), **own)
    logger.info("scheduler %s, dashboard %s, control %s:%s", scheduler, client.dashboard_link, *address)


def _own_interface(client: Client, scheduler: str) -> str:
    """The interface of this host on which the cluster talks."""
    from distributed.utils import get_ip

    here = getattr(client.cluster, "scheduler", None) is not None
    host = urlsplit(scheduler).hostname if here else None
    return host or get_ip()


def _set_workers(client: Client, wanted: Wanted) -> None:
    cluster: Any = client.cluster
    if wanted.minimum == wanted.maximum:
        with contextlib.suppress(AttributeError):
            cluster._adaptive.stop()  # noqa: SLF001 (Cluster.adapt does the same)
        cluster.scale(wanted.minimum)
    else:
        cluster.adapt(minimum=wanted.minimum, maximum=wanted.maximum)


@contextlib.contextmanager
def _logging(log: Path, own_streams: bool) -> Iterator[None]:
    """Log into a file; with `own_streams` for good, with all that this process prints."""
    if own_streams:
        _write_into(log)
        yield
        return
    handler = logging.FileHandler(log)
    handler.setFormatter(logging.Formatter(_FORMAT))
    ours = logging.getLogger("dtedask.cluster")
    before = ours.level
    ours.setLevel(logging.INFO)
    for name in _LOGGED:
        logging.getLogger(name).addHandler(handler)
    try:
        yield
    finally:
        for name in _LOGGED:
            logging.getLogger(name).removeHandler(handler)
        handler.close()
        ours.setLevel(before)


def _write_into(log: Path) -> None:
    """Send what this process prints, and what libraries log, into a file."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    for source, number in ((nowhere, 0), (descriptor, 1), (descriptor, 2)):
        os.dup2(source, number)
    os.close(descriptor)
    os.close(nowhere)
    logging.basicConfig(level=logging.INFO, format=_FORMAT)
    logging.getLogger("distributed.worker").setLevel(logging.WARNING)  # a line for each question about tasks


def _sendable(error: BaseException) -> DtedaskError:
    """The error itself if it is one of ours and pickles, else what it says."""
    if isinstance(error, DtedaskError):
        with contextlib.suppress(Exception):
            pickle.loads(pickle.dumps(error))
            return error
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = "".join(f" ({frame.filename}:{frame.lineno})" for frame in last)
    return ClusterError(f"The process of the cluster failed: {type(error).__name__}: {error}{place}")
