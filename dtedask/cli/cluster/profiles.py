"""`dtedask cluster`: the profiles, and what they would start."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, emit_table
from dtedask.cli.options import JsonLines


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(group, "list", list_profiles, "dtedask cluster list")
    add(group, "script", script, "dtedask cluster script slurm")


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


def script(
    profile: Annotated[str, typer.Argument(help="A profile of kind slurm.", metavar="PROFILE")] = "slurm",
) -> None:
    """Print the script of one worker job exactly as it would be submitted."""
    from dtedask.cluster import job_script

    emit(job_script(profile).rstrip("\n"))
