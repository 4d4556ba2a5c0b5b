"""Recipes as batch jobs: what is checked before one is submitted."""

from dataclasses import replace

import pytest

from dtedask.core.errors import PlanError
from dtedask.recipe import DemoForecast, load_recipe, recipe_job
from dtedask.recipe.submit import _check_memory


@pytest.fixture
def recipe(tmp_path):
    (arrival,) = DemoForecast(steps=(0,), members=1, levels=(500,), degrees=30).arrivals()
    (tmp_path / arrival.name).write_bytes(arrival.data)
    return load_recipe({"name": "night", "root": str(tmp_path / "data"), "input": str(tmp_path / arrival.name)})


def test_a_job_is_named_as_its_recipe_and_gets_what_is_asked_for(recipe):
    made = recipe_job(recipe, workers=3, walltime="10")
    assert (made.job.name, made.job.workers, made.job.walltime) == ("night", 3, "10")
    assert "#SBATCH --ntasks=3\n" in made.script()


@pytest.mark.slow
def test_tasks_that_do_not_fit_into_a_worker_beside_the_driver_are_refused(recipe):
    job = recipe_job(recipe).job
    _check_memory(recipe, replace(job, memory_bytes=20_000, driver_bytes=0))
    with pytest.raises(PlanError, match="threads of a worker, more than its limit of"):
        _check_memory(recipe, replace(job, memory_bytes=20_000, driver_bytes=18_000))
