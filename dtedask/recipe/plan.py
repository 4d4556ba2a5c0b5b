"""What a recipe would do, and whether everything that it names is there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dtedask.core.documents import read_yaml
from dtedask.core.errors import DocumentError, NotFoundError
from dtedask.recipe.variables import names

if TYPE_CHECKING:
    from dtedask.ingest import IngestPlan
    from dtedask.recipe.document import Recipe


UnitName = Literal["all", "file", "step"]


@dataclass(frozen=True, slots=True)
class RecipePlan:
    """What a recipe would do.

    Parameters
    ----------
    recipe, root, cluster : str
        Its name, where fields would go, and the profile that it would run on.
    sources : tuple of str
        Where fields would come from.
    catalog : str, optional
        Catalog that commits would be entered into.
    listeners : tuple of str
        Names of the listeners.
    ingest : IngestPlan
        Fields, bytes, chunks, tasks and memory.
    series : str
        Of which runs time series would be made; empty where of none.
    pipeline : str
        What the plan does, on which fields and where results go; empty where there is none.
    products : str
        What is ordered, and where it goes; empty where nothing is.
    """

    recipe: str
    root: str
    cluster: str
    sources: tuple[str, ...]
    catalog: str | None
    listeners: tuple[str, ...]
    ingest: IngestPlan
    series: str = ""
    pipeline: str = ""
    products: str = ""


def check_recipe(recipe: Recipe, *, cluster: str | None = None) -> None:
    """Check that everything a recipe names is there; nothing is read or written.

    Raises
    ------
    DocumentError
        If files of the input are missing.
    SettingError
        If there is no such profile.
    """
    from dtedask.cluster import where_to_run

    where_to_run(cluster or recipe.cluster)
    if recipe.pipeline is not None:
        recipe.pipeline.ready(recipe)
    if recipe.products is not None:
        recipe.products.ready(recipe).close()
    for name in recipe.input.files:
        if not _exists(name):
            raise DocumentError(_missing(recipe, f"there is no {name!r}"), hint=_how_to_name(recipe))


def plan_recipe(recipe: Recipe, *, cluster: str | None = None) -> RecipePlan:
    """Say what a recipe would do; nothing is decoded or written.

    Raises
    ------
    DocumentError, SettingError
        As `check_recipe`.
    GribError
        If a file is no GRIB.
    """
    from dtedask.cluster import where_to_run
    from dtedask.ingest import plan_ingest
    from dtedask.store import open as open_store

    check_recipe(recipe, cluster=cluster)
    store = open_store(recipe.root, schema=recipe.store_schema)
    with naming_input(recipe), _files(recipe) as files:
        found = plan_ingest(files, store, unit=unit_of(recipe), on_error=recipe.input.on_error)
    return RecipePlan(
        recipe=recipe.name,
        root=store.root,
        cluster=where_to_run(cluster or recipe.cluster),
        sources=tuple(recipe.input.files) or ("a made forecast",),
        catalog=catalog_of(recipe),
        listeners=tuple(listener.name for listener in recipe.listeners),
        ingest=found,
        series=str(recipe.series) if recipe.series else "",
        pipeline=recipe.pipeline.explain(recipe) if recipe.pipeline else "",
        products=recipe.products.explain(recipe) if recipe.products else "",
    )


def unit_of(recipe: Recipe) -> UnitName:
    """What is committed at once."""
    by_file = recipe.input.watch or recipe.input.demo is not None
    return recipe.input.unit or ("file" if by_file else "all")


def catalog_of(recipe: Recipe) -> str | None:
    """Catalog file of a recipe; None where it wants none or its root has none."""
    from dtedask.catalog import catalog_path

    if isinstance(recipe.catalog, str):
        return recipe.catalog
    path = catalog_path(recipe.root) if recipe.catalog else None
    return None if path is None else str(path)


@contextmanager
def naming_input(recipe: Recipe) -> Iterator[None]:
    """Say of input that is not there how to name another."""
    try:
        yield
    except NotFoundError as error:
        raise DocumentError(_missing(recipe, error.message), hint=error.hint or _how_to_name(recipe)) from error


@contextmanager
def _files(recipe: Recipe) -> Iterator[list[str]]:
    """Files to plan for: what a made forecast would send is written to a folder that goes away again."""
    if recipe.input.demo is None:
        yield list(recipe.input.files)
        return
    with tempfile.TemporaryDirectory(prefix="dtedask-") as folder:
        for arrival in recipe.input.demo.arrivals():
            Path(folder, arrival.name).write_bytes(arrival.data)
        yield [folder]


def _exists(name: str) -> bool:
    import glob

    return name == "-" or os.path.exists(name) or bool(glob.glob(name, recursive=True))  # noqa: PTH110, PTH207


def _missing(recipe: Recipe, what: str) -> str:
    return f"{recipe.path or '<recipe>'}: input: {what}."


def _how_to_name(recipe: Recipe) -> str:
    other = "ame other files with --set input.files=PATH."
    variables = _variables_of_input(recipe)
    return f"Set {' and '.join(variables)}, or n{other}" if variables else f"N{other}"


def _variables_of_input(recipe: Recipe) -> tuple[str, ...]:
    """Variables of the environment in the input, as it is written."""
    if recipe.path is None:
        return ()
    document, _ = read_yaml(recipe.path.expanduser().read_text("utf-8"), str(recipe.path))
    return names(str(document.get("input", "")))
