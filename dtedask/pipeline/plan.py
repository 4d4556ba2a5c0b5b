"""The plan, ready to run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dtedask.pipeline.action import Action, ActionOptions, Context, make_action
from dtedask.pipeline.document import PlanDocument, read_plan
from dtedask.pipeline.policy import OnError

if TYPE_CHECKING:
    import xarray as xr

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
    on_error : OnError, optional
        What to do where an action fails that does not say so itself.
    """

    name: str
    actions: tuple[Action, ...]
    on_error: OnError = field(default_factory=OnError)


class Plan:
    """What is done with a stream of fields, or with an archive of them.

    Parameters
    ----------
    document : PlanDocument
        What to do.
    output : str
        Root that sinks of the type cube write to which name none.
    folder : Path, optional
        Paths of the plan are relative to it.
    """

    def __init__(self, document: PlanDocument, *, output: str = "", folder: Path | None = None) -> None:
        self.document = document
        self.output = output
        self.folder = folder or Path.cwd()
        self.pipelines = tuple(
            Pipeline(
                part.name,
                tuple(self._actions(part.name, part.actions)),
                part.on_error or document.on_error or OnError(),
            )
            for part in document.pipelines
        )

    @classmethod
    def from_yaml(cls, source: str | os.PathLike[str] | Mapping[str, Any], *, output: str = "") -> Self:
        """Read a plan.

        Parameters
        ----------
        source : str, path or mapping
            A file, YAML text, or what YAML would give.
        output : str
            Root that sinks of the type cube write to which name none.

        Raises
        ------
        DocumentError
            Naming file, line and key of what is wrong.
        """
        return cls(read_plan(source), output=output)

    def run(self, fields: Iterable[Message]) -> RunSummary:
        """Send messages through all pipelines, and flush at the end."""
        from dtedask.pipeline.run import Run

        with Run(self) as run:
            for message in fields:
                run.feed(message)
        return run.summary

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

    def _actions(self, name: str, actions: list[ActionOptions]) -> Iterable[Action]:
        for position, options in enumerate(actions):
            yield make_action(options, Context(name, position, self.folder, self.output, self.document.digest))
