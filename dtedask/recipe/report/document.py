"""The run report as a document: what stands in its JSON file."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, field_validator

from dtedask.core.sizes import size_text

Status = Literal["done", "failed", "interrupted"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @field_validator("*", mode="after")
    @classmethod
    def _in_utc(cls, value: Any) -> Any:
        return value.astimezone(UTC) if isinstance(value, datetime) else value


class ReportedRecipe(_Section):
    """Which recipe ran."""

    name: str
    """What it is called."""
    file: str | None = None
    """Its file; null where it stood in none."""
    sha256: str
    """Digest of the file's bytes, or of the recipe as JSON where it stood in no file."""
    overrides: dict[str, Any] = {}
    """Values that took the place of what the file says, by key path."""
    root: str
    """Where fields went."""
    catalog: str | None = None
    """Catalog that holds the cubes."""


class ReportedError(_Section):
    """Why a run ended before it was done."""

    code: str
    """Stable name of the kind of error, such as `no-workers`."""
    message: str
    """What failed."""
    hint: str = ""
    """What to do next."""


class ReportedCommit(_Section):
    """One snapshot that the run made."""

    cube: str
    """Name of the cube below the root."""
    snapshot: str
    """Identifier of the snapshot."""
    sequence: int
    """Its place in the history of the cube."""
    time: AwareDatetime
    """When it was committed."""
    new: int = 0
    """Fields that were not there before."""
    replaced: int = 0
    """Fields that replaced others."""
    unchanged: int = 0
    """Fields that stood there with equal values."""
    message: str = ""
    """What the history says of it."""


class ReportedWork(_Section):
    """What was done."""

    fields: int = 0
    """Fields that are in the cubes because of this run, or stood there already."""
    new: int = 0
    """Fields that were not there before."""
    replaced: int = 0
    """Fields that replaced others."""
    unchanged: int = 0
    """Fields that stood there already with equal values."""
    bytes: int = 0
    """Bytes of GRIB that were taken."""
    files: int = 0
    """Files that were read."""
    units: int = 0
    """What was committed at once, in sum: files, steps, or everything together."""
    fields_per_s: float = 0.0
    """Fields by the time of the whole run."""
    bytes_per_s: float = 0.0
    """Bytes by the time of the whole run."""
    commit_count: int = 0
    """Commits of the run."""
    commits: list[ReportedCommit] = []
    """The newest of them, in order, at most 500."""
    series: list[str] = []
    """Time series that were made."""
    results: str = ""
    """What the plan made of the commits."""
    products: str = ""
    """What became of what is ordered."""
    rolled: str = ""
    """What was let go, where the archive is a rolling one."""


class ReportedStage(_Section):
    """Time of one stage; all stages together took as long as the run."""

    name: str
    """`cluster`, `survey`, `write`, `merge`, `commit`, `announce`, `catalog`, `series`, or `other`."""
    seconds: float
    """Its time, without that of stages inside it."""
    count: int
    """How often it began."""


class ReportedSpan(_Section):
    """One stage from begin to end, in seconds since the run began; stages inside it have spans of their own."""

    name: str
    """Which stage."""
    detail: str = ""
    """What it worked on, such as a cube."""
    begin_s: float
    """When it began."""
    end_s: float
    """When it ended."""


class ReportedTasks(_Section):
    """Dask tasks of one kind."""

    name: str
    """What their names begin with."""
    done: int
    """Tasks that ended well."""
    failed: int = 0
    """How often one raised."""
    again: int = 0
    """How often one had to be done once more, after a lost worker or an error."""
    seconds: float = 0.0
    """Time that they computed, in sum over all workers."""
    transfer_seconds: float = 0.0
    """Time that they waited for data from other workers, in sum."""


