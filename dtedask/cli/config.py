"""`dtedask config`: the settings as they stand, and where each comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, emit_mapping, emit_table
from dtedask.cli.options import JsonLines
from dtedask.core.errors import SettingError
from dtedask.core.nearest import did_you_mean

if TYPE_CHECKING:
    from dtedask.core.settings import Setting


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(group, "config", config, "dtedask config", "dtedask config store.root", "dtedask config --json")


def config(
    key: Annotated[str | None, typer.Argument(help="One setting, such as store.root.", show_default=False)] = None,
    as_json: JsonLines = False,
) -> None:
    """Show the settings, and where each comes from.

    ~/.config/dask/*.yaml, a folder named by DASK_CONFIG, and variables such as DASK_DTEDASK__STORE__ROOT set them.
    """
    from dtedask.core.settings import settings

    found = [one for one in settings() if key is None or _matches(one.key, key)]
    if not found:
        raise SettingError(f"There is no setting {key!r}.", hint=did_you_mean(str(key), [s.key for s in settings()]))
    if as_json:
        for one in found:
            emit_json({"key": one.key, "value": one.value, "origin": origin(one), "description": one.description})
    elif len(found) == 1:
        one = found[0]
        emit_mapping({"key": one.key, "value": _text(one.value), "origin": origin(one), "meaning": one.description})
    else:
        emit_table(("setting", "value", "origin"), ((one.key, _text(one.value), origin(one)) for one in found))


def origin(one: Setting) -> str:
    """Say where the value of a setting comes from: a file, the environment or the default."""
    import dask.config

    full = f"dtedask.{one.key}"
    if dask.config.get(full, None, config=dask.config.collect_env()) is not None:
        return f"environment, DASK_{full.upper().replace('.', '__').replace('-', '_')}"
    paths = [str(path) for path in dask.config.paths_containing_key(full, dask.config.paths)]
    if paths:
        return ", ".join(paths)
    return "default" if one.is_default else "set in this process"


def _matches(name: str, wanted: str) -> bool:
    plain = wanted.removeprefix("dtedask.").replace("_", "-")
    return name == plain or name.startswith(f"{plain}.")


def _text(value: object) -> str:
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)
