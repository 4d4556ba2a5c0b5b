"""The action `scale`: other units, and the parameter that has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dtedask.core.errors import DocumentError, FieldError
from dtedask.pipeline.action import Action, ActionOptions, Context
from dtedask.pipeline.keys.glossary import value_of
from dtedask.pipeline.keys.parameter_tables import LOCAL_TO_WMO, pairs
from dtedask.pipeline.keys.parameters import AnyParam, OneParam, known_parameter, param_ids, with_parameter
from dtedask.pipeline.values.numbers import numbers_of
from dtedask.request import parameter

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message


class CustomMapping(BaseModel):
    """One parameter that is scaled."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)

    param_in: AnyParam = Field(alias="param-in")
    """Parameter of the fields that are scaled."""
    param_out: OneParam = Field(alias="param-out")
    """Parameter that they have afterwards, which may be the same."""
    scaling: float
    """What values are multiplied with."""
    offset: float = 0.0
    """What is added afterwards."""
    units: str = ""
    """Units of the result, where they are not those of its parameter."""

    @field_validator("scaling", "offset")
    @classmethod
    def _is_a_number(cls, value: float) -> float:
        if value - value != 0:
            raise DocumentError(f"A field cannot be scaled by {value}.", hint="Give a finite number.")
        return value


class ScaleOptions(ActionOptions):
    """What is scaled; fields of other parameters go on as they are."""

    type: Literal["scale"] = "scale"
    """What the action does."""
    preset_mappings: Literal["local-to-wmo", "wmo-to-local"] | None = Field(None, alias="preset-mappings")
    """ECMWF's local parameters to those of WMO (m of water to kg m**-2, fractions to per cent), or back."""
    custom_mappings: tuple[CustomMapping, ...] = Field((), alias="custom-mappings")
    """Mappings of your own; for a parameter that the preset has as well they count."""

    @model_validator(mode="after")
    def _does_something(self) -> ScaleOptions:
        if self.preset_mappings is None and not self.custom_mappings:
            raise DocumentError(
                "Nothing is said to be scaled.",
                hint="Give preset-mappings (local-to-wmo, wmo-to-local) or custom-mappings.",
            )
        return self


@dataclass(frozen=True, slots=True)
class Scaling:
    """Multiplies values and adds an offset.

    Parameters
    ----------
    param : str
        The paramId that a field has afterwards.
    factor, offset : float
        What values are multiplied with, and what is added then.
    units : str
        Units afterwards, "" for those of the parameter.
    """

    param: str
    factor: float
    offset: float = 0.0
    units: str = ""

    def __call__(self, values: Any) -> Any:
        """Scale an array; missing points stay missing."""
        scaled = values * self.factor
        return scaled + self.offset if self.offset else scaled


class Scale(Action):
    """Scales the fields of some parameters; all other messages go on as they are."""

    Options = ScaleOptions

    def __init__(self, options: ScaleOptions, context: Context) -> None:
        super().__init__(options, context)
        self.scalings = _preset(options.preset_mappings)
        self._preset_only = frozenset(self.scalings)
        for mapping in options.custom_mappings:
            found = Scaling(parameter(mapping.param_out).id, mapping.scaling, mapping.offset, mapping.units)
            params = param_ids(mapping.param_in)
            self.scalings |= dict.fromkeys(params, found)
            self._preset_only -= params

    def handle(self, message: Message, state: Any, compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        param = value_of(message, "param") if message.is_field else None
        scaling = None if param is None else self.scalings.get(param)
        if param is None or scaling is None:
            return [message]
        if param in self._preset_only:
            _check_units(message, param)
        changed = with_parameter(message, scaling.param, units=scaling.units)
        return [changed.replaced(values=compute.call("scale", scaling, numbers_of(message, "scale")), data=None)]


def _preset(name: str | None) -> dict[str, Scaling]:
    if name is None:
        return {}
    rows = [(factor, *pair) for factor, text in LOCAL_TO_WMO.items() for pair in pairs(text)]
    if name == "local-to-wmo":
        return {local: Scaling(wmo, factor) for factor, local, wmo in rows}
    return {wmo: Scaling(local, 1.0 / factor) for factor, local, wmo in rows}


def _check_units(message: Message, param: str) -> None:
    """Refuse a field whose values are in other units than a preset takes them to be in."""
    expected = known_parameter(param).units
    units = value_of(message, "units")
    if units and expected and units != expected:
        raise FieldError(
            f"The preset would scale {message} from {expected!r}, but its values are in {units!r}.",
            hint="Was it scaled before? Name it under custom-mappings if it is to be scaled all the same.",
        )
