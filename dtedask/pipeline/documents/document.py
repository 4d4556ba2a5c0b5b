"""The plan as a document: YAML in, a checked model out."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from dtedask.core.document_errors import dotted
from dtedask.core.documents import KeyPath, Lines, check_document
from dtedask.core.errors import DocumentError
from dtedask.core.nearest import did_you_mean
from dtedask.pipeline.action import AnyAction
from dtedask.pipeline.checkpoint.options import CheckpointOptions
from dtedask.pipeline.documents.reading import is_section, read_source
from dtedask.pipeline.runs.policy import OnError

__all__ = ["PipelineDocument", "PlanDocument", "SectionDocument", "plan_schema", "read_plan"]

CLIENT = "client"
_BESIDE = ("description", "on-error", "on_error", "checkpoint")
_UNUSED = ("run", "mpi_communicators", "active_matchers")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True)


class PipelineDocument(_Part):
    """One pipeline: a list of actions that messages go through."""

    name: str = ""
    """What to call it; pipelines that run together have different names."""
    description: str = ""
    """What it is for."""
    enabled: bool = True
    """Whether it runs."""
    file: str = ""
    """A file that holds this plan: what stands there goes before what stands here."""
    actions: list[AnyAction] = []
    """What is done with each message, in order; each action has a type."""
    on_error: Annotated[OnError | None, Field(alias="on-error")] = None
    """What to do where an action fails that does not say so itself; by default what the plan says."""

    @model_validator(mode="after")
    def _has_actions(self) -> PipelineDocument:
        if not self.actions:
            raise DocumentError("a plan needs actions.", hint="Give it a list 'actions', or a 'file' that holds them.")
        for action in self.actions[:-1]:
            if action.type == "transport":
                raise DocumentError(
                    "nothing after 'transport' is ever reached.", hint="Make it the last action of the plan."
                )
        return self

    @property
    def targets(self) -> tuple[str, ...]:
        """Sections to which its fields go on."""
        return tuple(action.target for action in self.actions if action.type == "transport")  # type: ignore[attr-defined]


class Matcher(BaseModel):
    """Keys and values; MultIO reads them and does not use them."""

    model_config = ConfigDict(extra="allow")


class _MultioKeys(_Part):
    """What MultIO writes beside plans, about its processes; accepted, without effect here."""

    transport: str = ""
    """How clients and servers of MultIO talk: ``mpi``, ``thread``, ``tcp``, ``none``. Here all is one process."""
    group: str = ""
    """MultIO's group of processes."""
    count: int | None = None
    """How many servers MultIO starts."""
    client_group: str = Field(default="", alias="client-group")
    """MultIO's communicator of the clients."""
    server_group: str = Field(default="", alias="server-group")
    """MultIO's communicator of the servers."""
    tag: str = ""
    """MultIO's mark of a section."""
    clients: list[dict[str, Any]] = []
    """Hosts and ports of MultIO's clients over TCP."""
    servers: list[dict[str, Any]] = []
    """Hosts and ports of MultIO's servers over TCP."""
    parameters: dict[str, list[int]] = {}
    """Parameters that MultIO's hammer sends, by type of level."""
    step_meter_file: str = Field(default="", alias="step-meter-file")
    """Where MultIO's server writes the step that it has reached."""


class SectionDocument(_MultioKeys):
    """A section of a plan of MultIO: the plans of its clients, or those of its servers."""

    plans: list[PipelineDocument] = []
    """Its pipelines."""
    on_error: Annotated[OnError | None, Field(alias="on-error")] = None
    """What to do where an action fails and neither it nor its pipeline says so."""


