"""A recipe on what an event of a commit tells of: the work `recipe` of the trigger `dask`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtedask.core.errors import DocumentError
from dtedask.pipeline.on_event import archive_results
from dtedask.recipe.document import load_recipe

if TYPE_CHECKING:
    from dtedask.pipeline.on_event import Told

__all__ = ["apply_recipe"]


def apply_recipe(recipe: str, event: Told) -> str:
    """Apply the `pipeline` of a recipe to the fields of an event, instead of those of its own input.

    Parameters
    ----------
    recipe : str
        File of the recipe.
    event : Told
        What to apply it to.

    Returns
    -------
    str
        What was done.

    Raises
    ------
    DocumentError
        If the recipe is wrong, or has no pipeline.
    """
    found = load_recipe(recipe)
    if found.pipeline is None:
        raise DocumentError(
            f"The recipe {recipe!r} has no pipeline that could be applied to fields.",
            hint="Add a section `pipeline` with a plan.",
        )
    return archive_results(found.pipeline.ready(found), event)
