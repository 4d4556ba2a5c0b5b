"""Profiles: named places to run, each written in a file of a Dask configuration folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from dtedask.core.documents import load_document
from dtedask.core.errors import SettingError
from dtedask.core.nearest import did_you_mean
from dtedask.core.settings import setting

Kind = Literal["threads", "local-cluster", "slurm", "class"]


@dataclass(frozen=True, slots=True)
class Profile:
    """One named place to run.

    Parameters
    ----------
    name : str
        What recipes, commands and the setting ``dtedask.cluster`` call it.
    kind : {"threads", "local-cluster", "slurm", "class"}
        Threads of this process, `distributed.LocalCluster`, `dask_jobqueue.SLURMCluster`, or any other class of a
        cluster.
    path : str
        File that describes it.
    description : str
        One line for people.
    workers : int
        Worker processes in all; the fewest where their number follows the work.
    workers_maximum : int, optional
        The most worker processes where their number follows the work; None where it is fixed.
    threads : int, optional
        Threads of this process (``threads``) or of one worker (``local-cluster``); None shares the cores.
    memory : str or int, optional
        Memory of one worker (``local-cluster``); None shares the memory of the machine.
    section : str
        Section of `jobqueue` that describes a job (``slurm``).
    start_timeout_s : float
        How long to wait for the first worker.
    encrypt : bool
        Whether scheduler, workers and clients talk by TLS, with certificates made for the run.
    class_path : str
        Dotted path of the class (``class``).
    options : mapping
        Arguments of its constructor (``class``).
    batch : mapping
        What a batch job that holds a whole run needs beyond the worker jobs, named as it is written (``slurm``).
    job : mapping
        Options of a job, named as in dask-jobqueue's configuration (``slurm``).
    configuration : mapping
        Dask configuration that holds while the profile is in use, such as `distributed`.
    """

    name: str
    kind: Kind
    path: str = ""
    description: str = ""
    workers: int = 1
    workers_maximum: int | None = None
    threads: int | None = None
    memory: str | int | None = None
    section: str = "slurm"
    start_timeout_s: float = 600.0
    encrypt: bool = False
    class_path: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    batch: Mapping[str, Any] = field(default_factory=dict)
    job: Mapping[str, Any] = field(default_factory=dict)
    configuration: Mapping[str, Any] = field(default_factory=dict)


def _hyphens(name: str) -> str:
    return name.replace("_", "-")


def _check_size(value: str | int) -> str | int:
    _parsed("parse_bytes", value, "a size such as '4GB'")
    return value


def _check_duration(value: str | float) -> str | float:
    _parsed("parse_timedelta", value, "a duration such as '10 minutes'")
    return value


Size = Annotated[str | int, AfterValidator(_check_size)]
Duration = Annotated[int | float | str, AfterValidator(_check_duration)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=_hyphens, populate_by_name=True)


class _Job(_Section):
    """Options of a worker job, named as in dask-jobqueue's configuration; None leaves the choice to dask-jobqueue."""

    name: str | None = None
    cores: int | None = Field(default=None, ge=1)
    processes: int | None = Field(default=None, ge=1)
    memory: Size | None = None
    walltime: str | None = None
    queue: str | None = None
    account: str | None = None
    interface: str | None = None
    local_directory: str | None = None
    shared_temp_directory: str | None = None
    log_directory: str | None = None
    death_timeout: int | float | str | None = None
    python: str | None = None
    shebang: str | None = None
    worker_command: str | None = None
    worker_extra_args: list[str] | None = None
    job_cpu: int | None = None
    job_mem: Size | None = None
    job_script_prologue: list[str] | None = None
    job_extra_directives: list[str] | None = None
    job_directives_skip: list[str] | None = None
    scheduler_options: dict[str, Any] | None = None


class _Adaptive(_Section):
    """How few and how many workers there may be where their number follows the work."""

    minimum: int = Field(default=1, ge=1)
    maximum: int = Field(ge=1)

    @model_validator(mode="after")
    def _is_a_range(self) -> _Adaptive:
        if self.maximum < self.minimum:
            raise ValueError(f"the maximum {self.maximum} is below the minimum {self.minimum}")
        return self


class _Batch(_Section):
    """What a batch job that holds a whole run needs beyond the worker jobs; None takes what they have."""

    walltime: str | None = None
    job_extra_directives: list[str] | None = None


class _Entry(_Section):
    """A profile as it is written."""

    kind: Kind
    description: str = ""
    class_: str | None = Field(default=None, alias="class")
    options: dict[str, Any] = {}
    workers: Annotated[int, Field(ge=1)] | _Adaptive = 1
    threads: int | None = Field(default=None, ge=1)
    memory: Size | None = None
    section: str = "slurm"
    start_timeout: Duration = "10 minutes"
    encrypt: bool | None = None
    batch: _Batch = _Batch()

    @model_validator(mode="after")
    def _refuse_what_does_not_apply(self) -> _Entry:
        takes = _TAKEN[self.kind]
        for given in sorted(self.model_fields_set - takes - {"kind", "description"}):
            known = ", ".join(_written(key) for key in sorted(takes))
            raise ValueError(f"a profile of kind {self.kind!r} has no key {_written(given)!r}, only {known}")
        if self.kind == "class" and not self.class_:
            raise ValueError("a profile of kind 'class' needs the key 'class', such as dask_jobqueue.PBSCluster")
        return self


