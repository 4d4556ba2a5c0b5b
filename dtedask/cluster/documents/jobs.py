"""Keys of a worker job, as dask-jobqueue's configuration names them, for each batch system that it knows.

They stand in the section `jobqueue` of a profile's file, with dask-jobqueue's own defaults.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

__all__ = [
    "RENAMED",
    "SCHEDULERS",
    "AnyJob",
    "Duration",
    "JobKeys",
    "Section",
    "Size",
    "as_written",
    "parsed",
    "wrong_keys",
]


def as_written(field: str) -> str:
    """Key of a field as it stands in a file."""
    return field.removesuffix("_").replace("_", "-")


def parsed(parser: str, value: object, wanted: str) -> Any:
    """Parse a text by a function of `dask.utils`, or say what is wanted."""
    import dask.utils

    try:
        return getattr(dask.utils, parser)(value)
    except (ValueError, KeyError, TypeError, IndexError) as error:  # Dask indexes an empty text
        raise ValueError(f"{value!r} is not {wanted}.") from error


def wrong_keys(found: Mapping[tuple[str, ...], Exception], kind: str) -> ValidationError:
    """Make one error of what is wrong with keys below a section, so that each is told with its own line."""
    details = [
        InitErrorDetails(type=PydanticCustomError("value_error", "{error}", {"error": error}), loc=path, input=None)
        for path, error in found.items()
    ]
    return ValidationError.from_exception_data(kind, details)


def _is_size(value: str | int) -> str | int:
    if parsed("parse_bytes", value, "a size such as '4GB'") < _SMALLEST:
        raise ValueError(f"{value!r} is too little: without a unit it counts bytes; write a size such as '4GB'.")
    return value


def _is_duration(value: str | float) -> str | float:
    parsed("parse_timedelta", value, "a duration such as '10 minutes'")
    return value


def _matches(pattern: str, wanted: str) -> Any:
    def check(value: str | int) -> str | int:
        if not re.fullmatch(pattern, str(value)):
            raise ValueError(f"{value!r} is not {wanted}.")
        return value

    return AfterValidator(check)


SlurmTime = Annotated[
    str | int,
    _matches(
        r"\d+(:\d+){0,2}|\d+-\d+(:\d+){0,2}|(?i:unlimited|infinite)",
        "a time as SLURM writes it: minutes, '02:00:00' or '1-12:00:00'",
    ),
]
HoursTime = Annotated[str | int, _matches(r"\d+(:\d+){0,2}", "a time such as '02:00:00'")]
LsfTime = Annotated[str | int, _matches(r"\d+(:\d+)?", "a time as LSF writes it: minutes or '02:00'")]
Size = Annotated[str | int, AfterValidator(_is_size)]
Duration = Annotated[int | float | str, AfterValidator(_is_duration)]
Count = Annotated[int, Field(ge=1)]

_SMALLEST = 2**20

# What dask-jobqueue 0.9 calls otherwise; it still reads the old names, which must then be null.
RENAMED = {
    "extra": "worker-extra-args",
    "env-extra": "job-script-prologue",
    "job-extra": "job-extra-directives",
    "header-skip": "job-directives-skip",
}


class Section(BaseModel):
    """A section whose keys are written with hyphens."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=as_written,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


