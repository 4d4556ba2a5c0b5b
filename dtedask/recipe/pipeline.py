"""A plan on the commits that a recipe makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationInfo, model_validator

from dtedask.core.stages import stage
from dtedask.recipe.paths import folder_of, resolve
from dtedask.request import Request

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.core.commit import Commit
    from dtedask.pipeline import Plan
    from dtedask.pipeline.checkpoint import Checkpoints
    from dtedask.pipeline.graph.run import GraphRun
    from dtedask.pipeline.run import Run
    from dtedask.pipeline.runs.running import Beginning
    from dtedask.pipeline.runs.summary import RunSummary
    from dtedask.pipeline.sources import FollowedRoot
    from dtedask.recipe.document import Recipe

_PLAN_KEYS = frozenset({"actions", "plans"})
PLAN_ITSELF: dict[str, Any] = {
    "type": "object",
    "anyOf": [{"required": [key]} for key in sorted(_PLAN_KEYS)],
    "description": "The plan itself, as `dtedask plan schema` describes it.",
}
"""What may stand in place of the section, for the JSON schema."""


class RecipePipeline(BaseModel):
    """A plan, and which fields it takes."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True)

    plan: Annotated[str | dict[str, Any], BeforeValidator(resolve), Field(min_length=1)]
    """File of the plan, or the plan itself."""
    output: Annotated[str, BeforeValidator(resolve)] = ""
    """Root for results, where a sink of the plan names none; by default that of the recipe."""
    request: dict[str, Any] = {}
    """Only fields of this request; by default all."""
    ends: bool = True
    """Whether the end of the input is the end of the stream; false keeps the state of open windows for the next run."""
    _folder: Path = PrivateAttr(default_factory=Path.cwd)

    @model_validator(mode="before")
    @classmethod
    def _a_plan_is_enough(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"plan": value}
        return {"plan": dict(value)} if isinstance(value, Mapping) and _PLAN_KEYS & value.keys() else value

    @model_validator(mode="after")
    def _can_be_read(self, info: ValidationInfo) -> RecipePipeline:
        self._folder = folder_of(info)
        Request.parse(self.request)
        return self

    def ready(self, recipe: Recipe) -> Plan:
        """The plan, ready to run.

        Raises
        ------
        DocumentError
            Naming file, line and key of what is wrong with it.
        """
        from dtedask.pipeline import Plan
        from dtedask.pipeline.documents.document import read_plan

        if isinstance(self.plan, str):
            source: Any = self.plan
            folder = Path(self.plan).parent
        else:
            source, folder = {"name": recipe.name, **self.plan}, self._folder
        return Plan(read_plan(source), output=self.output or recipe.root, folder=folder)

    def explain(self, recipe: Recipe) -> str:
        """One line on what is done, and where results go."""
        plan = self.ready(recipe)
        chains = "; ".join(
            f"{one.name}: {' > '.join(action.options.type for action in one.actions)}" for one in plan.pipelines
        )
        which = f" on {Request.parse(self.request)}" if self.request else ""
        return f"{chains}{which}, into {plan.output}"


class Results:
    """What the plan of a recipe makes of its commits, as they come.

    How far it has come is kept in checkpoints beside the output: the next run of the recipe takes the commits that came
    after, and one that was stopped goes on in the middle.

    Parameters
    ----------
    recipe : Recipe
        Whose plan.
    client : distributed.Client, optional
        Run on its workers; a plan whose windows stay open runs in this process.
    """

    def __init__(self, recipe: Recipe, client: Client | None) -> None:
        from dtedask.pipeline.runs.running import beginning_of
        from dtedask.pipeline.sources import follow_root

        assert recipe.pipeline is not None
        self._options = recipe.pipeline
        self._plan = self._options.ready(recipe)
        self._checkpoints = _checkpoints(self._plan)
        again = recipe.input.again
        self._source: FollowedRoot = follow_root(
            recipe.root, self._options.request or None, after={}, timeout_s=0, skip=_is_own(self._plan)
        )
        after = {} if again else _done(self._checkpoints, self._plan, self._source.identity)
        self._begin: Beginning = beginning_of(
            self._plan, self._source.identity, self._checkpoints, "never" if again else "auto"
        )
        # States of a run that was stopped in this process go on here.
        self._client = client if self._options.ends and self._begin.checkpoint is None else None
        self._position: Mapping[str, Any] = self._begin.position or {"commits": after}
        self._has_begun = self._begin.checkpoint is not None
        self._run: Run | GraphRun | None = self._started() if self._has_begun else None

    def catch_up(self) -> None:
        """Take the fields of all commits that were made until now."""
        with stage("pipeline", detail=self._plan.document.title):
            self._take()

    def finish(self) -> RunSummary | None:
        """Take what is left, close what is open or keep it, and say what was done; None where there was nothing to do.

        Raises
        ------
        DtedaskError
            If a pipeline failed; the others have done all that they had to.
        """
        self.catch_up()
        if self._run is None or not self._has_begun:
            return None
        with stage("pipeline", detail=self._plan.document.title):
            if self._options.ends:
                self._run.finish()
            else:
                self._run.pause()
        return self._run.summary

    def close(self) -> None:
        """Let go of what is open."""
        if self._run is not None:
            self._run.close()

    def _take(self) -> None:
        for message in self._messages():
            self._run = self._run or self._started()
            self._has_begun = True
            self._run.feed(message)
        self._position = self._source.position
        if self._is_graph:
            self._graph_run.settle()

    def _messages(self) -> Any:
        if not self._is_graph:
            return self._source.messages(self._position)
        self._run = self._run or self._started()
        return self._source.nodes(self._graph_run.graph, self._position)

    @property
    def _is_graph(self) -> bool:
        return self._client is not None

    @property
    def _graph_run(self) -> GraphRun:
        from dtedask.pipeline.graph.run import GraphRun

        assert isinstance(self._run, GraphRun)
        return self._run

    def _started(self) -> Run | GraphRun:
        from dtedask.pipeline.checkpoint.saving import Saving
        from dtedask.pipeline.graph.run import GraphRun
        from dtedask.pipeline.run import Run

        saving = Saving(
            self._checkpoints,
            self._plan.document.checkpoint,
            run=self._begin.run,
            plan=self._plan,
            source=self._source.identity,
            position=lambda: self._source.position,
        )
        if self._client is not None:
            return GraphRun(self._plan, client=self._client, saving=saving)
        return Run(self._plan, restored=self._begin.checkpoint, saving=saving, first=self._begin.seen)


def _checkpoints(plan: Plan) -> Checkpoints:
    from dtedask.pipeline.checkpoint import Checkpoints
    from dtedask.pipeline.runs.places import url_of

    return Checkpoints(plan.document.checkpoint.url or url_of(plan))


def _done(checkpoints: Checkpoints, plan: Plan, source: Mapping[str, Any]) -> dict[str, int]:
    """Number of the last commit of each cube that the same plan has taken wholly."""
    found = checkpoints.read()
    if found is None or found.plan_hash != plan.digest or found.source != source:
        return {}
    positions = [entry.position or {} for entry in found.entries]
    cubes = {cube for position in positions for cube in position.get("commits", {})}
    return {cube: min(int(one.get("commits", {}).get(cube, 0)) for one in positions) for cube in cubes}


def _is_own(plan: Plan) -> Callable[[Commit], bool]:
    """Whether a commit holds results of the plan, which are none of its input."""
    names = {pipeline.name for pipeline in plan.pipelines}

    def is_own(commit: Commit) -> bool:
        notes = dict(commit.notes)
        return notes.get("plan") == plan.digest or notes.get("pipeline") in names

    return is_own
