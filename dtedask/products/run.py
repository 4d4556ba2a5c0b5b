"""Requirements, what they are made of, and where it goes: the one object that users hold."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dtedask.core.errors import ProductError
from dtedask.core.stages import stage
from dtedask.products.deliveries.places import output_of
from dtedask.products.finishing.finishing import Finishing
from dtedask.products.ledger.known import Known
from dtedask.products.ledger.ledger import FILE_NAME, Ledger
from dtedask.products.ledger.place import state_folder
from dtedask.products.making.run import make
from dtedask.products.planning.inventory import Inventory
from dtedask.products.planning.plan import ProductPlan, plan
from dtedask.products.report import Report
from dtedask.products.requirement import Cycle
from dtedask.products.requirements import Requirements, load_requirements
from dtedask.store import Progress

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.products.finishing.outcome import Outcome
    from dtedask.products.live.notes import Note
    from dtedask.products.live.run import Followed, Reload
    from dtedask.products.making.made import Made
    from dtedask.products.making.progress import Making
    from dtedask.products.planning.explanation import Explanation
    from dtedask.products.planning.make import Make
    from dtedask.products.product import Product
    from dtedask.products.requirement import Requirement
    from dtedask.products.status import Status

__all__ = ["Products"]

Names = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
Cycles = Iterable[str | datetime | Cycle] | None


class Products:
    """Products of requirements: what they are, what they need, what became of them.

    Parameters
    ----------
    requirements : Requirements
        What was ordered.
    inputs : sequence of str
        Where fields come from: roots, cubes, GRIB files, patterns, folders.
    output : str
        Folder or URL for products of requirements that name no delivery; "" for none.
    state : str or path, optional
        Folder in which it is kept what was made and delivered; by default beside the output.

    Examples
    --------
    >>> from dtedask.products import Products
    >>> with Products.open("requirements.yaml", "data", output="out") as products:  # doctest: +SKIP
    ...     products.explain()
    ...     products.run()
    """

    def __init__(
        self,
        requirements: Requirements,
        inputs: Sequence[str],
        *,
        output: str = "",
        state: str | os.PathLike[str] | None = None,
    ) -> None:
        self.requirements = requirements
        self.inputs = tuple(inputs)
        self.output = output
        self._place = output_of(output) if output else None
        self._folder = state if state is not None else state_folder(output)
        self._wanted: tuple[Requirement, ...] = tuple(requirements.valid)
        self._inventory: Inventory | None = None
        self._ledger: Ledger | None = None

    @classmethod
    def open(
        cls, requirements: Names | Any, inputs: Names, *, output: str = "", state: str | os.PathLike[str] | None = None
    ) -> Products:
        """Read requirements, and say what they are made of.

        Parameters
        ----------
        requirements : str, path, mapping, or iterable of them
            Files, patterns, folders, or documents.
        inputs : str, path, or iterable of them
            Where fields come from.
        output, state
            As of the class.

        Raises
        ------
        DocumentError
            If a file of requirements cannot be read. A requirement that is wrong is in `requirements.broken`.
        """
        names = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
        return cls(load_requirements(requirements), [os.fspath(one) for one in names], output=output, state=state)

    def only(self, *, owners: Sequence[str] = (), names: Sequence[str] = ()) -> Products:
        """The same, of some owners and of requirements with some names (``*`` is any text) only.

        Raises
        ------
        ProductError
            If there is no requirement of one of them.
        """
        for what, given, known in (
            ("owner", owners, {one.owner for one in self.requirements.valid}),
            ("requirement", names, {one.name for one in self.requirements.valid}),
        ):
            for one in given:
                if not any(fnmatchcase(name, one) for name in known):
                    raise ProductError(
                        f"There is no {what} {one!r}.", hint=f"There are: {', '.join(sorted(known)) or 'none'}."
                    )
        self._wanted = tuple(
            one
            for one in self.requirements.valid
            if (not owners or any(fnmatchcase(one.owner, owner) for owner in owners))
            and (not names or any(fnmatchcase(one.name, name) for name in names))
        )
        return self

    @property
    def wanted(self) -> tuple[Requirement, ...]:
        """Requirements that are correct, of the owners and names that were asked for."""
        return self._wanted

    @property
    def ledger(self) -> Ledger:
        """What is known of what was made and delivered."""
        if self._ledger is None:
            self._ledger = Ledger(self._folder)
        return self._ledger

    @property
    def inventory(self) -> Inventory:
        """Fields that exist, as they were when they were first asked for."""
        if self._inventory is None:
            self._inventory = Inventory.open(self.inputs)
        return self._inventory

    def refresh(self) -> None:
        """Look at the inputs anew."""
        self._inventory = None

    def plan(self, cycles: Cycles = None, *, now: datetime | None = None) -> ProductPlan:
        """Plan what is ordered and not delivered yet; nothing is read but which fields exist.

        Parameters
        ----------
        cycles : iterable of str, datetime or Cycle, optional
            Base times of runs, such as ``20240603T00``; all that there are by default.
        now : datetime, optional
            The time, UTC.
        """
        return plan(
            self._wanted,
            self.inventory,
            cycles_of(cycles),
            ledger=self._known(),
            output=self._place,
            now=now or datetime.now(UTC),
        )

    def explain(self, cycles: Cycles = None) -> Explanation:
        """Say what a run would do: fields, bytes, work, what sharing saves, how long, what is missing."""
        from dtedask.products.planning.explain import explain

        return explain(self.plan(cycles))

    def list(self, cycles: Cycles = None) -> tuple[Product, ...]:
        """All products that can be named, made or not, the most urgent first."""
        return self.plan(cycles).named

    def run(
        self,
        cycles: Cycles = None,
        *,
        client: Client | None = None,
        threads: int | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        stop: threading.Event | None = None,
    ) -> Report:
        """Make and deliver what is ordered and not delivered yet.

        Parameters
        ----------
        cycles : iterable of str, datetime or Cycle, optional
            Base times of runs; all that there are by default.
        client : distributed.Client, optional
            Compute on its workers; by default in threads of this process.
        threads : int, optional
            How many threads.
        on_progress : callable, optional
            Hears how many products are done.
        stop : threading.Event, optional
            Once it is set no other product is begun.

        Returns
        -------
        Report
            What became of each product; nothing is raised for products that failed.
        """
        begin = time.perf_counter()
        with stage("survey", detail="products"):
            planned = self.plan(cycles)
        with Finishing(self.ledger, output=self._place) as finishing:
            finishing.recover()
            self._note(planned)
            early, makes = _delivered_early(planned, finishing)
            made = make(
                replace(planned, makes=makes),
                finish=finishing,
                client=client,
                threads=threads,
                on_progress=_told(on_progress),
                stop=(lambda: False) if stop is None else stop.is_set,
            )
        self._note_failures(planned, made)
        return report_of(planned, made, early, time.perf_counter() - begin)

    def follow(
        self,
        *,
        client: Client | None = None,
        threads: int | None = None,
        idle_s: float | None = None,
        stop: threading.Event | None = None,
        reload: Reload | None = None,
        on_event: Callable[[Note], None] = lambda _: None,
    ) -> Followed:
        """Make and deliver products as fields are committed, each when the last of its inputs is there.

        Parameters
        ----------
        client, threads
            As of `run`.
        idle_s : float, optional
            Ends it after so many seconds in which nothing came and nothing was made; by default it goes on.
        stop : threading.Event, optional
            Ends it when it is set, between products.
        reload : callable, optional
            Asked about once a second: gives requirements if they have changed, else None.
        on_event : callable
            Hears of everything that people may want to know.

        Returns
        -------
        Followed
            What was done.

        Raises
        ------
        LockedError
            If another process does this with the same state folder.
        """
        from dtedask.products.live.run import follow

        with Finishing(self.ledger, output=self._place) as finishing:
            return follow(
                self._wanted,
                self.inputs,
                finishing=finishing,
                make=partial(make, client=client, threads=threads),
                idle_s=idle_s,
                stop=stop,
                reload=reload,
                on_event=on_event,
            )

    def status(self, cycles: Cycles = None, *, states: Sequence[str] = (), now: datetime | None = None) -> Status:
        """Say of each product what became of it: delivered, waiting for which input, late and why, failed."""
        from dtedask.products.status import status

        return status(
            self._wanted,
            self.ledger,
            self.inventory,
            cycles=cycles_of(cycles),
            states=states,
            output=self._place,
            now=now or datetime.now(UTC),
        )

    def close(self) -> None:
        """Let go of what is open."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Products of {len(self._wanted)} requirements from {', '.join(self.inputs)}>"

    def _known(self) -> Known | None:
        """What was delivered; looking for it makes no ledger."""
        return Known(self.ledger) if (Path(self._folder) / FILE_NAME).exists() else None

    def _note(self, planned: ProductPlan) -> None:
        """Write down what is going to be made, and what waits."""
        now = planned.now
        self.ledger.planned(((product, make.digest) for make in planned.makes for product in make.products), now=now)
        self.ledger.waiting({one.product: one.missing for one in planned.waiting}, now=now)
        for one in planned.broken:
            if one.product is not None:
                self.ledger.failed(one.product, one.error, now=now)

    def _note_failures(self, planned: ProductPlan, made: Made) -> None:
        """Write down what could not be made; what could not be delivered is known."""
        digests = {product.id: make.digest for make in planned.makes for product in make.products}
        for one in made.failed:
            if not one.target and one.error is not None:
                self.ledger.failed(one.product, one.error, digest=digests[one.product.id])