class ReportedWorker(_Section):
    """A worker that was there during the run."""

    name: str
    """What the scheduler calls it."""
    address: str
    """Where it listened."""
    host: str
    """Its host."""
    job: str = ""
    """Batch job that it ran in; empty where in none."""
    threads: int
    """Tasks at once."""
    memory_limit_bytes: int = 0
    """What it might take; 0 is no limit."""
    peak_memory_bytes: int = 0
    """The most that it took."""
    sent_bytes: int = 0
    """What it sent to other workers."""
    joined: AwareDatetime
    """When it came; the begin of the run for one that was there."""
    left: AwareDatetime | None = None
    """When it went; null if it was there at the end."""
    lost: bool = False
    """Whether it went without having been asked to."""
    reason: str = ""
    """Why it went, as far as that is known."""
    log: str = ""
    """File with what its job printed."""


class ReportedCluster(_Section):
    """Where it ran."""

    profile: str
    """The profile."""
    kind: str
    """Its kind, such as `threads` or `slurm`."""
    scheduler: str = ""
    """Address of the scheduler."""
    dashboard: str = ""
    """Link to Dask's dashboard, while it ran."""
    folder: str = ""
    """Folder with logs and state of its jobs."""
    job: str = ""
    """Batch job that the run itself was in; empty where in none."""
    workers_wanted: int | None = None
    """Workers that the profile asks for; the most where their number follows the work."""
    workers_most: int = 0
    """Most workers at once."""
    workers: list[ReportedWorker] = []
    """All workers that came, in order."""
    is_complete: bool = True
    """False if the scheduler could not be asked at the end: figures of workers and tasks lack what it knew."""


class ReportedMemory(_Section):
    """The most memory of single processes."""

    driver_peak_bytes: int
    """Of the process that ran the recipe, which with threads does all the work."""
    worker_peak_bytes: int | None = None
    """Of the worker that took most; null without workers."""


class ReportedInput(_Section):
    """Input of which nothing, or not all, was taken."""

    file: str
    """Its name."""
    reason: str
    """What was wrong."""
    offset: int | None = None
    """Where in the file, if only some bytes were passed over."""
    length: int | None = None
    """How many bytes."""


class Report(_Section):
    """What running a recipe did, how long it took and what went wrong."""

    version: Literal[1] = 1
    """Version of this format."""
    recipe: ReportedRecipe
    """Which recipe ran."""
    status: Status
    """How it ended."""
    error: ReportedError | None = None
    """Why it was not done."""
    begin: AwareDatetime
    """When it began."""
    end: AwareDatetime
    """When it ended."""
    seconds: float
    """How long it took."""
    host: str
    """Where it was started."""
    user: str
    """By whom."""
    pid: int
    """Process that ran it."""
    versions: dict[str, str]
    """Versions of dtedask, of Python and of the libraries that matter."""
    cluster: ReportedCluster
    """Where it ran."""
    work: ReportedWork
    """What was done."""
    stages: list[ReportedStage]
    """Time of each stage."""
    spans: list[ReportedSpan] = []
    """Stages from begin to end, at most 2000."""
    tasks: list[ReportedTasks] = []
    """Dask tasks by kind."""
    retries: int = 0
    """Tasks that had to be done once more."""
    lost_workers: int = 0
    """Workers that were lost."""
    memory: ReportedMemory
    """Peaks of memory."""
    skipped_count: int = 0
    """Messages and bytes of the input that were passed over."""
    skipped: list[ReportedInput] = []
    """The first of them, at most 500."""
    failed: list[ReportedInput] = []
    """Files of which nothing was taken, at most 500."""
    hook_failures: list[str] = []
    """What plug-ins and listeners raised when they were told of commits, at most 500."""
    warning_count: int = 0
    """Warnings that were logged."""
    warnings: list[str] = []
    """The first of them, at most 200."""

    def __str__(self) -> str:
        return f"{self.recipe.name} {self.status} in {self.seconds:.1f} s: {self.work.fields} fields, " + size_text(
            self.work.bytes
        )

    def _repr_html_(self) -> str:
        from dtedask.recipe.report.html import report_body

        return report_body(self)
