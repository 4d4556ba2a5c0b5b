"""Whether profiles would work on this machine, found out without starting anything."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from dtedask.cluster.documents.jobs import parsed
from dtedask.cluster.documents.layers import deep_get, read_layers
from dtedask.cluster.documents.places import place_of
from dtedask.cluster.documents.profiles import Profile, Written, profile_files, read_file
from dtedask.cluster.job_scripts import has_jobs
from dtedask.cluster.named import arguments_of, class_of, job_class_of
from dtedask.cluster.scripts import job_script
from dtedask.core.errors import DtedaskError, MissingExtraError, SettingError
from dtedask.core.nearest import did_you_mean

__all__ = ["CheckedProfile", "Finding", "check_profiles"]

Level = Literal["wrong", "here", "note"]
_SMALL = 64 * 2**20
_MALLOC = "MALLOC_TRIM_THRESHOLD_"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a profile that one should know.

    Parameters
    ----------
    level : {"wrong", "here", "note"}
        A mistake in a document; what does not work on this machine; what may be as it is meant.
    text : str
        What it is, with its place.
    """

    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class CheckedProfile:
    """What was found about one profile, or one file.

    Parameters
    ----------
    name : str
        The profile, or the file where its profiles cannot be read.
    findings : tuple of Finding
        Empty where all is well.
    """

    name: str
    findings: tuple[Finding, ...] = ()

    def has(self, level: Level) -> bool:
        """Whether something of a level was found."""
        return any(finding.level == level for finding in self.findings)


def check_profiles(names: Sequence[str] = ()) -> list[CheckedProfile]:
    """Check profiles without starting anything.

    Parameters
    ----------
    names : sequence of str
        Profiles; all without any.

    Raises
    ------
    SettingError
        If there is no profile of such a name.
    DocumentError
        If a file is no YAML.
    """
    layers = read_layers()
    written: dict[str, Written] = {}
    wrong: list[CheckedProfile] = []
    for layer in profile_files(layers):
        try:
            written.update(read_file(layer, layers))
        except DtedaskError as error:
            wrong.append(CheckedProfile(layer.lines.place, (Finding("wrong", str(error)),)))
    unknown = [name for name in names if name not in written]
    if unknown and not wrong:
        raise SettingError(f"There is no cluster profile {unknown[0]!r}.", hint=did_you_mean(unknown[0], written))
    wanted = [name for name in names if name in written] if names else sorted(written)
    return [*wrong, *(CheckedProfile(name, tuple(_findings(written[name]))) for name in wanted)]


def _findings(written: Written) -> Iterator[Finding]:
    try:
        profile = written.profile()
    except DtedaskError as error:
        yield Finding("wrong", str(error))
        return
    yield from _of_class(profile)
    yield from _of_machine(profile)
    yield from _of_encryption(profile)
    yield from _of_jobs(profile)
    yield from _of_malloc(profile)
    yield from _as_dask_reads(written, profile.section)


def _of_class(profile: Profile) -> Iterator[Finding]:
    """What keeps the class of a cluster, or its jobs, from being made."""
    try:
        if profile.kind == "class":
            class_of(profile)
            arguments_of(profile)
        if has_jobs(profile):
            job_script(profile)
    except MissingExtraError as error:
        yield Finding("here", str(error))
    except DtedaskError as error:
        yield Finding("wrong", str(error))


def _of_machine(profile: Profile) -> Iterator[Finding]:
    """Whether processes of this machine find enough of it."""
    if profile.kind not in {"threads", "local-cluster"}:
        return
    from dask.system import CPU_COUNT
    from distributed.system import MEMORY_LIMIT

    wanted = (profile.threads or 1) * profile.workers
    if wanted > CPU_COUNT:
        yield Finding("note", f"{place_of(profile)}: {wanted} threads in all on {CPU_COUNT} cores.")
    if profile.memory is not None and not isinstance(profile.memory, float):
        memory = parsed("parse_bytes", profile.memory, "a size") * profile.workers
        if memory > MEMORY_LIMIT:
            yield Finding(
                "here",
                f"{place_of(profile, 'memory')}: the workers may take {_size(memory)} and this machine has "
                f"{_size(MEMORY_LIMIT)}.",
            )


