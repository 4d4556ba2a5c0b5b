"""Options and arguments that the commands of products share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.console import show_error, show_warning

if TYPE_CHECKING:
    from dtedask.products import Products, Requirements
    from dtedask.products.planning.plan import Unmakeable

Files = Annotated[
    list[str],
    typer.Argument(help="Requirements: YAML, or text as MARS writes it; files, patterns, folders.", metavar="FILE..."),
]
Inputs = Annotated[
    list[str],
    typer.Option(
        "--input", metavar="INPUT", help="Root, cube, GRIB file, pattern or folder that fields come from; repeatable."
    ),
]
Output = Annotated[
    str,
    typer.Option("--output", metavar="PLACE", help="Folder or URL for products of requirements that name no delivery."),
]
State = Annotated[
    str | None,
    typer.Option(
        "--state", metavar="FOLDER", help="Where it is kept what was made and delivered; by default in the output."
    ),
]
Cycles = Annotated[
    list[str] | None,
    typer.Option(
        "--cycle", metavar="TIME", help="Base time of a run, such as 20240603T00; by default all; repeatable."
    ),
]
Owners = Annotated[list[str] | None, typer.Option("--owner", metavar="NAME", help="Only of this owner; repeatable.")]
Names = Annotated[
    list[str] | None, typer.Option("--only", metavar="NAME", help="Only these requirements, * is any text; repeatable.")
]


def opened(
    files: Sequence[str],
    inputs: Sequence[str],
    output: str,
    state: str | None,
    *,
    owners: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
) -> Products:
    """Read requirements and open their input; what is broken is told, and the rest goes on."""
    from dtedask.products import Products

    found = Products.open(files, inputs, output=output, state=state)
    show_broken(found.requirements)
    return found.only(owners=owners or (), names=names or ())


def show_unmakeable(found: Iterable[Unmakeable]) -> None:
    """Tell what cannot be made as it is required."""
    for one in found:
        show_error(
            f"{one.requirement.place}: requirement {one.requirement.name!r}: {one.error.message}", one.error.hint
        )


def show_broken(requirements: Requirements) -> None:
    """Tell each requirement that is broken, with its place, and what one should know of the others."""
    for note in requirements.notes:
        show_warning(str(note))
    for one in requirements.broken:
        for mistake in one.mistakes:
            show_error(f"{mistake.place}: requirement {one.name!r}: {mistake.message}", mistake.hint)
