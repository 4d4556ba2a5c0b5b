"""Run a recipe."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dtedask.core.notebook import shown_progress
from dtedask.core.stages import stage, staged
from dtedask.recipe.demo import Arrived
from dtedask.recipe.plan import catalog_of, check_recipe, naming_input, unit_of
from dtedask.recipe.report.recorder import Outcome
from dtedask.recipe.report.recording import recorded
from dtedask.recipe.rolling import Rolled, roll
from dtedask.recipe.series import making_series

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.ingest import Progress, Summary
    from dtedask.pipeline.runs.summary import RunSummary
    from dtedask.products import Report as ProductReport
    from dtedask.recipe.demo import Arrival
    from dtedask.recipe.document import Recipe
    from dtedask.recipe.pipeline import Results
    from dtedask.recipe.products import Ordered
    from dtedask.recipe.report.recorder import Recorder
    from dtedask.store import Rechunk, Store

OnProgress = Callable[["Progress"], None]
OnUnit = Callable[["Summary"], None]
OnClient = Callable[["Client | None"], None]


@dataclass(frozen=True, slots=True)
class RunReport:
    """What running a recipe did.

    Parameters
    ----------
    recipe, root : str
        Its name, and where fields went.
    summary : Summary
        What was ingested.
    catalog : str, optional
        Catalog that holds the cubes now.
    series : tuple of Rechunk
        Time series that were made.
    rolled : Rolled, optional
        What was let go, where the archive is a rolling one.
    results : RunSummary, optional
        What the plan made of the commits, where there was something to do.
    products : dtedask.products.Report, optional
        What became of what is ordered.
    report : str, optional
        JSON file with the report of the run; a page of the same name stands beside it.
    """

    recipe: str
    root: str
    summary: Summary
    catalog: str | None
    series: tuple[Rechunk, ...] = ()
    rolled: Rolled | None = None
    report: str | None = None
    results: RunSummary | None = None
    products: ProductReport | None = None


def run_recipe(
    recipe: Recipe,
    *,
    cluster: str | None = None,
    on_progress: OnProgress | None = None,
    on_unit: OnUnit | None = None,
    on_client: OnClient | None = None,
    stop: threading.Event | None = None,
    report: str | os.PathLike[str] | None = None,
    performance_report: str | os.PathLike[str] | None = None,
) -> RunReport:
    """Run a recipe: ingest its input, tell its listeners, make its series, its plan and its products, keep its catalog.

    Commits that were made before and never announced are announced first.

    Parameters
    ----------
    recipe : Recipe
        What to run.
    cluster : str, optional
        Profile to run on instead of its own.
    on_progress : callable, optional
        Hears how far the ingest of files has come; without it, a notebook shows a bar.
    on_unit : callable, optional
        Hears of each step of a made forecast and each file of a watched folder, after its commits.
    on_client : callable, optional
        Hears of the client whose workers do the work, or None for threads, before the work begins; None at its end.
    stop : threading.Event, optional
        Ends the watching of a folder, and a made forecast after the step that is under way.
    report : str or path, optional
        Folder for the run report, which is written however the run ends; by default what the recipe or the setting
        ``dtedask.recipe.report-folder`` names, else ``runs`` beside the catalog, else none is written.
    performance_report : str or path, optional
        File for Dask's own performance report of the cluster.

    Returns
    -------
    RunReport
        What was done.

    Raises
    ------
    DocumentError
        If input is missing.
    SettingError
        If there is no such profile.
    GribError, FieldError, StoreError, PlanError
        As `dtedask.ingest.ingest`.
    """
    from dtedask.cluster.watching.performance import performance_report as performance_of
    from dtedask.store import open as open_store

    check_recipe(recipe, cluster=cluster)
    store = open_store(recipe.root, schema=recipe.store_schema)
    with shown_progress(on_progress) as told, recorded(recipe, cluster, store.roots, report) as recording:
        hears = _Hears(told or _ignore, on_unit or _ignore, on_client or _ignore)
        with (
            _surroundings(recipe, store, cluster) as client,
            recording.recorder.watching(client),
            performance_of(client, performance_report),
            naming_input(recipe),
        ):
            hears.client(client)
            try:
                done = _Run(recipe, store, client, hears, stop or threading.Event(), recording.recorder).run()
            finally:
                hears.client(None)
        recording.outcome = Outcome(
            done.summary,
            tuple(map(str, done.series)),
            str(done.rolled or ""),
            str(done.results or ""),
            str(done.products or ""),
        )
    return replace(done, report=str(recording.written.path) if recording.written else None)


@contextmanager
def _surroundings(recipe: Recipe, store: Store, cluster: str | None) -> Iterator[Client | None]:
    """Have catalog, listeners and workers in place; announce what was missed."""
    import dask.config

    from dtedask.cluster import client_for
    from dtedask.notify import Listeners, catch_up, listening

    with ExitStack() as stack:
        stack.enter_context(dask.config.set(_catalog_settings(recipe)))
        if recipe.listeners:
            stack.enter_context(listening(Listeners(listeners=recipe.listeners)))
        for root in store.roots:
            catch_up(root)
        yield stack.enter_context(staged("cluster", client_for(cluster or recipe.cluster)))


def _catalog_settings(recipe: Recipe) -> dict[str, Any]:
    from dtedask.core.settings import setting

    if isinstance(recipe.catalog, str):
        return {"dtedask.catalog.path": recipe.catalog}
    return {} if recipe.catalog else {"dtedask.plugins.disable": [*setting("plugins.disable"), "catalog"]}


def _complete_catalog(recipe: Recipe, store: Store) -> str | None:
    """Enter what stood in the root before, too."""
    from dtedask.catalog import update_catalog
    from dtedask.core.errors import NotFoundError

    if catalog_of(recipe) is None:
        return None
    try:
        with stage("catalog"):
            return str(update_catalog(store, catalog_of(recipe)))
    except NotFoundError:  # nothing came, so there is no root
        return None


def _ignore(_told: Any) -> None:
    pass


@dataclass(frozen=True)
class _Hears:
    """Who hears of what."""

    progress: OnProgress
    unit: OnUnit
    client: OnClient


@dataclass
class _Run:
    recipe: Recipe
    store: Store
    client: Client | None
    hears: _Hears
    stop: threading.Event
    recorder: Recorder
    rolled: Rolled | None = None
    arrived: Arrived | None = None
    results: Results | None = None
    ordered: Ordered | None = None

    def run(self) -> RunReport:
        recipe, store = self.recipe, self.store
        made = products = None
        with making_series(recipe, self.client) as series, self._pipeline(), self._orders():
            summary = self.ingest()
            if self.results is not None:
                made = self.results.finish()
            if self.ordered is not None:
                products = self.ordered.finish()
        catalog = _complete_catalog(recipe, store)
        return RunReport(
            recipe.name, store.root, summary, catalog, tuple(series), self.rolled, results=made, products=products
        )

    @contextmanager
    def _orders(self) -> Iterator[None]:
        """Have what is ordered at hand, if there is anything."""
        if self.recipe.products is None:
            yield
            return
        from dtedask.recipe.products import Ordered

        self.ordered = Ordered(self.recipe, self.client)
        try:
            yield
        finally:
            self.ordered.close()

    @contextmanager
    def _pipeline(self) -> Iterator[None]:
        """Have the plan at work, if there is one."""
        if self.recipe.pipeline is None:
            yield
            return
        from dtedask.recipe.pipeline import Results

        self.results = Results(self.recipe, self.client)
        try:
            yield
        finally:
            self.results.close()

    def ingest(self) -> Summary:
        if self.recipe.input.demo is not None:
            return self._demo()
        if self.recipe.input.watch:
            return self._watch()
        summary = self._files()
        if self.results is not None:
            self.results.catch_up()
        self._roll(summary)
        return summary

    def _unit_came(self, summary: Summary) -> None:
        """Roll as fields come, and tell of it."""
        if self.results is not None:
            self.results.catch_up()
        if self.ordered is not None and summary.commits:
            self.ordered.catch_up(summary.commits, stop=self.stop)
        self._roll(summary)
        self.recorder.unit_came(summary)
        self.hears.unit(summary)

    def _progress(self, now: Progress) -> None:
        self.recorder.progress(now)
        self.hears.progress(now)

    def _roll(self, summary: Summary) -> None:
        keep = self.recipe.keep
        if keep is not None:
            found = roll(self.store, keep, (commit.cube for commit in summary.commits))
            self.rolled = found if self.rolled is None else self.rolled + found

    def _files(self) -> Summary:
        from dtedask.ingest import ingest

        given = self.recipe.input
        return ingest(given.files, self.store, on_progress=self._progress, again=given.again, **self._options)

    def _watch(self) -> Summary:
        from dtedask.ingest import watch

        return watch(self.recipe.input.files[0], self.store, stop=self.stop, on_event=self._unit_came, **self._options)

    @property
    def _options(self) -> dict[str, Any]:
        """What an ingest and a watch are told alike."""
        recipe = self.recipe
        return {
            "unit": unit_of(recipe),
            "on_error": recipe.input.on_error,
            "client": self.client,
            "refers": recipe.is_virtual,
        }

    def _demo(self) -> Summary:
        from dtedask.ingest import Summary

        assert self.recipe.input.demo is not None
        self.arrived = None if self.recipe.input.again else Arrived(self.store)
        total = Summary()
        for arrival in self.recipe.input.demo.arrivals():
            if self.stop.is_set():
                break
            found = self._arrive(arrival)
            self._unit_came(found)
            total += found
        return total

    def _arrive(self, arrival: Arrival) -> Summary:
        """Commit one step, as soon as it is there."""
        from dtedask.ingest import Summary
        from dtedask.store import Execution

        if self.arrived is not None and self.arrived.has(arrival):
            return Summary(unchanged=arrival.fields, known=arrival.fields, files=1)
        begin = time.perf_counter()
        with stage("survey", detail=arrival.name):
            data = arrival.data
            self.store.archive(data)
        message = f"{self.recipe.name}: step {arrival.step}"
        commits = self.store.flush(message, sources=(arrival.source,), execution=Execution(client=self.client))
        return Summary(
            new=sum(commit.new for commit in commits),
            replaced=sum(commit.replaced for commit in commits),
            unchanged=self.store.unchanged,
            files=1,
            bytes=len(data),
            seconds=time.perf_counter() - begin,
            commits=tuple(commits),
            hook_failures=tuple(self.store.hook_failures),
            units=1,
        )
