"""Rechunk: make the time series of complete runs, beside whoever writes, and go on where it was broken off."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from dtedask.core.sizes import size_text
from dtedask.plugins import run_after_commit
from dtedask.request import Request
from dtedask.store.attempts import Work
from dtedask.store.execute import Execution
from dtedask.store.layouts import Packs
from dtedask.store.repository import BRANCH, cached_snapshot
from dtedask.store.series.array import STEP
from dtedask.store.series.build import BuildTask, Built, build, memory_of
from dtedask.store.series.plan import BASE_BYTES, VariablePlan, has_steps, plan_variable, run_of
from dtedask.store.series.publish import SeriesTransaction
from dtedask.store.upkeep.registry import registered

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.core.commit import Commit
    from dtedask.store.location import Location
    from dtedask.store.reader import Reader
    from dtedask.store.selection import Selection
    from dtedask.store.series.array import Block
    from dtedask.store.transaction import Options

logger = logging.getLogger(__name__)
_PORTION_BYTES = 2**30
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Rechunk:
    """What a rechunk made, or would make.

    Parameters
    ----------
    request : Request
        What was asked for.
    is_done : bool
        Whether it happened; False for a dry run.
    fields : int
        Number of fields that stand in time series now, too.
    runs : int
        Number of reference times that they are of.
    chunks : int
        Number of Zarr chunks that were written: one for each run, member and level of a variable.
    size_bytes : int
        Stored bytes of these; of a dry run the decoded bytes.
    there : int
        Number of fields whose time series existed already.
    incomplete : int
        Number of fields of runs that lack steps, of which nothing was made.
    stepless : int
        Number of fields of variables that have no or but one step.
    changed : int
        Number of fields that others wrote again and again meanwhile; the same again does them.
    memory_bytes : int
        What a process needs at most.
    commits : tuple of Commit
        What made them visible.
    """

    request: Request
    is_done: bool
    fields: int
    runs: int
    chunks: int
    size_bytes: int
    there: int = 0
    incomplete: int = 0
    stepless: int = 0
    changed: int = 0
    memory_bytes: int = 0
    commits: tuple[Commit, ...] = ()

    def __repr__(self) -> str:
        return f"<Rechunk {self}>"

    def __str__(self) -> str:
        verb = "made" if self.is_done else "would make"
        left = {"there already": self.there, "of incomplete runs": self.incomplete, "without steps": self.stepless}
        left["changed meanwhile"] = self.changed
        rest = "".join(f", {count:,} {what}" for what, count in left.items() if count)
        made = f"{verb} time series of {self.fields:,} fields of {self.runs:,} runs"
        return f"{made}, {self.chunks:,} chunks, {size_text(self.size_bytes)}{rest}"

    def _repr_html_(self) -> str:
        from dtedask.store.html import table_html

        rows = [{"": name, " ": str(value)} for name, value in self.to_dict().items()]
        return table_html(f"Rechunk of {self.request or 'everything'}", rows)

    def to_dict(self) -> dict[str, object]:
        """Everything about it, ready for JSON."""
        names = ("fields", "runs", "chunks", "size_bytes", "there", "incomplete", "stepless", "changed", "memory_bytes")
        return {
            "request": str(self.request),
            "layout": "series",
            "done": self.is_done,
            **{name: getattr(self, name) for name in names},
            "snapshots": [commit.snapshot for commit in self.commits],
        }


@dataclass
class Rechunker:
    """Makes the time series of a request.

    Parameters
    ----------
    location : Location
        The root.
    options : Options
        Of its transactions.
    reader : callable
        Gives a handle that sees the newest commits.
    request : Request
        Which runs; the steps that it names are those that a run must have.
    memory : int
        Bytes that a process may take.
    client : distributed.Client, optional
        Run on its workers; None for this process.
    rebuild : bool
        Whether to make those again that exist.
    """

    location: Location
    options: Options
    reader: Callable[[], Reader]
    request: Request
    memory: int
    client: Client | None = None
    rebuild: bool = False
    failures: list[Exception] = field(default_factory=list)

    def plan(self) -> tuple[list[VariablePlan], Rechunk]:
        """What would be made of the newest commits."""
        runs, wanted = self.request.without(STEP), Request({})
        if self.request.named(STEP):
            wanted = Request({STEP: list(self.request.named(STEP))}, language=self.request.language)
        found = list(self.reader().select(runs, verb="retrieve"))
        stepped = [one for one in found if has_steps(one)]
        plans = _each_once(plan_variable(one, wanted, self.memory, rebuild=self.rebuild) for one in stepped)
        return plans, self._survey(plans, [one for one in found if not has_steps(one)])

    def run(self) -> Rechunk:
        """Make them, in commits of bounded size.

        What is broken off leaves behind what was committed; the same again makes the rest.
        """
        cubes = sorted({plan.selection.snapshot.cube for plan in self.plan()[0]})
        total = _Total()
        with ExitStack() as stack:
            for cube in cubes:  # what is written and not yet referred to is no garbage
                stack.enter_context(registered(self.location, cube))
            for number in range(_ROUNDS):
                plans, said = self.plan()
                total.first = total.first or said
                tasks = [task for plan in plans for task in plan.tasks(self.location)]
                refused = sum(self._portion(part, total) for part in _portions(tasks, self._execution.width))
                if not refused:
                    break
                logger.info("%d fields changed while their time series were made; round %d", refused, number + 2)
                self.rebuild = False
        return total.result(self.request, refused if tasks else 0)

    def _survey(self, plans: Sequence[VariablePlan], stepless: Sequence[Selection]) -> Rechunk:
        fields = sum(len(one.steps) for plan in plans for one in plan.blocks)
        return Rechunk(
            request=self.request,
            is_done=False,
            fields=fields,
            runs=len({run for plan in plans for run in plan.runs}),
            chunks=sum(len(plan.blocks) for plan in plans),
            size_bytes=sum(len(one.steps) * plan.series.field_bytes for plan in plans for one in plan.blocks),
            there=sum(plan.there for plan in plans),
            incomplete=sum(plan.incomplete for plan in plans),
            stepless=sum(len(one.slots) for one in stepless),
            memory_bytes=max((BASE_BYTES + memory_of(plan.series) for plan in plans if plan.blocks), default=0),
        )

    def _portion(self, tasks: Sequence[BuildTask], total: _Total) -> int:
        """Make and publish some blocks; returns how many fields were refused since others changed them."""
        built = self._build(tasks)
        refused = 0
        for cube in sorted({one.task.cube for one in built}):
            part = [one for one in built if one.task.cube == cube]
            transaction = SeriesTransaction(
                location=self.location, cube=cube, options=self.options, built=part, replaces=self.rebuild
            )
            commit = transaction.run()
            if commit is not None:
                total.add(commit, transaction.accepted)
                logger.info("%s of %s", commit.message, commit.url)
                self.failures += run_after_commit(commit) if self.options.branch == BRANCH else []
            refused += sum(len(one.plan.steps) for one in part if one not in transaction.accepted)
        return refused

    def _build(self, tasks: Sequence[BuildTask]) -> list[Built]:
        # The tasks of this process run one after the other: each decodes with all cores.
        work = Work(
            "rechunk",
            partial(_build, syncs=self.client is not None and self.options.durable),
            memory=lambda tasks: max(memory_of(task.series) for task in tasks),
            about=str,
        )
        return [one for found in self._execution.do(work, [(task,) for task in tasks]) for one in found]

    @property
    def _execution(self) -> Execution:
        return Execution(client=self.client, threads=1)


def _build(tasks: Sequence[BuildTask], *, syncs: bool) -> list[Built]:
    """Make the blocks of some tasks; a task of its own."""
    return [one for task in tasks for one in build(task, Packs(task.location, task.cube), syncs=syncs)]


@dataclass
class _Total:
    """What the portions made together."""

    first: Rechunk | None = None
    commits: list[Commit] = field(default_factory=list)
    runs: set[str] = field(default_factory=set)
    fields: int = 0
    chunks: int = 0
    size_bytes: int = 0

    def add(self, commit: Commit, built: Iterable[Built]) -> None:
        self.commits.append(commit)
        for one in built:
            self.runs.add(_run_of(one))
            self.fields += len(one.plan.steps)
            self.chunks += 1
            self.size_bytes += one.size_bytes

    def result(self, request: Request, changed: int) -> Rechunk:
        said = self.first or Rechunk(request, False, 0, 0, 0, 0)
        return replace(
            said,
            is_done=True,
            fields=self.fields,
            runs=len(self.runs),
            chunks=self.chunks,
            size_bytes=self.size_bytes,
            changed=changed,
            commits=tuple(self.commits),
        )


def _each_once(plans: Iterable[VariablePlan]) -> list[VariablePlan]:
    """Plans without blocks that stand in one before: fields may be selected under several keys."""
    seen: set[tuple[str, str, Block]] = set()
    found = []
    for plan in plans:
        place = (plan.selection.snapshot.cube, plan.series.path)
        new = tuple(one for one in plan.blocks if (*place, one.block) not in seen)
        seen.update((*place, one.block) for one in new)
        found.append(replace(plan, blocks=new))
    return found


def _run_of(built: Built) -> str:
    """Cube and reference time of a block."""
    task = built.task
    group = cached_snapshot(task.location, task.cube, task.snapshot).group(task.group)
    return run_of(task.cube, group, task.series.dims, built.plan.block)


def _portions(tasks: Iterable[BuildTask], width: int) -> Iterator[list[BuildTask]]:
    """Tasks that are published together: about a gigabyte of fields, or a task for each thread."""
    part: list[BuildTask] = []
    for task in tasks:
        part.append(task)
        if len(part) >= width and sum(one.size_bytes for one in part) >= _PORTION_BYTES:
            yield part
            part = []
    if part:
        yield part
