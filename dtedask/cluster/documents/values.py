"""What the values of a profile are in effect, and where each was set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field, create_model

from dtedask.cluster.documents.file import known_scheduler
from dtedask.cluster.documents.jobs import SCHEDULERS, AnyJob, JobKeys
from dtedask.cluster.documents.layers import Found, Layer, deep_get, place_or
from dtedask.cluster.documents.profiles import Written, sections_of, written_profile
from dtedask.core.documents import check_document
from dtedask.core.errors import DocumentError
from dtedask.core.nearest import did_you_mean

__all__ = ["Value", "configuration_of", "job_of", "section_of", "values_of"]

DEFAULT = "default"
DEFAULT_OF_JOBQUEUE = "default of dask-jobqueue"
# Sections of a profile's file that are Dask's configuration while the profile is in use.
_OF_DASK = (
    "array",
    "dataframe",
    "distributed",
    "gateway",
    "kubernetes",
    "optimization",
    "temporary-directory",
    "tokenize",
)


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a profile in effect.

    Parameters
    ----------
    key : str
        A key of the profile such as ``workers``, or of Dask's configuration such as ``jobqueue.slurm.cores``.
    value : object
        In effect.
    source : str
        File and line, variable of the environment, or whose default it is.
    """

    key: str
    value: Any
    source: str


def values_of(name: str | None = None) -> list[Value]:
    """List the values of a profile in effect, each with where it was set.

    Parameters
    ----------
    name : str, optional
        The profile; without one that of the setting ``dtedask.cluster``.

    Raises
    ------
    SettingError
        If there is no such profile.
    DocumentError
        If a file is wrong.
    """
    written = written_profile(name)
    job = [
        Value(f"jobqueue.{section_of(written)}.{key}", found.value, found.place or DEFAULT_OF_JOBQUEUE)
        for key, found in job_of(written).items()
    ]
    dask = [Value(".".join(path), found.value, found.place) for path, found in _of_dask(written)]
    return [*_of_entry(written), *job, *dask]


def section_of(written: Written) -> str:
    """Section of `jobqueue` that describes the jobs of a profile; empty where it has none."""
    entry = written.entry
    if entry.kind == "slurm":
        return entry.section
    return (entry.section or known_scheduler(entry.class_)) if entry.kind == "class" else ""


def job_of(written: Written) -> dict[str, Found]:
    """Keys of the jobs of a profile, with dask-jobqueue's defaults where nobody set them.

    Raises
    ------
    DocumentError
        If the section is nowhere, or one of its keys is wrong, in whichever file it stands.
    """
    section = section_of(written)
    if not section:
        return {}
    stack = _stack(written, section)
    model = _model_of(written)
    found = {key: Found(value) for key, value in model().model_dump(by_alias=True).items()}
    for layer in stack:
        found |= _checked(layer, section, model, found)
    return found


def configuration_of(written: Written) -> dict[str, Any]:
    """Dask configuration that holds while a profile is in use."""
    configuration: dict[str, Any] = {}
    for path, found in _of_dask(written):
        _put(configuration, path, found.value)
    section = section_of(written)
    if section:
        old = {} if section in SCHEDULERS else {"extra": None, "env-extra": None, "job-extra": None}
        configuration["jobqueue"] = {section: old | {key: found.value for key, found in job_of(written).items()}}
    return configuration


def _stack(written: Written, section: str) -> list[Layer]:
    """Layers that describe a section: a file that has it describes it alone, but for what the user says elsewhere."""
    layers = written.layers
    is_own = written.layer.get("jobqueue", section) is not None
    base = [layer for layer in layers.shipped if layer.get("jobqueue", section) is not None]
    if is_own:
        base = [layer for layer in base if layer.lines.place == written.layer.lines.place]
    stack = layers.over(base)
    explicit = getattr(written.entry, "section", None) is not None and "section" in written.entry.model_fields_set
    if section not in sections_of(stack) and (explicit or written.entry.kind == "slurm"):
        place = written.layer.lines.at(("dtedask", "profiles", written.name, "section"))
        raise DocumentError(
            f"{place}: profile {written.name!r} takes its jobs from 'jobqueue.{section}', which is in no file.",
            hint=did_you_mean(section, sections_of(stack) | sections_of(layers.shipped)),
        )
    return stack


def _model_of(written: Written) -> type[JobKeys]:
    if written.entry.kind == "slurm":
        return SCHEDULERS["slurm"]
    scheduler = known_scheduler(getattr(written.entry, "class_", ""))
    return SCHEDULERS[scheduler] if scheduler else AnyJob


def _checked(layer: Layer, section: str, model: type[JobKeys], before: Mapping[str, Found]) -> dict[str, Found]:
    """Read one layer's keys of a section."""
    import dask.config

    value, written = deep_get(layer.data, ["jobqueue", section])
    if value is None:
        return {}
    of_section = create_model("Jobs", section=(model, Field(alias=written[-1])))
    whole = create_model("File", jobqueue=(of_section, Field(alias=written[0])))
    file: Any = check_document(layer.data, layer.lines, whole, kind="cluster profile")
    given = file.jobqueue.section.model_dump(by_alias=True, exclude_unset=True)
    places = {key: layer.lines.at(deep_get(layer.data, [*written, key])[1]) for key in given}
    return {
        key: Found(
            dask.config.merge(before[key].value, new)
            if isinstance(new, Mapping) and key in before and isinstance(before[key].value, Mapping)
            else new,
            places[key],
        )
        for key, new in given.items()
    }


def _of_entry(written: Written) -> Iterator[Value]:
    entry = written.entry.model_dump(by_alias=True)
    workers = entry.get("workers")
    if workers and workers["maximum"] is None:
        entry["workers"] = workers["minimum"]
    for key, value in {"kind": entry.pop("kind"), **entry}.items():
        is_section = key in {"batch", "workers"} and isinstance(value, Mapping)
        for path, below in [((key, name), one) for name, one in value.items()] if is_section else [((key,), value)]:
            yield Value(".".join(path), below, _source(written, path))


def _source(written: Written, path: tuple[str, ...]) -> str:
    whole = ("dtedask", "profiles", written.name, *path)
    at = deep_get(written.layer.data, whole)[1]
    return place_or(written.layer.lines, at, DEFAULT) if len(at) == len(whole) else DEFAULT


def _of_dask(written: Written) -> Iterator[tuple[tuple[str, ...], Found]]:
    """Leaves of the other sections of a profile's file, where nothing that comes later says otherwise."""
    later = _later(written)
    for section in _OF_DASK:
        for path, found in written.layer.leaves(section):
            whole = (section, *path)
            over = [(layer, *deep_get(layer.data, whole)) for layer in later]
            said = [Found(value, layer.lines.at(at)) for layer, value, at in over if len(at) == len(whole)]
            yield whole, [found, *said][-1]


def _later(written: Written) -> list[Layer]:
    """Layers over the file of a profile, in Dask's order."""
    places = [layer.lines.place for layer in written.layers.user]
    own = written.layer.lines.place
    position = places.index(own) + 1 if own in places else 0
    return [*written.layers.user[position:], written.layers.environment]


def _put(configuration: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        configuration = configuration.setdefault(key, {})
    configuration[path[-1]] = value
