"""What a plan says of the action `ensemble`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from dtedask.core.errors import DocumentError
from dtedask.core.nearest import did_you_mean
from dtedask.pipeline.action import ActionOptions
from dtedask.pipeline.operations import OperationOptions, told_apart
from dtedask.request.ranges import expand

__all__ = ["EnsembleOptions"]

_KNOWN = ("average", "stddev", "exceedance", "quantile")
_NAMES = {"mean": "average", "spread": "stddev", **{name: name for name in _KNOWN}}


def _own_name(said: Any) -> Any:
    """Read mean and spread as what they are, and refuse what an ensemble has not."""
    given = {"operation": said} if isinstance(said, str) else said
    if isinstance(given, OperationOptions):
        given = given.model_dump(exclude_unset=True)
    name = given.get("operation") if isinstance(given, dict) else None
    if not isinstance(name, str):
        return given
    if name not in _NAMES:
        raise DocumentError(f"An ensemble has no operation {name!r}.", hint=did_you_mean(name, _NAMES))
    return {**given, "operation": _NAMES[name]}


_OfAnEnsemble = Annotated[OperationOptions, BeforeValidator(_own_name, json_schema_input_type=str | OperationOptions)]


class EnsembleOptions(ActionOptions):
    """Statistics over the members of an ensemble, for each time, level and parameter."""

    type: Literal["ensemble"] = "ensemble"
    """What the action does."""
    operations: Annotated[tuple[_OfAnEnsemble, ...], AfterValidator(told_apart)] = Field(
        ("mean", "spread"), validate_default=True
    )
    """``mean`` (or average), ``spread`` (or stddev), exceedance, quantile, each a name or a map: quantiles 0 and 1 are
    minimum and maximum."""
    members: tuple[int, ...] | None = None
    """Numbers of the members that are waited for, as a list or as MARS has it (``0/to/50``); others are left out.
    Without them all members that came before the flush are taken, and kept until then."""
    control: bool = True
    """Whether the control forecast (type cf, member 0) is one of the members."""
    on_missing: Literal["error", "partial", "skip"] = Field("error", alias="on-missing")
    """What is done with a field some of whose members did not come before the flush: ``error`` names them, ``partial``
    takes those that came, ``skip`` gives none. The last two are logged, with the members that were missing."""
    value_count_threshold: int | None = Field(None, alias="value-count-threshold", ge=1)
    """How many members need a value at a point; by default one missing value makes the point missing."""

    @field_validator("members", mode="before", json_schema_input_type=str | int | tuple[int, ...] | None)
    @classmethod
    def _numbers(cls, members: Any) -> Any:
        if members is None:
            return None
        words = [str(one) for one in members] if isinstance(members, list | tuple) else str(members).split("/")
        return tuple(sorted({int(one) for one in expand("number", words)[0]}))

    @model_validator(mode="after")
    def _fits(self) -> EnsembleOptions:
        if self.members is not None and not self.members:
            raise DocumentError("No members are named.", hint="Leave members out to take all that come.")
        if not self.control and 0 in (self.members or ()):
            raise DocumentError("Member 0 is wanted, but control is false.", hint="Leave one of them out.")
        return self
