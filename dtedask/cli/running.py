"""What runs around an ingest: the cluster, listeners, missed notices, progress and signals."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any

from dtedask.cli.console import say
from dtedask.cli.progress import Display, progress

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.ingest import Summary
    from dtedask.store import Store


def run_ingest(
    sources: Sequence[str],
    store: Store,
    listeners: Sequence[str],
    cluster: str | None,
    *,
    as_json: bool,
    performance: str | None = None,
    **options: Any,
) -> Summary:
    """Ingest files with everything around it."""
    from dtedask.cluster.watching.performance import performance_report
    from dtedask.ingest import ingest

    with (
        interrupted_by_sigterm(),
        listeners_on_stderr(wanted=as_json),
        progress() as display,
        surroundings(store, listeners, cluster, display) as client,
        performance_report(client, performance),
    ):
        return ingest(list(sources), store, client=client, on_progress=display.on_progress, **options)


def run_watch(
    folder: str,
    store: Store,
    listeners: Sequence[str],
    cluster: str | None,
    *,
    as_json: bool,
    performance: str | None = None,
    **options: Any,
) -> Summary:
    """Ingest what appears in a folder until a signal comes; the commit that is under way is finished."""
    from dtedask.cluster.watching.performance import performance_report
    from dtedask.ingest import watch

    with (
        listeners_on_stderr(wanted=as_json),
        progress(is_live=False) as display,
        surroundings(store, listeners, cluster, display) as client,
        performance_report(client, performance),
        stop_on_signal() as stop,
    ):
        say(f"Watching {folder}; Ctrl-C ends it.")
        return watch(folder, store, stop=stop, on_event=lambda unit: say(str(unit)), client=client, **options)


@contextmanager
def surroundings(
    store: Store, listeners: Sequence[str], cluster: str | None, display: Display
) -> Iterator[Client | None]:
    """Start the cluster and the listeners, and announce what was committed and never announced."""
    from dtedask.cluster import client_for
    from dtedask.notify import catch_up, listening

    with ExitStack() as stack:
        for file in listeners:
            stack.enter_context(listening(file))
        for root in store.roots:
            catch_up(root)
        yield stack.enter_context(display.cluster(client_for(cluster)))


@contextmanager
def listeners_on_stderr(*, wanted: bool) -> Iterator[None]:
    """Send what listeners write to standard error, where standard output is to hold JSON only."""
    with redirect_stdout(sys.stderr) if wanted else nullcontext():
        yield


@contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """Let SIGTERM, and a terminal that goes away, interrupt as Ctrl-C does: jobs are cancelled, a report is written."""

    def interrupt(_number: int, _frame: object) -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)  # a second one must not cut short what the first began
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # else `nohup` wants it to be ignored
        numbers.append(signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def stop_on_signal(what: str = "commit that is under way") -> Iterator[threading.Event]:
    """Set an event at the first SIGINT or SIGTERM; the second SIGINT interrupts at once."""
    stop = threading.Event()
    told = f"Stopping after the {what}; Ctrl-C again stops at once.\n".encode()

    def on_signal(_number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        # Past Python's buffers: the signal may have come while this thread was writing to one, which then refuses us.
        with suppress(OSError, ValueError):
            os.write(sys.stderr.fileno(), told)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
