"""The action `interpolate-mtg2`: each field on several grids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dtedask.pipeline.action import Action, ActionOptions, Context
from dtedask.pipeline.actions.interpolate import MirOptions
from dtedask.pipeline.values.regridding import AreaOption, GridOption, Target, grid_name, read_area

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message


class AdditionalMetadata(BaseModel):
    """What fields of an output say besides."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)

    resolution: Literal["low", "standard", "high"] | None = None
    """The MARS key ``resolution``."""


class Output(BaseModel):
    """One grid that fields are wanted on."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)

    grid: GridOption
    """Its name, or the distances of columns and rows in degrees."""
    enable: bool = True
    """Whether it is made."""
    area: AreaOption = ""
    """Area that is cut out: north, west, south and east in degrees. By default all points."""
    cache_path: str = Field(".", alias="cache-path")
    """Accepted, without effect: weights are kept where the setting ``geo.weights-cache`` says."""
    options: MirOptions = MirOptions()
    """Further options."""
    additional_metadata: AdditionalMetadata = Field(AdditionalMetadata(), alias="additional-metadata")
    """What its fields say besides."""

    def target(self, context: Context) -> Target:
        """What fields are wanted on."""
        area = read_area(self.area) if self.area else None
        return Target(grid_name(self.grid), area, self.options.how(context))


class InterpolateMtg2Options(ActionOptions):
    """On which grids fields are wanted; each is made as by `interpolate`."""

    type: Literal["interpolate-mtg2"] = "interpolate-mtg2"
    """What the action does."""
    outputs: list[Output] = Field(min_length=1)
    """The grids; a field goes on once for each that is enabled, in this order."""


class InterpolateMtg2(Action):
    """Gives a field on each of several grids; other messages go on as they are."""

    Options = InterpolateMtg2Options

    def __init__(self, options: InterpolateMtg2Options, context: Context) -> None:
        super().__init__(options, context)
        self._outputs = [(one.target(context), one) for one in options.outputs if one.enable]

    def start(self) -> None:
        """Refuse what cannot be done on any grid, before the first field.

        Raises
        ------
        PlanError
            Naming the option.
        """
        for target, output in self._outputs:
            output.options.refuse_what_cannot_be_done(target)
            target.check()

    def handle(self, message: Message, state: Any, compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        if not message.is_field:
            return [message]
        return [_said(target.apply(message, compute), output) for target, output in self._outputs]

    def explain(self) -> str:
        """See `Action`."""
        return "to " + "; ".join(str(target) for target, _ in self._outputs)


def _said(message: Message, output: Output) -> Message:
    resolution = output.additional_metadata.resolution
    return message if resolution is None else message.with_keys(resolution=resolution)
