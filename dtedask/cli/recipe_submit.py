"""`dtedask recipe submit`: a recipe in one batch job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, say
from dtedask.cli.options import DryRun, Json

if TYPE_CHECKING:
    from dtedask.cluster.batch import BatchJob
    from dtedask.recipe import Recipe

File = Annotated[str, typer.Argument(help="The recipe, a YAML file.", metavar="FILE")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the recipe, as in input.unit=file."),
]


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "submit",
        submit,
        "dtedask recipe submit recipes/demo.yaml --dry-run",
        "dtedask recipe submit recipes/demo.yaml --workers 4 --walltime 00:10:00 --dry-run",
    )


def submit(  # noqa: PLR0913 - each is an option of the command
    file: File,
    overrides: Set = None,
    *,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="PROFILE", help="Profile of kind slurm that says what a worker needs."),
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Worker processes in all.")] = None,
    nodes: Annotated[int | None, typer.Option("--nodes", min=1, help="Nodes to spread them over.")] = None,
    walltime: Annotated[str | None, typer.Option("--walltime", metavar="TIME", help="As in 01:30:00.")] = None,
    partition: Annotated[str | None, typer.Option("--partition", help="Partition to run in.")] = None,
    account: Annotated[str | None, typer.Option("--account", help="Account to charge.")] = None,
    dependency: Annotated[
        str | None, typer.Option("--dependency", metavar="WHEN", help="Start after other jobs, as in afterok:123.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the job; by default that of the recipe.")] = None,
    requeue: Annotated[bool, typer.Option("--requeue/--no-requeue", help="Whether SLURM may start it again.")] = True,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Submit a recipe as one batch job, whose allocation becomes scheduler, driver and workers.

    Prints the id of the job. The recipe and all settings are taken as they are now, and checked before. With --dry-run,
    the script exactly as sbatch would get it.
    """
    from dtedask.cli.recipe import load
    from dtedask.cluster.batch import batch_job, profile_for_batch

    recipe = load(file, overrides)
    profile = profile_for_batch(cluster, recipe.cluster)
    asked: dict[str, Any] = {"workers": workers, "nodes": nodes, "walltime": walltime, "dependency": dependency}
    asked |= {"queue": partition, "account": account, "requeue": None if requeue else False}
    job = batch_job(profile, name=name or recipe.name, **asked)
    check(recipe, job)
    if dry_run:
        _show_script(job, as_json=as_json)
        return
    from dtedask.cluster.batch import prepare
    from dtedask.cluster.batch import submit as submit_folder

    folder = prepare(job, profile, _frozen(recipe), root=recipe.root)
    job_id = submit_folder(folder)
    say(f"Submitted {recipe.name} with profile {profile.name}: {folder.path}")
    if as_json:
        places = {"folder": str(folder.path), "log": str(folder.logs / "job.log")}
        emit_json({"job_id": job_id, "profile": profile.name, **places})
    else:
        emit(job_id)


def check(recipe: Recipe, job: BatchJob) -> None:
    """Check a recipe as far as that can be done before the job runs."""
    from dtedask.recipe import check_recipe

    check_recipe(recipe, cluster=job.profile)


def _show_script(job: BatchJob, *, as_json: bool) -> None:
    from dtedask.cluster.batch import batch_script
    from dtedask.cluster.folder import clusters_folder

    script = batch_script(job, clusters_folder() / f"{job.name}-<time>")
    if as_json:
        emit_json({"script": script})
    else:
        emit(script.rstrip("\n"))


def _frozen(recipe: Recipe) -> dict[str, Any]:
    """The recipe with overrides and absolute paths; where it runs is settled."""
    return recipe.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"cluster"})
