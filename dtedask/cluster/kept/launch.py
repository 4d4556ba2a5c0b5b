"""Start a cluster that keeps running when this process ends."""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from dtedask.cluster.documents.profiles import Profile
from dtedask.cluster.documents.profiles import profile as profile_named
from dtedask.cluster.kept.names import check_name
from dtedask.cluster.kept.order import Order, Report, with_workers
from dtedask.cluster.kept.process import keep
from dtedask.core.errors import ClusterError, SettingError

if TYPE_CHECKING:
    from collections.abc import Callable


PROCESS = (sys.executable, "-c", "from dtedask.cluster.kept.process import main; main()")
"""What runs as a process of its own; the name of the cluster stands behind it, for people who look at processes."""


def order_for(
    profile: str | Profile,
    *,
    name: str | None = None,
    minimum: int | None = None,
    maximum: int | None = None,
    idle_s: float | None = None,
) -> Order:
    """Say what is to be started, and check it.

    Parameters
    ----------
    profile : str or Profile
        What the cluster consists of.
    name : str, optional
        Its name; by default that of the profile.
    minimum, maximum : int, optional
        Another number of workers than that of the profile: fixed if both are the same.
    idle_s : float, optional
        End it when nobody used it for so many seconds.

    Raises
    ------
    SettingError
        If there is no such profile, it starts no cluster, or the name or the numbers are none.
    """
    import dask.config

    chosen = profile if isinstance(profile, Profile) else profile_named(profile)
    if chosen.kind == "threads":
        raise SettingError(
            f"The profile {chosen.name!r} is of kind 'threads': there is no cluster that could be kept.",
            hint="Name one of another kind; `dtedask cluster list` shows them.",
        )
    check_name(name or chosen.name)
    return Order(name or chosen.name, _with_workers(chosen, minimum, maximum), idle_s, dict(dask.config.config))


def start(order: Order) -> None:
    """Start a process of its own that keeps a cluster; return once its scheduler answers.

    Raises
    ------
    ClusterError
        If a cluster of that name runs, or this one cannot be started; nothing of it stays.
    DtedaskError
        Whatever the start raised in that process.
    """
    with tempfile.TemporaryFile() as errors:
        done = subprocess.run(
            [*PROCESS, order.name],
            input=pickle.dumps(order),
            stdout=subprocess.PIPE,
            stderr=errors,
            check=False,
        )
        if not done.stdout:
            errors.seek(0)
            raise ClusterError(
                f"The process of the cluster {order.name!r} ended without a word.",
                hint=errors.read().decode(errors="replace").strip()[-2000:],
            )
    report: Report = pickle.loads(done.stdout)
    if report.error is not None:
        raise report.error


def start_here(order: Order, ready: Callable[[], None]) -> None:
    """Keep a cluster in this process until its end; `ready` is called once its scheduler answers."""
    keep(order, lambda _report: ready())


def _with_workers(profile: Profile, minimum: int | None, maximum: int | None) -> Profile:
    if minimum is None and maximum is None:
        return profile
    fewest = minimum if minimum is not None else min(profile.workers, maximum or 0)
    most = maximum if maximum is not None else max(profile.workers_maximum or profile.workers, fewest)
    check_workers(fewest, most)
    return with_workers(profile, fewest, most)


def check_workers(minimum: int, maximum: int) -> None:
    """Refuse numbers of workers that are none."""
    if not 0 <= minimum <= maximum:
        raise SettingError(
            f"There cannot be {minimum} to {maximum} workers.", hint="Name a minimum of 0 or more and a larger maximum."
        )
