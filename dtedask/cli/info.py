"""`dtedask info`: what is installed here."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, distribution, entry_points, metadata, version

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, emit_mapping
from dtedask.cli.options import Json

_LIBRARIES = ("numpy", "xarray", "dask", "distributed", "zarr", "icechunk", "eccodes", "eccodeslib", "intake")


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(group, "info", info, "dtedask info", "dtedask info --json")


def info(as_json: Json = False) -> None:
    """Show versions, extras, plug-ins and the root that commands use when none is named."""
    found = collect()
    if as_json:
        emit_json(found)
        return
    emit_mapping({key: _text(value) for key, value in found.items()})


def collect() -> dict[str, object]:
    """Collect what `dtedask info` shows."""
    import dtedask
    from dtedask.cluster import profiles
    from dtedask.core.settings import setting

    return {
        "dtedask": dtedask.__version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(),
        "libraries": {name: _version(name) or "missing" for name in _LIBRARIES},
        "extras": {name: "present" if not missing else f"missing: {missing}" for name, missing in _extras().items()},
        "plug-ins": sorted(point.name for point in entry_points(group="dtedask.plugins")),
        "profiles": list(profiles()),
        "cluster": setting("cluster"),
        "root": setting("store.root"),
    }


def _extras() -> dict[str, str]:
    """What is missing of each extra, and how to install it; empty where nothing is."""
    names = metadata("dtedask").get_all("Provides-Extra") or []
    return {name: _missing(name) for name in names}


def _missing(extra: str) -> str:
    from packaging.requirements import Requirement

    wanted = [Requirement(line) for line in distribution("dtedask").requires or []]
    of_extra = [one for one in wanted if one.marker and not one.marker.evaluate({"extra": ""})]
    found = [one.name for one in of_extra if one.marker.evaluate({"extra": extra}) and not _version(one.name)]  # type: ignore[union-attr]
    return f'{", ".join(found)}; pip install "dtedask[{extra}]"' if found else ""


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key} {item}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
