"""Profiles: named places to run, each written in a file of a Dask configuration folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from dtedask.cluster.documents.layers import Layer, Layers, read_layers, with_environment
from dtedask.core.errors import SettingError
from dtedask.core.nearest import did_you_mean
from dtedask.core.settings import setting

if TYPE_CHECKING:
    from dtedask.cluster.documents.file import Entry

Kind = Literal["threads", "local-cluster", "slurm", "class", "allocation"]


@dataclass(frozen=True, slots=True)
class Profile:
    """One named place to run.

    Parameters
    ----------
    name : str
        What recipes, commands and the setting ``dtedask.cluster`` call it.
    kind : {"threads", "local-cluster", "slurm", "class", "allocation"}
        Threads of this process, `distributed.LocalCluster`, `dask_jobqueue.SLURMCluster`, any other class of a
        cluster, or the batch job in which this process runs.
    path : str
        File that describes it.
    description : str
        One line for people.
    workers : int
        Worker processes in all; the fewest where their number follows the work; 0 leaves it to the class (``class``).
    workers_maximum : int, optional
        The most worker processes where their number follows the work; None where it is fixed.
    threads : int, optional
        Threads of this process (``threads``) or of one worker (``local-cluster``); None shares the cores.
    memory : str or int, optional
        Memory of one worker (``local-cluster``); None shares the memory of the machine.
    section : str
        Section of `jobqueue` that describes a job; empty for classes that are not dask-jobqueue's. The configuration
        of the profile holds all of its keys, so that dask-jobqueue finds them by ``config_name``.
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
        Options of a job that are set and not null, named as in dask-jobqueue's configuration.
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
    section: str = ""
    start_timeout_s: float = 600.0
    encrypt: bool = False
    class_path: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    batch: Mapping[str, Any] = field(default_factory=dict)
    job: Mapping[str, Any] = field(default_factory=dict)
    configuration: Mapping[str, Any] = field(default_factory=dict)


def profiles() -> dict[str, Profile]:
    """Read all profiles.

    They stand in the folder `jobqueue` that comes with dtedask and in the Dask configuration folders of the user
    (``~/.config/dask`` and what ``DASK_CONFIG`` names); a later one replaces an earlier one of the same name. The
    environment (``DASK_JOBQUEUE__SLURM__QUEUE``, ``DASK_DTEDASK__PROFILES__SLURM__WORKERS``) wins over all files.

    Raises
    ------
    DocumentError
        If a file is wrong: file, line and nearest key.
    """
    return {name: written.profile() for name, written in written_profiles().items()}


def profile(name: str | None = None) -> Profile:
    """Return one profile; without a name that of the setting ``dtedask.cluster``.

    Raises
    ------
    SettingError
        If there is no such profile.
    """
    return written_profile(name).profile()


def chosen_profile(chosen: str | Profile | None) -> Profile:
    """Return a profile that is given, or named, or set; as `profile`."""
    return chosen if isinstance(chosen, Profile) else profile(chosen)


@dataclass(frozen=True, slots=True)
class Written:
    """A profile as it is written, with all that bears on it.

    Parameters
    ----------
    name : str
        Its name.
    entry : Entry
        What its file says of it.
    layer : Layer
        Its file, with what the environment says of its profiles.
    layers : Layers
        Everything that may bear on its jobs.
    """

    name: str
    entry: Entry
    layer: Layer
    layers: Layers

    def profile(self) -> Profile:
        """Put the profile together."""
        from dtedask.cluster.documents.jobs import parsed
        from dtedask.cluster.documents.values import configuration_of, job_of, section_of

        entry = self.entry
        workers = getattr(entry, "workers", None)
        section = section_of(self)
        kept = entry.model_dump(include={"kind", "description", "threads", "memory", "encrypt", "options"})
        batch = entry.batch.model_dump(by_alias=True, exclude_none=True) if entry.kind == "slurm" else {}
        return Profile(
            **kept,
            name=self.name,
            path=self.layer.lines.place,
            workers=workers.minimum if workers else int(entry.kind != "class"),
            workers_maximum=workers.maximum if workers else None,
            section=section,
            start_timeout_s=float(parsed("parse_timedelta", getattr(entry, "start_timeout", 600), "a duration")),
            class_path=getattr(entry, "class_", ""),
            batch=batch,
            job={key: found.value for key, found in job_of(self).items() if found.place and found.value is not None},
            configuration=configuration_of(self),
        )


def written_profile(name: str | None = None) -> Written:
    """Find one profile as it is written; as `profile`."""
    wanted = setting("cluster") if name is None else name
    known = written_profiles()
    if wanted not in known:
        raise SettingError(f"There is no cluster profile {wanted!r}.", hint=did_you_mean(wanted, known))
    return known[wanted]


def written_profiles() -> dict[str, Written]:
    """Read all profiles as they are written; as `profiles`."""
    layers = read_layers()
    found: dict[str, Written] = {}
    for layer in profile_files(layers):
        found.update(read_file(layer, layers))
    return dict(sorted(found.items()))


def profile_files(layers: Layers) -> Iterator[Layer]:
    """Files that describe profiles, and the environment where it describes one of its own."""
    names: set[str] = set()
    for layer in (*layers.shipped, *layers.user):
        entries = layer.get("dtedask", "profiles")
        if entries is not None or layer in layers.shipped:  # else it concerns Dask only
            names |= {str(name).replace("-", "_") for name in entries or ()}
            yield layer
    alone = [name for name in layers.environment.get("dtedask", "profiles") or () if name not in names]
    if alone:
        entries = layers.environment.get("dtedask", "profiles")
        data = {"dtedask": {"profiles": {name: entries[name] for name in alone}}}
        yield Layer(data, layers.environment.lines)


def read_file(layer: Layer, layers: Layers) -> dict[str, Written]:
    """Read the profiles of one file.

    Raises
    ------
    DocumentError
        If it is wrong, or what other files and the environment say of its jobs is.
    """
    from dtedask.cluster.documents.file import file_model
    from dtedask.core.documents import check_document

    entries = layer.get("dtedask", "profiles")
    for name in entries if isinstance(entries, Mapping) else ():
        layer = with_environment(layer, layers.environment, "dtedask", "profiles", str(name))
    file: Any = check_document(layer.data, layer.lines, file_model(layer), kind="cluster profile")
    return {name: Written(name, entry, layer, layers) for name, entry in file.dtedask.profiles.items()}


def sections_of(layers: Sequence[Layer]) -> set[str]:
    """Names of the sections of `jobqueue` in some layers."""
    found = [layer.get("jobqueue") for layer in layers]
    return {str(name) for jobs in found if isinstance(jobs, Mapping) for name in jobs}
