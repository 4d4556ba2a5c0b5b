"""Run a keeper beside a scheduler: submit, cancel and list jobs as it says, and tell it what happens."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from distributed import Scheduler
from distributed.diagnostics.plugin import SchedulerPlugin

from dtedask.cluster.folder import ClusterFolder
from dtedask.cluster.slurm import commands as slurm
from dtedask.cluster.slurm.adapting import Adapting
from dtedask.cluster.slurm.explain import explain_end
from dtedask.cluster.slurm.keeper import Keeper
from dtedask.cluster.slurm.keeper_events import (
    Ask,
    Came,
    Cancel,
    Event,
    Forget,
    GiveUp,
    Instruction,
    Listed,
    Note,
    NotListed,
    Refused,
    Submit,
    Submitted,
    Tick,
    Wanted,
    Went,
)
from dtedask.core.errors import ClusterError

logger = logging.getLogger(__name__)
_TICK_S = 0.5
_END_S = 20.0


class Keeping:
    """A keeper that runs in the event loop of a scheduler of this process.

    Parameters
    ----------
    scheduler : distributed.Scheduler
        Whose workers the jobs are.
    keeper : Keeper
        What to do.
    folder : ClusterFolder
        Where scripts stand.
    script_of : callable
        Gives the script of the job of a name.
    processes : int
        Workers of one job.
    log_folder : Path
        Where jobs write their logs.
    on_failure : callable
        Called in the event loop with the error when all is given up.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        keeper: Keeper,
        folder: ClusterFolder,
        *,
        script_of: Callable[[str], str],
        processes: int,
        log_folder: Path,
        on_failure: Callable[[ClusterError], Coroutine[Any, Any, None]],
    ) -> None:
        self.scheduler, self.keeper, self.folder = scheduler, keeper, folder
        self.processes = processes
        self.has_answer = asyncio.Event()
        """Set once SLURM took a job, or all was given up."""
        self._script_of, self._log_folder, self._on_failure = script_of, log_folder, on_failure
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._ids: dict[str, str] = {}
        self._submissions: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop_task: asyncio.Task[None] | None = None
        self._adapting: Adapting | None = None
        self._at_least = 0
        self._adapt_at = 0.0
        self._plugin = _Workers(self._came, self._went)

    def start(self, early: Sequence[Instruction], begun: Mapping[str, Future[Submitted | Refused]]) -> None:
        """Begin; call it in the event loop.

        Parameters
        ----------
        early : sequence of Instruction
            What the keeper has said already.
        begun : mapping of str to Future
            Jobs among it at which `submit_job` is at work, by name.
        """
        for instruction in early:
            if isinstance(instruction, Submit) and instruction.name in begun:
                self._submitting(instruction.name, begun[instruction.name])
            else:
                self._do(instruction)
        self.scheduler.add_plugin(self._plugin, name=self._plugin.name)
        self._loop_task = asyncio.create_task(self._run())

    def tell(self, event: Event) -> None:
        """Let the keeper know of an event; call it in the event loop."""
        self._events.put_nowait(event)

    def _came(self, worker: Any) -> None:
        self.tell(Came(self._job(worker)))

    def _went(self, worker: Any) -> None:
        self.tell(Went(self._job(worker)))

    def want(self, workers: int) -> None:
        """Keep a fixed number of workers from now on."""
        self._adapting = None
        self.tell(Wanted(self._jobs_for(workers)))

    def adapt(self, minimum: int, maximum: int) -> None:
        """Let the number of workers follow the work from now on."""
        import dask.config

        self._adapting = Adapting(minimum, maximum, dask.config.get("distributed.adaptive.wait-count"))
        self._adapting.current = max(minimum, min(maximum, len(self.scheduler.workers)))
        self.tell(Wanted(self._jobs_for(self._adapting.current)))

    def wait_for_one(self, is_waiting: bool) -> None:
        """Somebody waits for a worker, or does not any more: without work there may be none otherwise."""
        self._at_least = int(is_waiting)
        self._adapt_at = 0.0

    async def stop(self) -> None:
        """End all jobs, also those that are being submitted; takes a while at most."""
        if self._loop_task is not None:
            self._loop_task.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop_task
            self._loop_task = None
            with suppress(ValueError):
                self.scheduler.remove_plugin(self._plugin.name)
        if self._submissions:
            await asyncio.wait(self._submissions.values(), timeout=_END_S)
        for task in self._tasks - {asyncio.current_task()}:
            task.cancel()
        await asyncio.to_thread(end_jobs, self.folder, tuple(self._ids.values()))

    async def _run(self) -> None:
        while True:
            try:
                event = await asyncio.wait_for(self._events.get(), _TICK_S)
            except TimeoutError:
                event = Tick()
            try:
                for instruction in self.keeper.handle(event, time.monotonic()):
                    self._do(instruction)
                if self._adapting is not None and time.monotonic() >= self._adapt_at:
                    self._adapt(self._adapting)
            except Exception:  # jobs are kept as well as can be, whatever goes wrong with one of them
                logger.exception("the keeper of jobs failed at %s", event)

    def _do(self, instruction: Instruction) -> None:
        match instruction:
            case Note():
                logger.log(logging.WARNING if instruction.is_warning else logging.INFO, "%s", instruction.text)
            case Submit():
                self._submitting(instruction.name)
            case Cancel():
                self._spawn(self._cancel(instruction))
            case Ask():
                self._spawn(self._ask())
            case Forget():
                self._spawn(self._forget(instruction.name))
            case GiveUp():
                self._spawn(self._give_up(instruction))

    def _submitting(self, name: str, begun: Future[Submitted | Refused] | None = None) -> None:
        task = self._spawn(self._submit(name, begun))
        self._submissions[name] = task
        task.add_done_callback(lambda _task: self._submissions.pop(name, None))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("the keeper of jobs failed", exc_info=error)

    async def _submit(self, name: str, begun: Future[Submitted | Refused] | None = None) -> None:
        if begun is None:
            answer = await asyncio.to_thread(submit_job, self.folder, name, self._script_of)
        else:
            answer = await asyncio.wrap_future(begun)
        if isinstance(answer, Submitted):
            self._ids[name] = answer.id
            self.folder.update(jobs=dict(self._ids))
            self.has_answer.set()
        self.tell(answer)

    async def _cancel(self, instruction: Cancel) -> None:
        if instruction.retire:
            addresses = [
                ws.address for ws in self.scheduler.workers.values() if self._job(ws.name) in instruction.names
            ]
            with suppress(TimeoutError):
                async with asyncio.timeout(60):
                    await self.scheduler.retire_workers(workers=addresses, close_workers=True)
        running = [self._submissions[name] for name in instruction.names if name in self._submissions]
        if running:
            await asyncio.wait(running)
        ids = [self._ids[name] for name in instruction.names if name in self._ids]
        if ids:
            try:
                await asyncio.to_thread(slurm.cancel, ids)
            except ClusterError as error:  # the keeper says it again while they are listed
                logger.warning("jobs %s could not be cancelled: %s", ", ".join(ids), error)

    async def _ask(self) -> None:
        asked_at = time.monotonic()
        try:
            found = await asyncio.to_thread(slurm.list_jobs, self.folder.path, tuple(self._ids.values()))
        except (ClusterError, OSError, ValueError) as error:  # an answer that cannot be read is none
            self.tell(NotListed(str(error)))
            return
        by_id = {number: name for name, number in self._ids.items()}
        jobs = {by_id.get(job.id) or Path(job.command).stem: job for job in found}
        self._ids.update({name: job.id for name, job in jobs.items()})
        self.tell(Listed(asked_at, jobs))

    async def _forget(self, job: str) -> None:
        for ws in [ws for ws in self.scheduler.workers.values() if self._job(ws.name) == job]:
            await self.scheduler.remove_worker(ws.address, stimulus_id=f"job-ended-{job}", expected=True)

    async def _give_up(self, instruction: GiveUp) -> None:
        ids = {name: self._ids[name] for name in instruction.names if name in self._ids}
        told = await asyncio.to_thread(explain_end, self.folder, ids, self._log_folder)
        why = instruction.why.rstrip(".")
        await self._on_failure(ClusterError("\n".join([f"{why}.", *told])))
        self.has_answer.set()

    def _adapt(self, adapting: Adapting) -> None:
        """Ask the scheduler how many workers the work could use."""
        import dask.config
        from dask.utils import parse_timedelta

        self._adapt_at = time.monotonic() + float(parse_timedelta(dask.config.get("distributed.adaptive.interval")))
        before = adapting.current
        wanted = adapting.decide(self.scheduler.adaptive_target(), at_least=self._at_least)
        if wanted == before:
            return
        leaving: list[str] = []
        if wanted < len(self.scheduler.workers):
            names = self.scheduler.workers_to_close(target=wanted, key=lambda ws: self._job(ws.name), attribute="name")
            leaving = list(dict.fromkeys(self._job(name) for name in names))
        self.tell(Wanted(self._jobs_for(wanted), tuple(leaving)))

    def _jobs_for(self, workers: int) -> int:
        return -(-workers // self.processes)

    def _job(self, worker: Any) -> str:
        """Name of the job of a worker: where a job has several, theirs end in -0, -1 and so on."""
        name = str(worker)
        return name.rpartition("-")[0] if self.processes > 1 else name


class _Workers(SchedulerPlugin):
    """Tells of workers that come and go."""

    name = "dtedask-keeping"

    def __init__(self, came: Callable[[Any], None], went: Callable[[Any], None]) -> None:
        self._came, self._went = came, went
        self._names: dict[str, Any] = {}

    def add_worker(self, scheduler: Scheduler, worker: str) -> None:
        self._names[worker] = scheduler.workers[worker].name
        self._came(self._names[worker])

    def remove_worker(self, scheduler: Scheduler, worker: str, **_more: Any) -> None:  # noqa: ARG002
        if worker in self._names:
            self._went(self._names.pop(worker))


def submit_job(folder: ClusterFolder, name: str, script_of: Callable[[str], str]) -> Submitted | Refused:
    """Submit the job of a name and say how that went."""
    script = folder.path / f"{name}.sh"
    try:
        folder.write(script, script_of(name))
        return Submitted(name, slurm.submit(script))
    except slurm.SlurmAwayError as error:
        return Refused(name, error.message, is_final=False)
    except (ClusterError, OSError, ValueError, TypeError, KeyError) as error:
        return Refused(name, str(error), is_final=True)
    finally:
        script.unlink(missing_ok=True)  # SLURM has its own copy


def end_jobs(folder: ClusterFolder, ids: tuple[str, ...] = ()) -> None:
    """Cancel all jobs of a cluster that have not ended.

    Tried for a while if SLURM does not answer; then the log says which jobs may be left.
    """
    deadline = time.monotonic() + _END_S
    while True:
        try:
            found = [job.id for job in slurm.list_jobs(folder.path, ids) if not job.has_ended]
            if found:
                slurm.cancel(found)
            return
        except ClusterError as error:
            if time.monotonic() >= deadline:
                which = ", ".join(ids) or "none is known by number"
                logger.warning("jobs of %s could not be cancelled (%s): %s", folder.id, which, error)
                return
        time.sleep(0.5)
