"""What starts the cluster of a profile, as Python that can be pasted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pprint import pformat
from typing import Any

from dtedask.cluster.documents.profiles import Profile
from dtedask.cluster.local import local_arguments
from dtedask.cluster.named import arguments_of, class_of
from dtedask.core.errors import SettingError


def constructor_call(profile: Profile) -> str:
    """Return Python that makes the cluster of a profile, and asks it for the workers of the profile.

    Raises
    ------
    SettingError
        If the profile has no cluster, or its class does not take its options.
    MissingExtraError
        If the package of its class is not installed.
    """
    if profile.kind in {"threads", "allocation"}:
        raise SettingError(
            f"The profile {profile.name!r} is of kind {profile.kind!r} and starts nothing.",
            hint="Name one of another kind; `dtedask cluster list` shows them.",
        )
    if profile.kind == "local-cluster":
        return _text(profile, "distributed.LocalCluster", local_arguments(profile), scale=_adapt(profile))
    class_of(profile)
    return _text(profile, profile.class_path, arguments_of(profile), scale=_scale(profile))


def _text(profile: Profile, path: str, arguments: Mapping[str, Any], *, scale: str) -> str:
    module, _, name = path.rpartition(".")
    imports = [f"from {module} import {name}"]
    if profile.encrypt and "security" not in arguments:
        imports.append("from distributed.security import Security")
        arguments = {**arguments, "security": _Name("Security.temporary()")}
    configuration = _configuration(profile.configuration)
    if configuration:
        imports.insert(0, "import dask.config")
    lines = [*sorted(imports, key=lambda line: (not line.startswith("import"), line)), ""]
    lines += [*configuration, *_call(name, arguments)]
    return "\n".join([*lines, *([scale] if scale else [])]) + "\n"


class _Name:
    """A name of Python, shown as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _configuration(configuration: Mapping[str, Any]) -> list[str]:
    if not configuration:
        return []
    # Setting a section would replace all of it.
    values = pformat(dict(configuration), width=100, sort_dicts=False).replace("\n", "\n    ")
    return ["dask.config.update(", "    dask.config.config,", f"    {values},", ")", ""]


def _call(name: str, arguments: Mapping[str, Any]) -> Iterator[str]:
    if not arguments:
        yield f"cluster = {name}()"
        return
    yield f"cluster = {name}("
    for key, value in arguments.items():
        first, *rest = pformat(value, width=100, sort_dicts=False).splitlines()
        yield "\n".join([f"    {key}={first}", *(" " * (5 + len(key)) + line for line in rest)]) + ","
    yield ")"


def _scale(profile: Profile) -> str:
    return _adapt(profile) or (f"cluster.scale({profile.workers})" if profile.workers else "")


def _adapt(profile: Profile) -> str:
    if profile.workers_maximum is None:
        return ""
    return f"cluster.adapt(minimum={profile.workers}, maximum={profile.workers_maximum})"