def cycles_of(cycles: Cycles) -> tuple[Cycle, ...] | None:
    """Read base times of runs; None for all of them.

    Raises
    ------
    ProductError
        If one is no time.
    """
    return None if cycles is None else tuple(map(_cycle, cycles))


def _cycle(value: str | datetime | Cycle) -> Cycle:
    if isinstance(value, Cycle):
        return value
    try:
        time = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except ValueError as error:
        raise ProductError(
            f"{value!r} is no base time of a run.", hint="Write 20240603T00, 20240603T0000 or 2024-06-03T00:00."
        ) from error
    return Cycle((time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC))


def report_of(planned: ProductPlan, made: Made, early: Sequence[Outcome], seconds: float) -> Report:
    """What a run did."""
    return Report(
        outcomes=(*early, *made.outcomes),
        skipped=planned.skipped,
        waiting=planned.waiting,
        broken=planned.broken,
        left=tuple(product for one in made.left for product in one.products),
        fields_read=made.counts.read,
        fields_asked=made.counts.read_alone,
        seconds=seconds,
    )


def _delivered_early(planned: ProductPlan, finishing: Finishing) -> tuple[list[Outcome], tuple[Make, ...]]:
    """Deliver what was made before and did not get to where it goes; give what is still to be made."""
    outcomes, makes = [], []
    for one in planned.makes:
        found = finishing.finish_staged(one)
        if found is None:
            makes.append(one)
        else:
            outcomes += found
    return outcomes, tuple(makes)


def _told(on_progress: Callable[[Progress], None] | None) -> Callable[[Making], None] | None:
    """Tell of products what is told of fields elsewhere."""
    if on_progress is None:
        return None
    tell = on_progress

    def hear(now: Making) -> None:
        done = now.products_done + now.products_failed
        tell(Progress(done, now.products_total, 0, 0, now.seconds, "product"))

    return hear
