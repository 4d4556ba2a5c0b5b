"""Options and arguments that several commands share."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

Root = Annotated[
    str | None,
    typer.Option(
        "--root", help="Folder or URL of the root, or a roots document (YAML); without it store.root.", metavar="ROOT"
    ),
]
Words = Annotated[
    list[str] | None,
    typer.Argument(
        help="key=value,key=value as MARS writes it; @FILE, or - for standard input.",
        metavar="REQUEST",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Write JSON lines: one object a line.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="NAME",
        help="Where to run: a profile (local, local-cluster, slurm, your own), or a cluster that is kept running.",
    ),
]
Section = Annotated[
    str,
    typer.Option("--section", metavar="NAME", help="Section of a plan of MultIO that fields come to first."),
]
Performance = Annotated[
    str | None,
    typer.Option(
        "--performance-report",
        metavar="FILE",
        help="Write Dask's performance report of the cluster, an HTML file.",
    ),
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="WHEN", help="Read the cubes as they were: a time (UTC), a snapshot or a tag."),
]
Unit = Annotated[
    Literal["all", "file", "step"], typer.Option("--unit", help="What is committed at once.", show_default=True)
]
OnError = Annotated[
    Literal["raise", "skip"],
    typer.Option("--on-error", help="Stop at input that is no good, or skip it and list what was skipped."),
]

Again = Annotated[
    bool,
    typer.Option("--again", help="Read and compare everything, and not only what is new, changed, wiped or replaced."),
]


def root_or_setting(root: str | None) -> str:
    """Return the root that was named, else that of the settings."""
    if root is not None:
        return root
    from dtedask.core.settings import setting

    return str(setting("store.root"))
