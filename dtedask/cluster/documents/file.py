"""The file of a profile: what may stand in it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, create_model, field_validator, model_validator

from dtedask.cluster.documents.dask_keys import check_keys
from dtedask.cluster.documents.jobs import RENAMED, SCHEDULERS, AnyJob, Duration, JobKeys, Section, Size, SlurmTime
from dtedask.cluster.documents.layers import Layer, deep_get
from dtedask.core.settings import setting_names

__all__ = ["Entry", "ProfileFile", "file_model", "json_schema", "known_scheduler", "schedulers_of"]


class WorkerCount(Section):
    """How few and how many workers there may be."""

    minimum: int = Field(default=1, ge=0)
    """The fewest."""
    maximum: int | None = Field(default=None, ge=1)
    """The most."""

    @model_validator(mode="after")
    def _is_a_range(self) -> WorkerCount:
        if self.maximum is not None and self.maximum < self.minimum:
            raise ValueError(f"the maximum {self.maximum} is below the minimum {self.minimum}.")
        return self


def _workers(value: object) -> object:
    if isinstance(value, Mapping):
        if deep_get(value, ["maximum"])[0] is None and set(value) <= {"minimum", "maximum"}:
            raise ValueError("workers that follow the work need a 'maximum'.")
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise ValueError(f"{value} is not possible; it must be 1 or more.")
        return {"minimum": value}
    raise ValueError(f"{value!r} is neither a number of workers nor {{minimum: 1, maximum: 8}}.")


_AT_LEAST_ONE = {"type": "integer", "minimum": 1}
Workers = Annotated[
    WorkerCount,
    BeforeValidator(_workers),
    WithJsonSchema(
        {
            "anyOf": [
                _AT_LEAST_ONE,
                {
                    "type": "object",
                    "properties": {"minimum": {"type": "integer", "minimum": 0}, "maximum": _AT_LEAST_ONE},
                    "required": ["maximum"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
_ONE = WorkerCount()


class BatchKeys(Section):
    """What a batch job that holds a whole run needs beyond the worker jobs; null takes what they have."""

    workers: int | None = Field(default=None, ge=1)
    """Worker processes in all."""
    nodes: int | None = Field(default=None, ge=1)
    """Nodes that they are spread over; null leaves it to SLURM."""
    walltime: SlurmTime | None = None
    """Longest run of the job."""
    queue: str | None = None
    """Partition."""
    account: str | None = None
    """Account that pays."""
    driver_memory: Size | None = None
    """Memory of scheduler and driver, which the workers of the first node do without; null is 1 GiB, or a quarter of a
    worker's."""
    grace: Duration | None = None
    """How long before the walltime the run is told to end; null is a minute, or a quarter of a short walltime."""
    dashboard: bool | None = None
    """Whether the scheduler shows Dask's dashboard, which takes half a second to start; null does without."""
    requeue: bool | None = None
    """Whether SLURM may start the job again, as after the loss of a node; null lets it."""
    job_extra_directives: list[str] | None = None
    """Further options of SLURM."""
    job_script_prologue: list[str] | None = None
    """Lines of the script before the run starts."""


class _Entry(Section):
    """What every profile has."""

    description: str = ""
    """One line for people."""


class ThreadsEntry(_Entry):
    """Threads of this process, no cluster."""

    kind: Literal["threads"]
    """What the profile is."""
    threads: int | None = Field(default=None, ge=1)
    """How many; null takes one for each core."""


class _ClusterEntry(_Entry):
    workers: Workers = _ONE
    """Worker processes in all: a number, or `{minimum: 1, maximum: 8}` for as many as there is work for."""
    start_timeout: Duration = "10 minutes"
    """How long to wait for the first worker."""


class LocalClusterEntry(_ClusterEntry):
    """Worker processes on this machine."""

    kind: Literal["local-cluster"]
    """What the profile is."""
    threads: int | None = Field(default=None, ge=1)
    """Threads of one worker; null shares the cores among the workers."""
    memory: Size | None = None
    """Memory of one worker; null shares the memory of the machine."""
    encrypt: bool = False
    """Whether scheduler, workers and clients talk by TLS, with certificates made for the run."""


class SlurmEntry(_ClusterEntry):
    """Worker jobs of SLURM, by dask-jobqueue."""

    kind: Literal["slurm"]
    """What the profile is."""
    section: str = "slurm"
    """Section of `jobqueue` that describes a worker job."""
    encrypt: bool = True
    """Whether scheduler, workers and clients talk by TLS, with certificates made for the run."""
    batch: BatchKeys = BatchKeys()
    """What a batch job that holds a whole run needs beyond the worker jobs."""


class AllocationEntry(_ClusterEntry):
    """The batch job in which this process runs; `dtedask recipe submit` writes such a profile for its job."""

    kind: Literal["allocation"]
    """What the profile is."""
    encrypt: bool = True
    """Whether scheduler, workers and clients talk by TLS, with certificates made for the run."""