class PlanDocument(_MultioKeys):
    """A plan: one list of actions, or several pipelines that all see the same stream; or a file of MultIO.

    Sections of MultIO stand under names of their own, such as ``client`` and ``server``. Fields go to the section
    ``client``, and from there by `transport` to the section that it names.
    """

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, SectionDocument]

    name: str = ""
    """What to call it; by default the name of its file."""
    description: str = ""
    """What it is for."""
    actions: list[AnyAction] = []
    """The actions of a plan that is one pipeline."""
    plans: list[PipelineDocument] = []
    """The pipelines, where there are several."""
    run: dict[str, Any] = {}
    """Keys of MultIO's run, which MultIO does not use any more."""
    mpi_communicators: dict[str, Any] = Field(default={}, alias="mpi-communicators")
    """How MultIO splits its processes."""
    active_matchers: list[Matcher] = Field(default=[], alias="active-matchers")
    """Fields that a model of MultIO sends; MultIO reads it and does not use it."""
    on_error: Annotated[OnError | None, Field(alias="on-error")] = None
    """What to do where an action fails and neither it nor its pipeline says so; by default `propagate`."""
    checkpoint: CheckpointOptions = CheckpointOptions()
    """When the state of a run is saved, so that it can go on after it was killed."""
    _path: Path | None = PrivateAttr(default=None)
    _content: Any = PrivateAttr(default=None)
    _lines: Lines = PrivateAttr(default=Lines("<plan>"))

    @model_validator(mode="before")
    @classmethod
    def _only_sections_are_added(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        legal = {name for key, info in cls.model_fields.items() for name in (key, info.alias or key)}
        unknown = [key for key, value in data.items() if key not in legal and not is_section(value)]
        if unknown:
            errors = [InitErrorDetails(type="extra_forbidden", loc=(str(key),), input=data[key]) for key in unknown]
            raise ValidationError.from_exception_data("plan", errors)
        return data

    @model_validator(mode="after")
    def _is_one_kind_of_plan(self) -> PlanDocument:
        if self.actions and self.plans:
            raise DocumentError("A plan has 'actions' or 'plans', not both.", hint="Make the actions one of the plans.")
        if (self.actions or self.plans) and CLIENT in self.sections:
            raise DocumentError(
                "The section 'client' and plans beside it: MultIO would run the section alone.",
                hint="Move the plans into the section, or take it away.",
            )
        if not (self.actions or self.plans or self.sections):
            raise DocumentError("There is nothing to do in this plan.", hint="Give it 'actions' or 'plans'.")
        return self

    @property
    def path(self) -> Path | None:
        """Its file, None for a plan that is in no file."""
        return self._path

    @property
    def title(self) -> str:
        """What to call it: its name, else that of its file."""
        return self.name or (self._path.stem if self._path is not None else "plan")

    @property
    def sections(self) -> dict[str, SectionDocument]:
        """Sections of MultIO, by name."""
        return dict(self.__pydantic_extra__ or {})

    @property
    def pipelines(self) -> list[PipelineDocument]:
        """Pipelines that stand in no section."""
        if self.actions:
            return [PipelineDocument(name=self.title, actions=self.actions)]
        return self.plans

    @property
    def ignored(self) -> tuple[str, ...]:
        """Keys of MultIO that it has and that mean nothing here."""
        own = [_written(type(self), key) for key in _of_multio(self) | (self.model_fields_set & set(_UNUSED))]
        below = [
            f"{name}.{_written(type(section), key)}"
            for name, section in self.sections.items()
            for key in _of_multio(section)
        ]
        return tuple(sorted(own) + sorted(below))

    def place(self, path: KeyPath) -> str:
        """Say where a key of the document stands: file and line."""
        return self._lines.at(path)

    def lists_of_plans(self) -> Iterator[tuple[KeyPath, list[PipelineDocument]]]:
        """Give all pipelines, those in no section first, by the key path of their list."""
        yield ("plans",), self.pipelines
        for name, section in self.sections.items():
            yield (name, "plans"), section.plans

    @property
    def has_entry(self) -> bool:
        """Whether it is clear where fields come to first."""
        return bool(self.pipelines) or CLIENT in self.sections or len(self.sections) == 1

    def entry(self, section: str = "") -> tuple[str, list[PipelineDocument]]:
        """Find the pipelines that fields come to first.

        Parameters
        ----------
        section : str
            Name of the section to run; by default the plans in no section, or ``client``, or the only section.

        Returns
        -------
        section : str
            Name of their section, empty where they stand in none.
        pipelines : list of PipelineDocument
            In their order.

        Raises
        ------
        DocumentError
            If there is no such section, or several and none was named.
        """
        sections = self.sections
        if section and section not in sections:
            raise DocumentError(f"The plan has no section {section!r}.", hint=did_you_mean(section, sections))
        if not section and self.pipelines:
            return "", self.pipelines
        if not section and not self.has_entry:
            raise DocumentError(
                f"The plan has the sections {', '.join(sections)}, and none of them is 'client'.",
                hint="Name the one to run (--section).",
            )
        found = section or (CLIENT if CLIENT in sections else next(iter(sections)))
        return found, sections[found].plans

    @property
    def digest(self) -> str:
        """sha256 of the content, in hexadecimal.

        It is that of the content after substitution, with the files of functions that belong to it; the order of keys,
        comments, descriptions, what to do about errors, checkpoints, and the name of the file do not count.
        """
        content = self._content
        if content is None:
            content = self.model_dump(by_alias=True, exclude_unset=True)
        folder = self._path.parent if self._path is not None else Path.cwd()
        whole = {"content": _essence(content), "files": dict(_digests(folder, self._files()))}
        return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()

    def on_error_in(self, section: str) -> OnError | None:
        """Return what is to be done about errors in a section, where its pipelines do not say so; "" for no section."""
        found = self.sections[section].on_error if section else None
        return found or self.on_error

    def _files(self) -> Iterator[str]:
        for _, pipelines in self.lists_of_plans():
            for action in (action for pipeline in pipelines for action in pipeline.actions):
                yield from action.files()


def read_plan(
    source: str | os.PathLike[str] | Mapping[str, Any], *, environment: Mapping[str, str] | None = None
) -> PlanDocument:
    """Read a plan.

    Parameters
    ----------
    source : str, path or mapping
        A file, YAML text, or what YAML would give.
    environment : mapping, optional
        Variables for ``{VAR}``; by default those of the process.

    Raises
    ------
    DocumentError
        Naming file, line and key of what is wrong.
    """
    data, lines, path = read_source(source, os.environ if environment is None else environment)
    document = check_document(data, lines, PlanDocument, kind="plan", context={"path": path})
    document._path, document._content, document._lines = path, data, lines  # noqa: SLF001
    _check_names(document, lines)
    _check_targets(document, lines)
    return document


def plan_schema() -> dict[str, Any]:
    """JSON schema of plans, with all actions and sinks that are installed."""
    return PlanDocument.model_json_schema(by_alias=True)


def _of_multio(document: _MultioKeys) -> set[str]:
    return document.model_fields_set & set(_MultioKeys.model_fields)


def _written(kind: type[BaseModel], key: str) -> str:
    return kind.model_fields[key].alias or key


def _check_names(document: PlanDocument, lines: Lines) -> None:
    for place, pipelines in document.lists_of_plans():
        seen: dict[str, str] = {}
        for index, pipeline in enumerate(pipelines):
            here = lines.at((*place, index, "name"))
            if pipeline.name and pipeline.name in seen:
                raise DocumentError(
                    f"{here}: two plans have the name {pipeline.name!r}, the first in {seen[pipeline.name]}.",
                    hint="Give each a name of its own.",
                )
            seen[pipeline.name] = here


def _check_targets(document: PlanDocument, lines: Lines) -> None:
    """Refuse a transport to a section that is not there, in a file that has sections to go to."""
    sections = document.sections
    if not set(sections) - {CLIENT}:
        return  # MultIO's servers may have a file of their own: only a run needs them
    for place, pipelines in document.lists_of_plans():
        for index, pipeline in enumerate(pipelines):
            path = (*place, index, "actions", len(pipeline.actions) - 1, "target")
            for target in pipeline.targets:
                if target not in sections:
                    raise DocumentError(
                        f"{lines.at(path)}: {dotted(path)}: there is no section {target!r}.",
                        hint=did_you_mean(target, sections),
                    )


_NO_CONTENT = ("description", "on-error", "on_error", "checkpoint")


def _essence(content: Any) -> Any:
    """Leave out what says nothing of what a plan does with fields that are as they should be."""
    if isinstance(content, Mapping):
        kept = {key: value for key, value in content.items() if key not in _NO_CONTENT}
        return {
            str(key): _essence(one) if key in ("plans", "actions") or is_section(one) else one
            for key, one in kept.items()
        }
    return [_essence(value) for value in content] if isinstance(content, list | tuple) else content


def _digests(folder: Path, files: Iterator[str]) -> Iterator[tuple[str, str]]:
    for name in files:
        path = folder / Path(name).expanduser()
        if path.is_file():
            yield name, hashlib.sha256(path.read_bytes()).hexdigest()
