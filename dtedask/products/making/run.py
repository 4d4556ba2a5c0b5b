"""Make products: every value once, the most urgent first, each finished as soon as it is there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from dtedask.core.cores import cores
from dtedask.core.errors import ProductError
from dtedask.core.settings import setting
from dtedask.core.stages import stage
from dtedask.products.finishing.outcome import Outcome
from dtedask.products.making.counts import counts_of
from dtedask.products.making.made import Made
from dtedask.products.making.report import Report
from dtedask.products.making.threads import Threads
from dtedask.products.making.units import units_of
from dtedask.products.making.waves import Wave, waves_of
from dtedask.products.making.work import Retry
from dtedask.products.making.workers import Workers

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.products.making.finisher import Finish
    from dtedask.products.making.progress import Making
    from dtedask.products.planning.make import Make

__all__ = ["make"]

logger = logging.getLogger(__name__)
_FINISHERS = 8  # they wait for disks and servers most of the time
_NO_LIMIT = 2**62


class Planned(Protocol):
    """What is made: `ProductPlan`, or anything that has what is to be made."""

    @property
    def makes(self) -> Sequence[Make]:
        """All of it."""


def make(
    plan: Planned,
    *,
    finish: Finish,
    client: Client | None = None,
    threads: int | None = None,
    on_progress: Callable[[Making], None] | None = None,
    memory_bytes: int | None = None,
    retries: int | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Made:
    """Make the products of a plan.

    Parameters
    ----------
    plan : ProductPlan
        What to make.
    finish : callable
        Called with a `Make` and its parts as soon as these are there, from several threads; says what became of each
        product at each place.
    client : distributed.Client, optional
        Compute on its workers; products are finished here all the same.
    threads : int, optional
        Threads of this process that compute; by default as many as cores.
    on_progress : callable, optional
        Hears how far it is.
    memory_bytes : int, optional
        What values may take together; by default half of what this machine has, or all workers. Products that take
        more are made in parts, and fields that several parts need are read for each.
    retries : int, optional
        How often a field is read again where what went wrong may pass; by default the setting ``dtedask.jobs.retries``.
    stop : callable, optional
        Asked now and then; once it says True nothing more is begun, and what has begun is finished.

    Returns
    -------
    Made
        What became of each product. Those that failed are named in it; nothing is raised for them.
    """
    makes = sorted(plan.makes, key=lambda one: one.urgency)
    report = Report(makes, on_progress)
    retry = Retry(setting("jobs.retries") if retries is None else retries)
    runner = _runner(client, threads, stop)
    limit = memory_bytes or runner.memory_bytes() or _NO_LIMIT
    with stage("products", detail=f"{len(makes)} products"):
        _refuse_empty(makes, report)
        waves = list(waves_of([one for one in makes if one.nodes], partial(units_of, retry=retry), limit))
        tasks = sum(len(wave.units) for wave in waves)
        logger.info("Making %d contents of products in %d tasks and %d parts", len(makes), tasks, len(waves))
        for wave in waves:
            report.planned(wave.units)
        for wave in waves:
            if not stop():
                _make_wave(wave, runner, report, finish, limit)
    made = report.made()
    logger.info("Made products: %r", made)
    return made


def _refuse_empty(makes: Sequence[Make], report: Report) -> None:
    for one in makes:
        if not one.nodes:
            error = ProductError(
                f"{one.products[0].id} holds no field.", hint="Look at the request of its requirement."
            )
            report.product_done(one, [Outcome(product, "", error=error) for product in one.products])


def _make_wave(wave: Wave, runner: Threads | Workers, report: Report, finish: Finish, limit: int) -> None:
    if wave.error is not None:
        for one in wave.makes:
            report.product_done(one, [Outcome(product, "", error=wave.error) for product in one.products])
        return
    most = runner.run(wave.units, wave.makes, report, finish, limit)
    report.counted(counts_of(wave.units, wave.makes, most))


def _runner(client: Client | None, threads: int | None, stop: Callable[[], bool]) -> Threads | Workers:
    if client is not None:
        return Workers(client, _FINISHERS, stop)
    return Threads(threads or cores(), _FINISHERS, stop)
