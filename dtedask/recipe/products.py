"""What is ordered of the fields that a recipe commits."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from dtedask.core.stages import stage
from dtedask.recipe.paths import resolve
from dtedask.recipe.variables import expand

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.core.commit import Commit
    from dtedask.core.documents import Lines
    from dtedask.products import Products, Report
    from dtedask.recipe.document import Recipe


class RecipeProducts(BaseModel):
    """Requirements, and where their products go."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True)

    requirements: Annotated[str | list[Any], BeforeValidator(resolve), Field(min_length=1)]
    """Files of requirements, or the requirements themselves, as `dtedask products schema` describes them."""
    defaults: dict[str, Any] = {}
    """What these requirements have in common, where they stand here."""
    areas: dict[str, Any] = {}
    """Names of areas that they use."""
    output: Annotated[str, BeforeValidator(resolve)] = ""
    """Folder or URL for products of requirements that name no delivery."""
    state: Annotated[str | None, BeforeValidator(resolve)] = None
    """Folder in which it is kept what was made and delivered; by default in the output."""

    @model_validator(mode="before")
    @classmethod
    def _a_file_is_enough(cls, value: Any) -> Any:
        return {"requirements": value} if isinstance(value, str) else value

    def ready(self, recipe: Recipe) -> Products:
        """What is ordered, read; what is broken stands in its `requirements.broken`.

        Raises
        ------
        DocumentError
            If a file of requirements cannot be read.
        """
        from dtedask.products import Products, load_requirements

        if isinstance(self.requirements, str):
            found = load_requirements(self.requirements)
        else:
            document = {"requirements": self.requirements, "defaults": self.defaults, "areas": self.areas}
            found = load_requirements(_with_variables(document), lines=_lines(recipe), at=("products",))
        return Products(found, [recipe.root], output=self.output, state=self.state)

    def check(self, recipe: Recipe) -> None:
        """Look whether all requirements can be made.

        Raises
        ------
        DocumentError
            Naming all that cannot, each with its line.
        """
        from dtedask.core.errors import DocumentError

        broken = self.ready(recipe).requirements.broken
        if broken:
            raise DocumentError("\n".join(map(str, broken)), hint="All others are made.")

    def explain(self, recipe: Recipe) -> str:
        """One line on what is ordered."""
        found = self.ready(recipe).requirements
        owners = len({one.owner for one in found.valid})
        return f"{len(found.valid)} requirements of {owners} owners, to {self.output or 'where they say'}"


class Ordered:
    """Products of a recipe, made as its commits come.

    Parameters
    ----------
    recipe : Recipe
        Whose.
    client : distributed.Client, optional
        Compute on its workers.
    """

    def __init__(self, recipe: Recipe, client: Client | None) -> None:
        assert recipe.products is not None
        self._products = recipe.products.ready(recipe)
        self._client = client
        self.report: Report | None = None

    def catch_up(self, commits: Iterable[Commit] = (), *, stop: threading.Event | None = None) -> None:
        """Make what can be made of the runs that some commits touched; without commits, of all runs."""
        cycles = _cycles(commits)
        with stage("products"):
            self._products.refresh()
            report = self._products.run(cycles or None, client=self._client, stop=stop)
        self.report = report if self.report is None else self.report + report

    def finish(self) -> Report:
        """Make what is left, and say what was done.

        Raises
        ------
        ProductsFailedError
            If a requirement is broken or a product failed; all others are delivered.
        """
        self.catch_up()
        assert self.report is not None
        self.report.raise_if_failed(self._products.requirements.broken)
        return self.report

    def close(self) -> None:
        """Let go of what is open."""
        self._products.close()


def _cycles(commits: Iterable[Commit]) -> list[str]:
    keys = (change.keys for commit in commits for change in commit.changes)
    found = (
        f"{date}T{time}"
        for one in keys
        for date in one.get("date", "").split("/")
        for time in one.get("time", "0000").split("/")
    )
    return sorted(set(found))


def _with_variables(value: Any) -> Any:
    """What stands in a recipe with variables of the environment in their places."""
    if isinstance(value, str):
        return expand(value) if "${" in value else value
    if isinstance(value, Mapping):
        return {key: _with_variables(one) for key, one in value.items()}
    return [_with_variables(one) for one in value] if isinstance(value, list) else value


def _lines(recipe: Recipe) -> Lines:
    """Where the keys of a recipe stand; paths in it are relative to its file."""
    from dtedask.core.documents import Lines, read_document

    return Lines(recipe.name) if recipe.path is None else read_document(recipe.path, "recipe")[1]
