"""What a plan says of the action `ensemble`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from dtedask.core.errors import DocumentError
from dtedask.pipeline.action import ActionOptions
from dtedask.pipeline.operations import OperationOptions
from dtedask.pipeline.operations.options import parse_operations
from dtedask.request.ranges import expand

__all__ = ["EnsembleOptions"]

_NAMES = {"mean": "average", "spread": "stddev"}
_KNOWN = ("average", "stddev", "exceedance", "quantile")


class EnsembleOptions(ActionOptions):
    """Statistics over the members of an ensemble, for each time, level and parameter."""

    type: Literal["ensemble"] = "ensemble"
    """What the action does."""
    operations: tuple[OperationOptions, ...] = Field(
        default_factory=lambda: parse_operations(("average", "stddev")), validate_default=True
    )
    """``mean`` (or average), ``spread`` (or stddev), exceedance, quantile; a name, or a mapping with its options."""
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

    @field_validator("operations", mode="before")
    @classmethod
    def _named(cls, operations: Any) -> Any:
        if not isinstance(operations, list | tuple):
            raise DocumentError("operations is no list.", hint="Write it as [mean, spread].")
        return parse_operations([_own_name(one) for one in operations])

    @field_validator("members", mode="before")
    @classmethod
    def _numbers(cls, members: Any) -> Any:
        if members is None:
            return None
        words = [str(one) for one in members] if isinstance(members, list | tuple) else str(members).split("/")
        return tuple(sorted({int(one) for one in expand("number", words)[0]}))

    @model_validator(mode="after")
    def _fits(self) -> EnsembleOptions:
        for one in self.operations:
            if one.operation not in _KNOWN:
                raise DocumentError(
                    f"An ensemble has no {one.operation!r}.",
                    hint="It has mean, spread, exceedance and quantile; quantiles 0 and 1 are minimum and maximum.",
                )
        if not self.operations:
            raise DocumentError("An ensemble without operations gives nothing.", hint="Write operations: [mean].")
        if self.members is not None and not self.members:
            raise DocumentError("No members are named.", hint="Leave members out to take all that come.")
        if not self.control and 0 in (self.members or ()):
            raise DocumentError("Member 0 is wanted, but control is false.", hint="Leave one of them out.")
        return self


def _own_name(one: Any) -> Any:
    if isinstance(one, str):
        return _NAMES.get(one, one)
    if isinstance(one, dict) and one.get("operation") in _NAMES:
        return {**one, "operation": _NAMES[one["operation"]]}
    return one
