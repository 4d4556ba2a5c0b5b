"""`dtedask cluster`: the profiles, and what they would start."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, emit_table, plural, say
from dtedask.cli.options import Json, JsonLines

Name = Annotated[
    str | None,
    typer.Argument(help="A profile; without one that of the setting cluster.", metavar="PROFILE", show_default=False),
]
Names = Annotated[
    list[str] | None, typer.Argument(help="Profiles; all without any.", metavar="PROFILE", show_default=False)
]


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(group, "list", list_profiles, "dtedask cluster list")
    add(group, "show", show, "dtedask cluster show slurm")
    add(group, "script", script, "dtedask cluster script slurm")
    add(group, "check", check, "dtedask cluster check", "dtedask cluster check local-cluster")
    add(group, "schema", schema, "dtedask cluster schema > profile.schema.json")


def list_profiles(as_json: JsonLines = False) -> None:
    """List the profiles that --cluster and recipes may name."""
    from dtedask.cluster import profiles
    from dtedask.core.settings import setting

    current = setting("cluster")
    if as_json:
        for profile in profiles().values():
            emit_json(asdict(profile) | {"current": profile.name == current})
        return
    rows = ((p.name, "*" if p.name == current else "", p.kind, p.description, p.path) for p in profiles().values())
    emit_table(("profile", "default", "kind", "description", "file"), rows)


def show(profile: Name = None, as_json: Json = False) -> None:
    """Show the values of a profile in effect, and where each comes from.

    A value comes from a line of a file, from a variable of the environment, or is a default.
    """
    from dtedask.cluster import profile as profile_named
    from dtedask.cluster import values_of

    found = profile_named(profile)
    values = values_of(found.name)
    if as_json:
        emit_json({"profile": found.name, "file": found.path, "values": [asdict(value) for value in values]})
        return
    emit_table(("key", "value", "from"), ((value.key, _text(value.value), value.source) for value in values))


def script(profile: Name = None) -> None:
    """Print what a profile would start.

    For jobs this is the script of one worker job exactly as it would be submitted; what is known only once the cluster
    runs stands in angle brackets. For other clusters it is the call that makes them, as Python that can be pasted.
    """
    from dtedask.cluster import start_script

    emit(start_script(profile).rstrip("\n"))


def check(profiles: Names = None, as_json: JsonLines = False) -> None:
    """Check profiles without starting anything, and say what would not work on this machine.

    The exit status is 2 if a document is wrong, and 1 if a profile that was named would not work here.
    """
    from dtedask.cluster import check_profiles

    checked = check_profiles(profiles or ())
    for one in checked:
        if as_json:
            emit_json(asdict(one))
        else:
            emit(f"{one.name}: {'good' if not one.findings else plural(len(one.findings), 'finding')}")
            for finding in one.findings:
                emit(f"  {_LEVELS[finding.level]}: {finding.text}")
    if any(one.has("wrong") for one in checked):
        raise typer.Exit(2)
    if profiles and any(one.has("here") for one in checked):
        say("Not all of these profiles would work here.")
        raise typer.Exit(1)


def schema() -> None:
    """Print the JSON schema of a file of profiles, for editors."""
    from dtedask.cluster import profile_schema

    emit_json(profile_schema(), indent=2)


_LEVELS = {"wrong": "wrong", "here": "does not work here", "note": "note"}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