def _of_encryption(profile: Profile) -> Iterator[Finding]:
    if profile.encrypt and find_spec("cryptography") is None:
        yield Finding(
            "here",
            f"{place_of(profile, 'encrypt')}: certificates need cryptography, which is not installed. "
            'Install it by: pip install "dtedask[slurm]"',
        )


def _of_jobs(profile: Profile) -> Iterator[Finding]:
    """What jobs need on this machine, from which they are submitted, and on the nodes."""
    job = _job_class(profile)
    if job is None:
        return
    for command in (job.submit_command, job.cancel_command):
        name = (command or "").partition(" ")[0]
        if name and shutil.which(name) is None:
            yield Finding("here", f"There is no {name} on PATH; jobs are submitted where it is.")
    yield from _of_interface(profile)
    yield from _of_paths(profile)
    yield from _of_shares(profile)
    if profile.job.get("account", profile.job.get("project")) is None and hasattr(job, "submit_command"):
        yield Finding("note", "No account is named; a site that wants one refuses the jobs.")


def _of_malloc(profile: Profile) -> Iterator[Finding]:
    """Whether workers may keep their memory between tasks, which a user's own profile has to say."""
    before = profile.configuration.get("distributed", {}).get("nanny", {}).get("pre-spawn-environ", {})
    if profile.kind == "slurm" and _MALLOC not in before:
        yield Finding(
            "note",
            f"{profile.path}: workers give memory back after each task and decode a third slower; copy the section "
            "`distributed` of the shipped slurm.yaml.",
        )


def _job_class(profile: Profile) -> Any:
    try:
        if profile.kind == "slurm":
            from dtedask.cluster.slurm.start import jobqueue

            return jobqueue().slurm.SLURMJob
        return job_class_of(class_of(profile)) if profile.kind == "class" else None
    except DtedaskError:  # told by _of_class
        return None


def _of_interface(profile: Profile) -> Iterator[Finding]:
    job = {**profile.job, **profile.options}
    names = {job.get("interface"), (profile.job.get("scheduler-options") or {}).get("interface")} - {None}
    there = [name for _, name in socket.if_nameindex()]
    for name in sorted(str(name) for name in names):
        if name not in there:
            yield Finding(
                "here", f"This machine has no interface {name!r}, which the scheduler needs; it has {', '.join(there)}."
            )


def _of_paths(profile: Profile) -> Iterator[Finding]:
    for key, what in (("local-directory", "scratch"), ("log-directory", "folder for logs"), ("python", "Python")):
        path = profile.job.get(key)
        if path and "$" not in str(path) and "/" in str(path) and not Path(os.path.expanduser(path)).exists():  # noqa: PTH111
            yield Finding("note", f"The {what} {path!r} ({key}) is not on this machine; the nodes must have it.")


def _of_shares(profile: Profile) -> Iterator[Finding]:
    """Whether what one worker gets of a job makes sense."""
    cores, processes, memory = (profile.job.get(key) for key in ("cores", "processes", "memory"))
    if isinstance(cores, int) and isinstance(processes, int):
        if processes > cores:
            yield Finding("wrong", f"{profile.path}: {processes} processes share {cores} cores of a job.")
        elif cores % processes:
            yield Finding("note", f"{cores} cores of a job are shared by {processes} processes; some stay idle.")
    share = parsed("parse_bytes", memory, "a size") / (processes or 1) if memory is not None else _SMALL
    if share < _SMALL:
        yield Finding("wrong", f"{profile.path}: a worker would get {_size(share)} of memory; write it as '4GB'.")


def _as_dask_reads(written: Written, section: str) -> Iterator[Finding]:
    """Values of jobs that plain Dask takes for something else, such as times without quotes."""
    import yaml

    ours = written.layer.get("jobqueue", section) if section else None
    path = Path(written.layer.lines.place)
    if not isinstance(ours, Mapping) or not path.is_file():
        return
    theirs = deep_get(yaml.safe_load(path.read_text("utf-8")), ["jobqueue", section])[0] or {}
    for key, value in ours.items():
        if theirs.get(key) != value:
            place = written.layer.lines.at(("jobqueue", section, key))
            yield Finding("note", f"{place}: plain Dask reads {key} as {theirs.get(key)!r}; put {value!r} into quotes.")


def _size(count: float) -> str:
    from dask.utils import format_bytes

    return format_bytes(int(count))
