"""The plan as a document: YAML in, a checked model out."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from dtedask.core.documents import load_document
from dtedask.pipeline.action import AnyAction
from dtedask.pipeline.policy import OnError


class PipelineDocument(BaseModel):
    """One list of actions."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True)

    name: str = ""
    """What to call it."""
    actions: Annotated[list[AnyAction], Field(min_length=1)]
    """What is done with each message, in order; each action has a type."""
    on_error: Annotated[OnError | None, Field(alias="on-error")] = None
    """What to do where an action fails that does not say so itself; by default what the plan says."""


class PlanDocument(BaseModel):
    """A plan: one list of actions, or several pipelines that all see the same stream."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True)

    name: str = ""
    """What to call it; by default the name of its file."""
    actions: list[AnyAction] = []
    """The actions of a plan that is one pipeline."""
    plans: list[PipelineDocument] = []
    """The pipelines, where there are several."""
    on_error: Annotated[OnError | None, Field(alias="on-error")] = None
    """What to do where an action fails and neither it nor its pipeline says so; by default `propagate`."""
    _path: Path | None = PrivateAttr(default=None)

    @property
    def pipelines(self) -> list[PipelineDocument]:
        """All pipelines, each with a name."""
        whole = [PipelineDocument(name=self.name or "plan", actions=self.actions)] if self.actions else []
        return whole + self.plans

    @property
    def digest(self) -> str:
        """sha256 of the content, in hexadecimal; what to do about errors does not count."""
        content = [without_policies(pipeline) for pipeline in self.pipelines]
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def without_policies(pipeline: PipelineDocument) -> dict[str, Any]:
    """What a pipeline does with fields that are as they should be."""
    return pipeline.model_dump(exclude={"on_error": True, "actions": {"__all__": {"on_error"}}})


def read_plan(source: str | os.PathLike[str] | Mapping[str, Any]) -> PlanDocument:
    """Read a plan.

    Raises
    ------
    DocumentError
        Naming file, line and key of what is wrong.
    """
    return load_document(source, PlanDocument, kind="plan")