class ClassEntry(_Entry):
    """A cluster of any class."""

    kind: Literal["class"]
    """What the profile is."""
    class_: str = Field(min_length=1)
    """Dotted path of the class, such as `dask_jobqueue.PBSCluster`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Arguments of its constructor."""
    workers: Workers | None = None
    """Workers to ask for: a number, or `{minimum: 1, maximum: 8}`; null leaves their number to the class."""
    section: str | None = None
    """Section of `jobqueue` that describes a worker job, where the class is one of dask-jobqueue's."""
    encrypt: bool = False
    """Whether scheduler, workers and clients talk by TLS, with certificates made for the run."""
    start_timeout: Duration = "10 minutes"
    """How long to wait for the first worker."""


Entry = ThreadsEntry | LocalClusterEntry | SlurmEntry | AllocationEntry | ClassEntry
_AnyEntry = Annotated[Entry, Field(discriminator="kind")]


class ProfileFile(Section):
    """A file of a Dask configuration folder that describes profiles."""

    distributed: dict[str, Any] = Field(default_factory=dict)
    """Configuration of distributed while the profile is in use."""
    array: dict[str, Any] = Field(default_factory=dict)
    """Configuration of Dask's arrays."""
    dataframe: dict[str, Any] = Field(default_factory=dict)
    """Configuration of Dask's data frames."""
    optimization: dict[str, Any] = Field(default_factory=dict)
    """Configuration of Dask's optimisation of graphs."""
    tokenize: dict[str, Any] = Field(default_factory=dict)
    """Configuration of Dask's names of tasks."""
    temporary_directory: str | None = None
    """Where Dask writes what does not fit into memory."""
    gateway: dict[str, Any] = Field(default_factory=dict)
    """Configuration of dask-gateway."""
    kubernetes: dict[str, Any] = Field(default_factory=dict)
    """Configuration of dask-kubernetes."""

    @field_validator("distributed", "array", "dataframe", "optimization", "tokenize")
    @classmethod
    def _know_the_keys_of_dask(cls, value: dict[str, Any], info: Any) -> dict[str, Any]:
        check_keys(value, info.field_name)
        return value


def file_model(layer: Layer) -> type[ProfileFile]:
    """Model of one file: which keys its jobs may have depends on the batch systems that its profiles name."""
    schedulers = schedulers_of(layer)
    sections = {section: SCHEDULERS.get(scheduler, AnyJob) for section, scheduler in schedulers.items()}
    return _file_model(tuple(sections.items()))


def schedulers_of(layer: Layer) -> dict[str, str]:
    """Batch system of each section of `jobqueue`; empty where it is not known."""
    jobs = layer.get("jobqueue")
    found = {str(section): _named(str(section)) for section in jobs} if isinstance(jobs, Mapping) else {}
    entries = layer.get("dtedask", "profiles")
    for entry in entries.values() if isinstance(entries, Mapping) else ():
        values = [deep_get(entry, [key])[0] for key in ("kind", "class", "section")]
        kind, path, section = (value if isinstance(value, str) else "" for value in values)
        scheduler = "slurm" if kind == "slurm" else known_scheduler(path)
        if (section or scheduler) in found and (scheduler or section not in SCHEDULERS):
            found[section or scheduler] = scheduler
    return found


def known_scheduler(path: object) -> str:
    """Batch system of a class of dask-jobqueue, by its dotted path; empty for any other class."""
    package, _, name = str(path).rpartition(".")
    scheduler = name.removesuffix("Cluster").lower()
    is_known = package in {"dask_jobqueue", f"dask_jobqueue.{scheduler}"} and scheduler in SCHEDULERS
    return scheduler if is_known and name.endswith("Cluster") else ""


def json_schema() -> dict[str, Any]:
    """JSON schema of a profile's file."""
    model = _file_model(tuple(SCHEDULERS.items()))
    schema = model.model_json_schema(by_alias=True)
    for job in SCHEDULERS.values():  # what dask-jobqueue called otherwise may stand there as null
        schema["$defs"][job.__name__]["properties"] |= {name: {"type": "null"} for name in RENAMED}
    jobs = schema["$defs"]["Jobs"]
    jobs["additionalProperties"] = {"anyOf": [{"$ref": f"#/$defs/{job.__name__}"} for job in SCHEDULERS.values()]}
    return schema


def _named(section: str) -> str:
    return section if section in SCHEDULERS else "slurm"


@cache
def _file_model(sections: tuple[tuple[str, type[JobKeys]], ...]) -> type[ProfileFile]:
    of_sections: dict[str, Any] = {name: (model, Field(default=model(), alias=name)) for name, model in sections}
    jobs = create_model(
        "Jobs", __base__=Section, **{f"section_{i}": found for i, found in enumerate(of_sections.values())}
    )
    dtedask = _settings_model()
    return create_model(
        "ProfileFile",
        __base__=ProfileFile,
        __doc__=ProfileFile.__doc__,
        dtedask=(dtedask, Field(default=dtedask(), description="Settings of dtedask, with the profiles.")),
        jobqueue=(jobs, Field(default=jobs(), description="Worker jobs by section.")),
    )


@cache
def _settings_model() -> type[Section]:
    settings: dict[str, Any] = {
        name: (Any, Field(default=None)) for name in dict.fromkeys(key.partition(".")[0] for key in setting_names())
    }
    settings["profiles"] = (dict[str, _AnyEntry], Field(default={}, description="Profiles by name."))
    return create_model("Dtedask", __base__=Section, **settings)
