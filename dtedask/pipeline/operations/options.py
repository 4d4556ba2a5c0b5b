"""How a plan names an operation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    TypeAdapter,
    field_validator,
    model_validator,
)

from dtedask.core.errors import DocumentError
from dtedask.pipeline.operations.information import OperationInfo, operation_info
from dtedask.request import parameter

__all__ = ["AnyOperation", "OperationOptions", "parse_operations", "told_apart"]

# MultIO's threshold is for these; a sum with holes is not the accumulation of a window, unless a plan asks for it.
_THRESHOLD = frozenset({"average", "minimum", "maximum", "stddev", "variance", "exceedance", "quantile"})
_TAKES_THRESHOLD = _THRESHOLD | {"accumulate"}
_OF = {
    "threshold": (("exceedance",), True),
    "compare": (("exceedance",), False),
    "measure": (("exceedance",), False),
    "quantile": (("quantile",), True),
    "size": (("quantile",), False),
    "ddof": (("stddev", "variance"), False),
}


class OperationOptions(BaseModel):
    """One operation of a plan, where its name alone does not say all."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)

    operation: str
    """What is done, such as `average`; all are in [What operations do](../explanation/operations.md)."""
    threshold: FiniteFloat | None = None
    """Of exceedance: the value to compare with, in the units of the field."""
    compare: Literal["above", "at-least", "below", "at-most"] = "above"
    """Of exceedance: which values count."""
    measure: Literal["fraction", "count"] = "fraction"
    """Of exceedance: how many values, or which fraction of those that are not missing."""
    quantile: float | None = Field(default=None, ge=0, le=1)
    """Of quantile: which, from 0 to 1."""
    size: int = Field(default=64, ge=8, le=4096)
    """Of quantile: values kept a point and level. Up to twice as many fields, less one, the result is exact."""
    ddof: Literal[0, 1] = 0
    """Of stddev and variance: 0 divides by the number of values (the population), 1 by one less (a sample of it)."""
    param: str = ""
    """Parameter of the result, as MARS has it, where it is none that follows from the operation."""
    value_count_threshold: int | None = Field(default=None, alias="value-count-threshold", ge=1)
    """How many values a point needs; by default what the whole action says, else every value of the window."""

    @field_validator("operation")
    @classmethod
    def _known(cls, operation: str) -> str:
        return operation_info(operation).name

    @field_validator("param", mode="before")
    @classmethod
    def _parameter(cls, param: str | int) -> str:
        return parameter(param).id if param else ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for option, (operations, needed) in _OF.items():
            self._only_for(operations, option, needed=needed)
        if self.value_count_threshold is not None and self.operation not in _TAKES_THRESHOLD:
            raise ValueError(f"the operation {self.operation!r} takes no value-count-threshold")
        return self

    def _only_for(self, operations: tuple[str, ...], option: str, *, needed: bool) -> None:
        if self.operation in operations and needed and getattr(self, option) is None:
            raise ValueError(f"the operation {self.operation!r} needs {option!r}")
        if self.operation not in operations and option in self.model_fields_set:
            raise ValueError(
                f"the operation {self.operation!r} takes no {option!r}: it is of {' and '.join(operations)}"
            )

    @property
    def name(self) -> str:
        """What the result is called: the operation, with what else makes it another result."""
        if self.operation == "exceedance":
            return f"exceedance-{self.measure}-{self.compare}-{_short(self.threshold)}"
        if self.operation == "quantile":
            return f"quantile-{_short(self.quantile)}"
        return self.operation

    @property
    def info(self) -> OperationInfo:
        """What the result is."""
        return operation_info(self.operation)

    @property
    def units_change(self) -> str:
        """What becomes of the units, as in `OperationInfo.units`."""
        return self.measure if self.operation == "exceedance" else self.info.units

    def required(self, value_count_threshold: int | None) -> int | None:
        """Return how many values a point needs where the action says `value_count_threshold`; None for all."""
        if self.value_count_threshold is not None:
            return self.value_count_threshold
        return value_count_threshold if self.operation in _THRESHOLD else None


def _said(operation: Any) -> Any:
    return {"operation": operation} if isinstance(operation, str) else operation


AnyOperation = Annotated[OperationOptions, BeforeValidator(_said, json_schema_input_type=str | OperationOptions)]
"""An operation in a document: a name, or a map."""
_OPERATION: TypeAdapter[OperationOptions] = TypeAdapter(AnyOperation)


def parse_operations(operations: Iterable[str | Mapping[str, Any] | OperationOptions]) -> tuple[OperationOptions, ...]:
    """Read the operations of a plan, each a name or a mapping.

    Raises
    ------
    DocumentError
        If one stands twice.
    pydantic.ValidationError
        If one is wrong.
    """
    return told_apart(tuple(_OPERATION.validate_python(operation) for operation in operations))


def told_apart(operations: tuple[OperationOptions, ...]) -> tuple[OperationOptions, ...]:
    """Refuse no operations at all, and those of which two have the same name.

    Raises
    ------
    DocumentError
        Naming it.
    """
    if not operations:
        raise DocumentError("There is no operation in the list.", hint="Write at least one, such as [average].")
    names = [one.name for one in operations]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DocumentError(f"The operation {twice[0]!r} stands twice.", hint="Take one of them away.")
    return operations


def _short(number: float | None) -> str:
    return repr(number).removesuffix(".0")