_TAKEN = {
    "threads": {"threads"},
    "local-cluster": {"workers", "threads", "memory", "start_timeout", "encrypt"},
    "slurm": {"workers", "section", "start_timeout", "encrypt", "batch"},
    "class": {"class_", "options", "workers", "start_timeout", "encrypt"},
}


def _written(field: str) -> str:
    """Key of a field as it stands in a file."""
    return _hyphens(field.removesuffix("_"))


class _Dtedask(BaseModel):
    model_config = ConfigDict(extra="allow")  # other settings of dtedask may stand there too

    profiles: dict[str, _Entry] = {}


class _File(_Section):
    """A file of a Dask configuration folder."""

    dtedask: _Dtedask = _Dtedask()
    jobqueue: dict[str, _Job] = {}
    distributed: dict[str, Any] = {}
    dask: dict[str, Any] = {}
    array: dict[str, Any] = {}
    optimization: dict[str, Any] = {}
    temporary_directory: str | None = None


def profiles() -> dict[str, Profile]:
    """Read all profiles.

    They stand in the folder `jobqueue` that comes with dtedask and in the Dask configuration folders of the user
    (``~/.config/dask`` and what ``DASK_CONFIG`` names); a later one replaces an earlier one of the same name.

    Raises
    ------
    DocumentError
        If a file is wrong: file, line and nearest key.
    """
    found: dict[str, Profile] = {}
    for path in _profile_files():
        found.update(_read(path))
    return dict(sorted(found.items()))


def profile(name: str | None = None) -> Profile:
    """Return one profile; without a name that of the setting ``dtedask.cluster``.

    Raises
    ------
    SettingError
        If there is no such profile.
    """
    wanted = setting("cluster") if name is None else name
    known = profiles()
    if wanted not in known:
        raise SettingError(f"There is no cluster profile {wanted!r}.", hint=did_you_mean(wanted, known))
    return known[wanted]


def _read(path: Path) -> dict[str, Profile]:
    file = load_document(path, _File, kind="cluster profile")
    configuration = file.model_dump(
        include={"distributed", "dask", "array", "optimization", "temporary_directory"},
        exclude_defaults=True,
        by_alias=True,
    )
    return {
        name: _complete(entry, name, path, file.jobqueue, configuration)
        for name, entry in file.dtedask.profiles.items()
    }


def _complete(
    entry: _Entry, name: str, path: Path, jobs: Mapping[str, _Job], configuration: Mapping[str, Any]
) -> Profile:
    if entry.kind == "slurm" and entry.section not in jobs:
        raise SettingError(
            f"{path}: profile {name!r} takes its jobs from 'jobqueue.{entry.section}', which the file does not have.",
            hint=did_you_mean(entry.section, jobs),
        )
    fewest, most = (
        (entry.workers.minimum, entry.workers.maximum)
        if isinstance(entry.workers, _Adaptive)
        else (entry.workers, None)
    )
    return Profile(
        **entry.model_dump(include={"kind", "description", "threads", "memory", "section", "options"}),
        workers=fewest,
        workers_maximum=most,
        encrypt=entry.kind == "slurm" if entry.encrypt is None else entry.encrypt,
        class_path=entry.class_ or "",
        batch=entry.batch.model_dump(by_alias=True, exclude_none=True),
        name=name,
        path=str(path),
        start_timeout_s=float(_parsed("parse_timedelta", entry.start_timeout, "a duration")),
        job=jobs[entry.section].model_dump(by_alias=True, exclude_none=True) if entry.kind == "slurm" else {},
        configuration=configuration,
    )


def _profile_files() -> Iterator[Path]:
    import dask.config

    yield from _yaml_files(_shipped_folder())
    for place in dask.config.paths:
        for path in _yaml_files(Path(place).expanduser()):
            if "profiles" in path.read_text("utf-8", errors="replace"):  # else it concerns Dask only
                yield path


def _yaml_files(place: Path) -> list[Path]:
    if place.is_dir():
        return sorted(path for path in place.iterdir() if path.suffix in {".yaml", ".yml"})
    return [place] if place.is_file() else []


def _shipped_folder() -> Path:
    """Folder `jobqueue`: inside the package when installed, at the top of a checkout."""
    installed = Path(__file__).with_name("jobqueue")
    return installed if installed.is_dir() else Path(__file__).parents[2] / "jobqueue"


def _parsed(parser: str, value: object, wanted: str) -> Any:
    import dask.utils

    try:
        return getattr(dask.utils, parser)(value)
    except (ValueError, KeyError) as error:
        raise ValueError(f"{value!r} is not {wanted}") from error
