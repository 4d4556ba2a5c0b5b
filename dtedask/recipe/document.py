"""The recipe: one YAML document that names input, cube, listeners, cluster and catalog."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from dtedask.core.documents import Lines, load_document
from dtedask.core.errors import DocumentError, SettingError
from dtedask.notify import Listener, Listeners, load_listeners
from dtedask.recipe.demo import DemoForecast
from dtedask.recipe.overrides import apply_overrides
from dtedask.recipe.paths import PathText, resolve
from dtedask.recipe.pipeline import PLAN_ITSELF, RecipePipeline
from dtedask.recipe.products import RecipeProducts
from dtedask.recipe.series import TimeSeries
from dtedask.request import Request
from dtedask.store import Layout, Schema


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True)


class Input(_Section):
    """Where the fields come from."""

    files: list[PathText] = []
    """Files, patterns and folders; one alone needs no list."""
    demo: DemoForecast | None = None
    """A made forecast instead of files."""
    watch: bool = False
    """Ingest what appears in a folder, until stopped."""
    unit: Literal["all", "file", "step"] | None = None
    """What is committed at once; by default all, and each file where a folder is watched."""
    on_error: Literal["raise", "skip"] = "raise"
    """Stop at input that is no good, or skip it and list what was skipped."""
    again: bool = False
    """Read and compare everything, and not only what is new, changed, wiped or replaced since the last run."""

    @field_validator("files", mode="before")
    @classmethod
    def _one_needs_no_list(cls, files: Any) -> Any:
        return [files] if isinstance(files, str) else files

    @field_validator("demo", mode="before")
    @classmethod
    def _empty_is_the_default(cls, demo: Any) -> Any:
        return {} if demo is None or demo is True else demo

    @model_validator(mode="after")
    def _is_one_source(self) -> Input:
        if bool(self.files) == (self.demo is not None):
            raise ValueError("it needs either 'files' or 'demo'.")
        if self.watch and (self.demo is not None or len(self.files) != 1):
            raise ValueError("'watch' needs one folder in 'files'.")
        return self


def _duration(value: Any) -> str:
    from dtedask.store import Retention

    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{value!r} is no duration; write '10 d'.")
    try:
        seconds = Retention.parse(value, None).keep_s
    except SettingError as error:
        raise ValueError(str(error)) from error
    return f"{seconds:g} s"


Duration = Annotated[str, BeforeValidator(_duration)]


class Keep(_Section):
    """What of the fields stays, in a rolling archive; how long alone needs no section."""

    fields: Duration
    """Fields whose reference time lies so long, or longer, behind the newest of their cube are wiped."""
    past: Duration = "0 s"
    """How long the commits that still show them are kept: their room is given back then."""
    request: dict[str, str | int | list[str | int]] = {}
    """Only these fields roll; by default all of the cubes that the recipe writes to."""

    @property
    def fields_s(self) -> float:
        """How long fields stay, in seconds."""
        return float(self.fields.removesuffix(" s"))

    @field_validator("fields", mode="after")
    @classmethod
    def _keeps_something(cls, value: str) -> str:
        if value == "0 s":
            raise ValueError("it keeps nothing; write '10 d'.")
        return value

    @field_validator("request", mode="after")
    @classmethod
    def _is_a_request(cls, value: dict[str, Any]) -> dict[str, Any]:
        Request(value)
        return value


class Recipe(_Section):
    """What to run: where fields come from, where they go, who hears of them."""

    name: Annotated[str, Field(min_length=1)]
    """What to call it."""
    description: str = ""
    """One line or more for people."""
    input: Input
    """Where the fields come from: a section, or just files."""
    root: PathText
    """Folder or URL of the root."""
    schema_: Annotated[Schema | None, Field(alias="schema")] = None
    """Schema of a root that does not exist yet: its file, or the schema itself."""
    layout: Layout | Literal["virtual"] | None = None
    """How arrays of a root that does not exist yet are laid out; `virtual` leaves the files where they are."""
    series: TimeSeries | None = None
    """Make time series of complete runs; `{}` takes the defaults."""
    pipeline: RecipePipeline | None = None
    """A plan that runs on what is committed: its file, the plan itself, or a section."""
    products: RecipeProducts | None = None
    """What is ordered of what is committed: the file of requirements, or a section."""
    keep: Keep | None = None
    """How long fields stay, where the archive is a rolling one: a section, or just a duration such as `10 d`."""
    listeners: list[Listener] = []
    """Who hears of commits: a list as in a file of listeners, or the name of such a file."""
    cluster: str | None = None
    """Kept cluster or profile to run on; by default the setting `cluster`."""
    catalog: Annotated[str | bool, Field(union_mode="left_to_right")] = True
    """Intake catalog that commits are entered into; true is that of the root, false is none."""
    report: PathText | None = None
    """Folder of run reports; by default the setting `recipe.report-folder`, else `runs` beside the catalog."""
    _path: Path | None = PrivateAttr(default=None)
    _overrides: dict[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _override(cls, data: Any, info: ValidationInfo) -> Any:
        overrides = (info.context or {}).get("overrides")
        return apply_overrides(data, overrides) if overrides and isinstance(data, Mapping) else data

    @model_validator(mode="after")
    def _refers_to_files(self) -> Recipe:
        if self.is_virtual and (self.input.demo is not None or "-" in self.input.files):
            raise ValueError("layout 'virtual' refers to files, and 'input' names none that stay.")
        return self

    @field_validator("input", mode="before")
    @classmethod
    def _files_are_an_input(cls, value: Any) -> Any:
        return {"files": value} if isinstance(value, str | list) else value

    @field_validator("keep", mode="before")
    @classmethod
    def _durations_are_enough(cls, value: Any) -> Any:
        return {"fields": value} if isinstance(value, str | int | float) and not isinstance(value, bool) else value

    @field_validator("schema_", mode="before")
    @classmethod
    def _load_schema(cls, value: Any, info: ValidationInfo) -> Any:
        return load_document(str(resolve(value, info)), Schema, kind="schema") if isinstance(value, str) else value

    @field_validator("listeners", mode="before")
    @classmethod
    def _load_listeners(cls, value: Any, info: ValidationInfo) -> Any:
        return load_listeners(Path(resolve(value, info))).listeners if isinstance(value, str) else value

    @field_validator("series", mode="before")
    @classmethod
    def _true_is_the_default(cls, value: Any) -> Any:
        return {} if value is True else None if value is False else value

    @field_validator("catalog", mode="before")
    @classmethod
    def _catalog_is_a_path(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, str | bool):
            raise ValueError(f"{value!r} is neither a path nor true or false.")
        return resolve(value, info)

    @model_validator(mode="after")
    def _know_the_file(self, info: ValidationInfo) -> Recipe:
        path = (info.context or {}).get("path")
        self._path = Path(path) if path else None
        self._overrides = dict((info.context or {}).get("overrides") or {})
        place = str(self._path.expanduser().absolute()) if self._path else self.name
        for number, listener in enumerate(self.listeners, start=1):
            listener.name = listener.name or f"{place}#{number}"
            if self._path and not listener.document:
                listener.stand_in(place, Lines(place), ("listeners", number - 1))
        Listeners(listeners=self.listeners)  # no name twice
        return self

    @property
    def path(self) -> Path | None:
        """File of the recipe; None when it stands in no file."""
        return self._path

    @property
    def overrides(self) -> dict[str, Any]:
        """Values that took the place of what the document says, by key path."""
        return dict(self._overrides)

    @property
    def store_schema(self) -> Schema | None:
        """Schema of a root that does not exist yet."""
        if self.layout is None:
            return self.schema_
        # What cannot be referred to alone is copied, and kept as the message that it is.
        layout = "messages" if self.is_virtual else self.layout
        return (self.schema_ or Schema()).model_copy(update={"layout": layout})

    @property
    def is_virtual(self) -> bool:
        """Whether fields are referred to in their files, and not copied."""
        return self.layout == "virtual"

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON schema of the document, with what may be written in place of a section."""
        schema = cls.model_json_schema(by_alias=True)
        found = schema["properties"]
        files: dict[str, Any] = {"anyOf": [{"type": "string"}, {"items": {"type": "string"}, "type": "array"}]}
        found["input"] = {**found["input"], "anyOf": [{"$ref": found["input"].pop("$ref")}, *files["anyOf"]]}
        found["keep"]["anyOf"] = [{"type": "string"}, {"type": "number"}, *found["keep"]["anyOf"]]
        said = {"description": found["listeners"].pop("description")}
        found["pipeline"]["anyOf"] += [{"type": "string"}, PLAN_ITSELF]
        found["listeners"] = {**said, "anyOf": [found["listeners"], {"type": "string"}]}
        found["schema"]["anyOf"].append({"type": "string"})
        found["products"]["anyOf"].append({"type": "string"})
        found["series"]["anyOf"].append({"type": "boolean"})
        section = schema["$defs"]["Input"]["properties"]
        section["files"] = {**section["files"], **files}
        section["files"].pop("type"), section["files"].pop("items")
        return schema


def load_recipe(
    source: str | os.PathLike[str] | Mapping[str, Any], overrides: Mapping[str, Any] | None = None
) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    source : str, os.PathLike or mapping
        A file, YAML text, or what it would hold. Paths in it are relative to the file, else to the current folder.
    overrides : mapping, optional
        Values by key path, such as ``{"root": "data", "input.files": "a.grib"}``, that take the place of what the
        document says; paths in them are relative to the current folder.

    Raises
    ------
    DocumentError
        Naming file, line, key and the nearest legal one.
    """
    if not overrides:
        return load_document(source, Recipe, kind="recipe")
    try:
        return load_document(source, Recipe, kind="recipe", context={"overrides": overrides})
    except DocumentError as error:
        load_document(source, Recipe, kind="recipe")  # raises when the document itself is wrong
        pairs = ", ".join(f"{key}={value}" for key, value in overrides.items())
        raise DocumentError(f"With {pairs}: {error.message}", hint=error.hint) from error