class JobKeys(Section):
    """Keys of a job that every batch system has."""

    name: str | None = "dask-worker"
    """Name of the job."""
    cores: Count | None = None
    """Threads of one job in all."""
    processes: Count | None = None
    """Worker processes of one job; null takes one for up to eight cores (kind `slurm`), or about their square root."""
    memory: Size | None = None
    """Memory of one job in all."""
    interface: str | None = None
    """Network interface of scheduler and workers, such as `ib0`."""
    local_directory: str | None = None
    """Fast local scratch of a node, such as `$TMPDIR`."""
    shared_temp_directory: str | None = None
    """Folder that all nodes see, for certificates that dask-jobqueue makes itself."""
    log_directory: str | None = None
    """Folder for what jobs print; null is a folder of the run (kind `slurm`), or up to the batch system."""
    death_timeout: Duration | None = 60
    """How long a worker looks for its scheduler before it ends, in seconds."""
    python: str | None = None
    """Python of the workers; null is the one that submits."""
    shebang: str | None = "#!/usr/bin/env bash"
    """First line of the script."""
    worker_command: str | None = "distributed.cli.dask_worker"
    """Module that is a worker."""
    worker_extra_args: list[str] | None = []
    """Further arguments of the worker."""
    job_script_prologue: list[str] | None = []
    """Lines of the script before the worker starts: modules, environments."""
    job_extra_directives: list[str] | None = []
    """Further options of the batch system, each of which gets a directive."""
    job_directives_skip: list[str] | None = []
    """Directives that hold one of these texts are left out."""
    scheduler_options: dict[str, Any] | None = {}
    """Arguments of the scheduler, such as `interface`."""

    @model_validator(mode="before")
    @classmethod
    def _know_old_names(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        old = {key: data[key] for key in data if as_written(str(key)) in RENAMED}
        wrong: dict[tuple[str, ...], Exception] = {
            (key,): ValueError(f"it is called {RENAMED[as_written(key)]!r} since dask-jobqueue 0.9.")
            for key, value in old.items()
            if value is not None
        }
        if wrong:
            raise wrong_keys(wrong, cls.__name__)
        return {key: value for key, value in data.items() if key not in old}


class SlurmJob(JobKeys):
    """Keys of a job of SLURM."""

    queue: str | None = None
    """Partition; null is the cluster's own default."""
    account: str | None = None
    """Account that pays."""
    walltime: SlurmTime | None = "00:30:00"
    """Longest run of a job."""
    job_cpu: Count | None = None
    """Processors of a job where they are not `cores`."""
    job_mem: str | None = None
    """Memory that SLURM is asked for where it is not `memory`."""


class PbsJob(JobKeys):
    """Keys of a job of PBS."""

    queue: str | None = None
    """Queue; null is the cluster's own default."""
    account: str | None = None
    """Account that pays."""
    walltime: HoursTime | None = "00:30:00"
    """Longest run of a job."""
    resource_spec: str | None = None
    """What is asked for by `-l`; null asks for `cores` and `memory`."""


class MoabJob(PbsJob):
    """Keys of a job of Moab."""


class SgeJob(JobKeys):
    """Keys of a job of Grid Engine."""

    queue: str | None = None
    """Queue; null is the cluster's own default."""
    project: str | None = None
    """Project that pays."""
    walltime: HoursTime | None = "00:30:00"
    """Longest run of a job."""
    resource_spec: str | None = None
    """What is asked for by `-l`."""


class OarJob(SgeJob):
    """Keys of a job of OAR."""

    memory_per_core_property_name: str | None = None
    """What the cluster calls the memory of a core; `not_applicable` where it has no name for it."""


class LsfJob(JobKeys):
    """Keys of a job of LSF."""

    queue: str | None = None
    """Queue; null is the cluster's own default."""
    project: str | None = None
    """Project that pays."""
    walltime: LsfTime | None = "00:30"
    """Longest run of a job, in hours and minutes."""
    ncpus: Count | None = None
    """Processors of a job where they are not `cores`."""
    mem: int | None = None
    """Memory that LSF is asked for where it is not `memory`, in bytes."""
    lsf_units: str | None = None
    """Units of LSF's limits, such as `mb`; null looks into `lsf.conf`."""
    use_stdin: bool | None = True
    """Whether `bsub` reads the script from standard input."""


class HtcondorJob(JobKeys):
    """Keys of a job of HTCondor."""

    shebang: str | None = "#!/usr/bin/env condor_submit"
    """First line of the submit file."""
    disk: Size | None = None
    """Disk of a job."""
    job_extra_directives: dict[str, Any] | None = {}  # type: ignore[assignment]
    """Further keys of the submit file."""
    submit_command_extra: list[str] | None = []
    """Further arguments of `condor_submit`."""
    cancel_command_extra: list[str] | None = []
    """Further arguments of `condor_rm`."""


class LocalJob(JobKeys):
    """Keys of a job that is a process of this machine, for tests."""

    shebang: str | None = None
    """Not used."""


class AnyJob(SlurmJob):
    """Keys of a job of a batch system that is not known before its class is imported."""

    model_config = ConfigDict(extra="allow")


SCHEDULERS: dict[str, type[JobKeys]] = {
    "slurm": SlurmJob,
    "pbs": PbsJob,
    "moab": MoabJob,
    "sge": SgeJob,
    "oar": OarJob,
    "lsf": LsfJob,
    "htcondor": HtcondorJob,
    "local": LocalJob,
}
