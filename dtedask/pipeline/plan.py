"""The plan, ready to run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dtedask.pipeline.action import Action, Context
from dtedask.pipeline.actions.select import Select
from dtedask.pipeline.documents.document import PlanDocument, read_plan
from dtedask.pipeline.documents.making import made_actions
from dtedask.pipeline.runs.policy import OnError
from dtedask.pipeline.runs.routes import routes

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.pipeline.documents.explain import Explanation
    from dtedask.pipeline.message import Message
    from dtedask.pipeline.runs.running import Resume
    from dtedask.pipeline.runs.summary import RunSummary
    from dtedask.pipeline.sources import AtRest


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One chain of actions.

    Parameters
    ----------
    name : str
        What it is called.
    actions : tuple of Action
        In the order in which messages meet them.
    on_error : OnError, optional
        What to do where an action fails that does not say so itself.
    upstream : tuple of str
        Pipelines whose messages it goes on with, as `transport` hands them on; empty for the stream itself.
    section : str
        Section of the plan that it stands in, empty for none.
    """

    name: str
    actions: tuple[Action, ...]
    on_error: OnError = field(default_factory=OnError)
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
        if section:
            self.digest = hashlib.sha256(f"{section} of {document.digest}".encode()).hexdigest()
        found = routes(document, section)
        sections = tuple(document.sections)
        made = made_actions(document, found, Context("", 0, self.folder, output, self.digest, sections))
        self.pipelines = tuple(
            Pipeline(
                route.name,
                made[route.name],
                route.document.on_error or document.on_error_in(route.section) or OnError(),
                route.upstream,
                route.section,
            )
            for route in found
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

    def run(self, fields: Any, *, threads: int = 1, resume: Resume | None = None) -> RunSummary:
        """Send fields through all pipelines, and flush at the end.

        Parameters
        ----------
        fields : Source, str, path, iterable of Message, DataArray or Dataset
            Messages, with flushes in between; or what `dtedask.pipeline.sources.open_source` opens, such as a GRIB
            file, a folder or a root; or arrays as a store retrieves them, bytes of GRIB, and iterables of these. Where
            the fields are no messages a flush follows each step.
        threads : int
            How many threads the functions of the actions run on; the results are the same.
        resume : {"auto", "must", "never"}, optional
            Save the state as the plan says, and go on with a run that was interrupted: where there is one, only where
            there is one, or never. Without it no state is saved.

        Returns
        -------
        RunSummary
            What was done.

        Raises
        ------
        DtedaskError
            If a pipeline failed: the error of its action with the place, or a `RunError` that sums up several. The
            others have done all that they had to.
        """
        from dtedask.pipeline.runs.running import run_plan
        from dtedask.pipeline.sources import source_of

        return run_plan(self, source_of(fields), threads=threads, resume=resume)

    def apply(
        self, data: xr.DataArray | xr.Dataset | xr.DataTree, *, keys: Mapping[str, Any] | None = None
    ) -> xr.Dataset | xr.DataTree:
        """Do the same on an archive: what a run would write, as lazy arrays.

        Parameters
        ----------
        data : DataArray, Dataset or DataTree
            As `Store.retrieve` or the xarray engine gives it, or of the same dimensions and attributes; lazy or not.
            Missing fields are left out where a store says which there are, as long as the data are not in Dask chunks;
            else they are fields of missing points.
        keys : mapping, optional
            MARS keys that the data do not say themselves, such as ``{"class": "od"}``.

        Returns
        -------
        Dataset or DataTree
            Float64 Dask arrays in chunks of one field, named and placed as the store would place them; gaps are NaN.
            Nothing is read before it is computed. A tree where results are of several cubes or groups, and where the
            plan has several pipelines: then their names come first.

        Raises
        ------
        FieldError
            If the data lack a key that every field needs.
        PlanError
            If the plan gives nothing for these data.
        """
        from dtedask.pipeline.graph.apply import apply

        return apply(self, data, keys or {})

    def explain(self, fields: Iterable[Message] | AtRest | None = None) -> Explanation:
        """Say what the plan does: its graph, its actions, which fields it takes and how much memory its states need.

        Parameters
        ----------
        fields : iterable of Message or source, optional
            Fields that would come in, such as ``open_source(files)``; their values are not read. Without them
            nothing is said of fields and memory.

        Returns
        -------
        Explanation
            Printed it is text, in a notebook a drawing; also JSON, Mermaid and Graphviz.
        """
        from dtedask.pipeline.documents.explain import explain_plan

        return explain_plan(self, fields)

    def field_accepted(self, keys: Mapping[str, Any]) -> bool:
        """Say whether a model need send a field, as MultIO answers it.

        As there, only the first `select` of each pipeline that sees the stream counts: one without any answers no, even
        though it takes every field.

        Parameters
        ----------
        keys : mapping
            Keys of the field.
        """
        for pipeline in self.pipelines:
            selects = (action for action in pipeline.actions if isinstance(action, Select))
            first = next(selects, None)
            if not pipeline.upstream and first is not None and first.accepts(keys):
                return True
        return False

    def __repr__(self) -> str:
        chains = [f"{one.name}: {' -> '.join(action.options.type for action in one.actions)}" for one in self.pipelines]
        return f"<Plan {self.document.title} ({'; '.join(chains)})>"

    def _repr_html_(self) -> str:
        return self.explain()._repr_html_()
