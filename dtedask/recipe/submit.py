"""A recipe in one batch job."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import DocumentError
from dtedask.recipe.plan import check_recipe, plan_recipe

if TYPE_CHECKING:
    from dtedask.cluster import Profile
    from dtedask.cluster.batch import BatchJob, BatchRun
    from dtedask.recipe.document import Recipe


@dataclass(frozen=True, slots=True)
class RecipeJob:
    """A recipe that can be submitted as one batch job.

    Parameters
    ----------
    recipe : Recipe
        What it runs.
    profile : Profile
        Where its workers come from.
    job : BatchJob
        What it asks for.
    """

    recipe: Recipe
    profile: Profile
    job: BatchJob

    def script(self) -> str:
        """The script as sbatch would get it, but for the name of its folder, which is not there before."""
        from dtedask.cluster.batch import batch_script
        from dtedask.cluster.folder import clusters_folder

        return batch_script(self.job, clusters_folder() / f"{self.job.name}-<run>")

    def submit(self) -> BatchRun:
        """Submit it, with the recipe and all settings as they are now.

        Raises
        ------
        ClusterError
            If there is no SLURM, or it refuses the job.
        """
        from dtedask.cluster.batch import submit

        # Where it runs is settled: on the workers of its job.
        document = self.recipe.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"cluster"})
        return submit(self.job, self.profile, document, recipe=self.recipe.name, root=self.recipe.root)


def recipe_job(recipe: Recipe, *, cluster: str | None = None, name: str | None = None, **asked: Any) -> RecipeJob:
    """Check a recipe and say which batch job would run it.

    Parameters
    ----------
    recipe : Recipe
        What to run.
    cluster : str, optional
        Profile of kind ``slurm``; by default that of the recipe, of the setting ``dtedask.cluster``, or ``slurm``.
    name : str, optional
        Name of the job; by default that of the recipe.
    **asked
        `workers`, `nodes`, `walltime`, `queue`, `account`, `dependency`, `requeue`: they win over the profile.

    Raises
    ------
    DocumentError
        If input is missing and the job waits for no other, or it is standard input.
    SettingError
        If there is no such profile, or it has no jobs.
    PlanError
        If a task needs more memory than a worker of the job has.
    """
    from dtedask.cluster.batch import batch_job, profile_for_batch

    profile = profile_for_batch(cluster, recipe.cluster)
    job = batch_job(profile, name=name or recipe.name, **asked)
    if "-" in recipe.input.files:
        raise DocumentError(
            f"{recipe.path or '<recipe>'}: input: a batch job has no standard input.", hint="Name files in 'input'."
        )
    try:
        check_recipe(recipe, cluster=cluster)
    except DocumentError:
        if job.dependency is None:
            raise
    else:
        _check_memory(recipe, job)
    return RecipeJob(recipe, profile, job)


def _check_memory(recipe: Recipe, job: BatchJob) -> None:
    if recipe.input.watch or recipe.input.demo is not None:  # what will come cannot be known, and is small
        return
    plan = plan_recipe(recipe).ingest
    needed = plan.memory_bytes // plan.threads * job.threads
    given = job.memory_bytes - job.driver_bytes  # of a worker beside the driver
    replace(plan, threads=job.threads, memory_bytes=needed, memory_limit=given, on_workers=True).check()
