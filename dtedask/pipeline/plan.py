"""The plan, ready to run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dtedask.pipeline.action import Action, Context, make_action
from dtedask.pipeline.document import PlanDocument, read_plan
from dtedask.pipeline.routes import Route, routes

if TYPE_CHECKING:
    from dtedask.pipeline.message import Message
    from dtedask.pipeline.run import RunSummary


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One chain of actions.

    Parameters
    ----------
    name : str
        What it is called.
    actions : tuple of Action
        In the order in which messages meet them.
    upstream : tuple of str
        Pipelines whose messages it goes on with, as `transport` hands them on; empty for the stream itself.
    section : str
        Section of the plan that it stands in, empty for none.
    """

    name: str
    actions: tuple[Action, ...]
    upstream: tuple[str, ...] = ()
    section: str = ""


class Plan:
    """What is done with a stream of fields, or with an archive of them.

    Parameters
    ----------
    document : PlanDocument
        What to do.
    output : str
        Root that sinks of the type cube write to which name none.
    folder : Path, optional
        Paths of the plan are relative to it; by default the folder of its file.
    section : str
        For plans of MultIO: the section that fields come to first; by default ``client``.

    Attributes
    ----------
    pipelines : tuple of Pipeline
        Those that run, each after those that it goes on with.
    """

    def __init__(
        self, document: PlanDocument, *, output: str = "", folder: Path | None = None, section: str = ""
    ) -> None:
        self.document = document
        self.output = output
        self.folder = folder or (document.path.expanduser().parent if document.path is not None else Path.cwd())
        self.digest = document.digest
        self.pipelines = tuple(
            Pipeline(route.name, tuple(self._actions(route)), route.upstream, route.section)
            for route in routes(document, section)
        )

    @classmethod
    def from_yaml(
        cls, source: str | os.PathLike[str] | Mapping[str, Any], *, output: str = "", section: str = ""
    ) -> Self:
        """Read a plan.

        Parameters
        ----------
        source : str, path or mapping
            A file, YAML text, or what YAML would give.
        output : str
            Root that sinks of the type cube write to which name none.
        section : str
            For plans of MultIO: the section that fields come to first; by default ``client``.

        Raises
        ------
        DocumentError
            Naming file, line and key of what is wrong.
        """
        return cls(read_plan(source), output=output, section=section)

    def run(self, fields: Iterable[Message]) -> RunSummary:
        """Send messages through all pipelines, and flush at the end."""
        from dtedask.pipeline.run import Run

        with Run(self) as run:
            for message in fields:
                run.feed(message)
        return run.summary

    def _actions(self, route: Route) -> Iterator[Action]:
        sections = tuple(self.document.sections)
        for position, options in enumerate(route.document.actions):
            context = Context(route.name, position, self.folder, self.output, self.digest, sections)
            yield make_action(options, context)
