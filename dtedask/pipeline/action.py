"""What an action is, and where actions are found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from dtedask.core.by_type import ByType
from dtedask.core.registry import Registry
from dtedask.pipeline.runs.policy import OnError
from dtedask.pipeline.runs.undo import copied

if TYPE_CHECKING:
    import numpy as np

    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message

ENTRY_POINTS = "dtedask.actions"
_OWN = {
    "aggregate": "dtedask.pipeline.actions.aggregate:Aggregate",
    "average-rate": "dtedask.pipeline.actions.average_rate:AverageRate",
    "debug-sink": "dtedask.pipeline.actions.debug_sink:DebugSink",
    "encode": "dtedask.pipeline.actions.encode:Encode",
    "encode-mtg2": "dtedask.pipeline.actions.encode_mtg2:EncodeMtg2",
    "ensemble": "dtedask.pipeline.actions.ensemble:Ensemble",
    "interpolate": "dtedask.pipeline.actions.interpolate:Interpolate",
    "interpolate-mtg2": "dtedask.pipeline.actions.interpolate_mtg2:InterpolateMtg2",
    "mask": "dtedask.pipeline.actions.mask:Mask",
    "metadata-mapping": "dtedask.pipeline.actions.metadata_mapping:MetadataMapping",
    "null": "dtedask.pipeline.actions.null:Null",
    "print": "dtedask.pipeline.actions.print:Print",
    "python": "dtedask.pipeline.actions.python:Python",
    "renumber-healpix": "dtedask.pipeline.actions.renumber_healpix:RenumberHealpix",
    "scale": "dtedask.pipeline.actions.scale:Scale",
    "select": "dtedask.pipeline.actions.select:Select",
    "single-field-sink": "dtedask.pipeline.actions.single_field_sink:SingleFieldSink",
    "sink": "dtedask.pipeline.actions.sink:SinkAction",
    "statistics": "dtedask.pipeline.actions.statistics:Statistics",
    "statistics-mtg2": "dtedask.pipeline.actions.statistics:Statistics",
    "transport": "dtedask.pipeline.actions.transport:Transport",
}
_OLDER = {"aggregation": "aggregate"}


class ActionOptions(BaseModel):
    """What stands under an action in a plan, its type included; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)

    type: str
    """What the action does."""
    on_error: OnError | None = Field(default=None, alias="on-error")
    """What to do where it fails; by default what the plan says."""

    def files(self) -> tuple[str, ...]:
        """Give files beside the plan whose content says what the action does: they count in the plan's digest."""
        return ()


@dataclass(frozen=True, slots=True)
class Context:
    """What an action may know of the plan that it stands in.

    Parameters
    ----------
    pipeline : str
        Name of the pipeline.
    position : int
        Where in its list of actions it stands, from 0.
    folder : Path
        Paths of the plan are relative to it: the folder of the plan's file.
    output : str
        Where sinks write that name no place of their own: the root given with ``--output``.
    plan_hash : str
        What the plan is called in manifests and checkpoints: a digest of its content.
    sections : tuple of str
        Sections of the plan to which `transport` can hand fields on.
    """

    pipeline: str = ""
    position: int = 0
    folder: Path = field(default_factory=Path.cwd)
    output: str = ""
    plan_hash: str = ""
    sections: tuple[str, ...] = ()


@dataclass(slots=True)
class Saved:
    """The state of an action, as a checkpoint keeps it.

    Parameters
    ----------
    document : dict
        What JSON can hold.
    arrays : dict of str to numpy.ndarray
        Kept to the last bit.
    """

    document: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


class Action(ABC):
    """One step of a pipeline: pure functions over keys and arrays, and a state that is handed in.

    An object of this class holds what the plan says and nothing that changes, so that it travels and can be shared.
    What changes is its state: `start` gives it, `handle` may change it in place, `save` and `load` take it through a
    restart. The numbers of a field are touched only through `compute`.

    Parameters
    ----------
    options : ActionOptions
        What the plan says, an object of the class's `Options`.
    context : Context
        Where it stands.
    """

    Options: ClassVar[type[ActionOptions]] = ActionOptions
    takes_arrays: ClassVar[bool] = False
    """Whether `handle` wants values that are arrays, not what stands for them; its state is its own concern."""
    on_archive: ClassVar[Literal["run", "end", "pass"]] = "run"
    """What `Plan.apply` does with it: ``end`` if what comes to it is the result, ``pass`` if it is left out."""

    def __init__(self, options: Any, context: Context) -> None:
        self.options = options
        self.context = context

    def start(self) -> Any:
        """Return the state before the first message; None for actions that have none."""
        return None

    @abstractmethod
    def handle(self, message: Message, state: Any, compute: Compute) -> Iterable[Message]:
        """Take a message and give those that go to the next action, in order.

        Messages that are no concern of the action, flushes above all, are handed on as they are.
        """

    def save(self, state: Any) -> Saved:  # noqa: ARG002 - there is none
        """Return what a checkpoint keeps of a state."""
        return Saved()

    def load(self, saved: Saved) -> Any:  # noqa: ARG002 - there is none
        """Return the state that was saved."""
        return self.start()

    def kept(self, state: Any, message: Message) -> Any:  # noqa: ARG002 - all of it, by default
        """Return a copy of a state, to be put back where the action fails on a message.

        Arrays are shared: the run puts back what folds change in them. An action whose state is large copies what
        handling the message may change, and shares the rest.
        """
        return copied(state)

    def close(self, state: Any) -> None:  # noqa: B027 - most of them hold nothing
        """Let go of what a state holds, such as open files, at the end of a run however it ends."""

    def memory_bytes(self, fields: int, field_bytes: int) -> int:  # noqa: ARG002 - as most of them
        """Return how much memory the state takes at most.

        Parameters
        ----------
        fields : int
            Different fields a time, such as parameters times levels.
        field_bytes : int
            Size of the float64 values of one of them.
        """
        return 0

    def explain(self) -> str:
        """Say in one line what the action does, for ``dtedask plan explain``."""
        said = self.options.model_dump(exclude={"type"}, exclude_defaults=True, by_alias=True)
        return ", ".join(f"{key}: {_said(value)}" for key, value in said.items())


def _said(value: Any) -> str:
    """Write a value of an option as a plan would, in short."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_said(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple | set | frozenset):
        return "/".join(_said(one) for one in value) if value else "none"
    return str(value)


_ACTIONS = Registry("action", ENTRY_POINTS, _OWN)


def action_types() -> dict[str, str]:
    """Names of all actions, ours and those of installed packages, and where each is."""
    return _ACTIONS.places()


def action_class(name: str) -> type[Action]:
    """Find the class of an action.

    Raises
    ------
    DocumentError
        If there is none of this name.
    """
    found: type[Action] = _ACTIONS.load(name)
    return found


def action_type(name: str) -> str:
    """Return the type that is meant by a name in a plan: older plans write `Select`, pymultio `aggregation`."""
    lower = name.lower()
    return _OLDER.get(lower, lower if lower in action_types() else name)


AnyAction = Annotated[
    ActionOptions, ByType("action", action_types, lambda name: action_class(name).Options, action_type)
]
"""An action in a document: what stands there is checked by the options of its type."""


def make_action(options: ActionOptions | Mapping[str, Any], context: Context) -> Action:
    """Make an action of what a plan says."""
    if isinstance(options, ActionOptions):
        return action_class(options.type)(options, context)
    kind = action_class(action_type(str(options.get("type", ""))))
    return kind(kind.Options.model_validate({**options, "type": action_type(str(options["type"]))}), context)
