"""The action `python`: a function of the user changes fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, ValidationInfo, model_validator

from dtedask.core.errors import DocumentError, PlanError
from dtedask.pipeline.action import Action, ActionOptions, Context
from dtedask.pipeline.functions import Function, find_function
from dtedask.pipeline.keys.parameters import with_parameter
from dtedask.pipeline.values.numbers import numbers_of
from dtedask.request import canonical_keys

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message


class PythonOptions(ActionOptions):
    """Which function. Further keys are its arguments."""

    model_config = ConfigDict(extra="allow")

    function: str
    """The function: ``package.module:name``, or the name of one in `file`."""
    file: str = ""
    """A Python file beside the plan that has the function."""
    returns: Literal["values", "pairs"] = "values"
    """What it gives: the values of the field, or pairs of keys and values. Pairs are possible on streams only, since on
    an archive the keys of all results are known before any value is."""
    results: tuple[dict[str, str | int | float], ...] = ()
    """Keys of each result where a function gives a list of arrays: those that differ from the keys of the field."""

    @property
    def arguments(self) -> dict[str, Any]:
        """What the function is given beside keys and values."""
        return dict(self.__pydantic_extra__ or {})

    def files(self) -> tuple[str, ...]:
        """See `ActionOptions`."""
        return (self.file,) if self.file else ()

    @model_validator(mode="after")
    def _is_there(self, info: ValidationInfo) -> PythonOptions:
        if self.results and self.returns == "pairs":
            raise DocumentError(
                "Pairs have keys of their own, and 'results' too.", hint="Take one of 'returns' and 'results' away."
            )
        path = (info.context or {}).get("path")
        if path is not None or not self.file:
            folder = Path(path).expanduser().parent if path is not None else Path.cwd()
            find_function(self.function, self.file, folder, self.arguments)
        return self


class Python(Action):
    """Calls a pure function with the keys and values of each field, in the place of the field goes what it gives."""

    Options = PythonOptions

    def __init__(self, options: PythonOptions, context: Context) -> None:
        super().__init__(options, context)
        found = find_function(options.function, options.file, context.folder, options.arguments)
        self._function = Function(found, options.arguments, len(options.results) or None)
        self._results = [canonical_keys(dict(keys)) for keys in options.results]
        self.takes_arrays = options.returns == "pairs"  # type: ignore[misc]

    def handle(self, message: Message, state: Any, compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        if not message.is_field:
            return [message]
        values = numbers_of(message, "python")
        if self.takes_arrays:
            return self._pairs(message)
        given = compute.call(self._function.found.name, self._function, dict(message.keys), values)
        if not self._results:
            return [message.replaced(values=given)]
        return [
            _changed(message, keys, compute.call("result", _result, given, place))
            for place, keys in enumerate(self._results)
        ]

    def explain(self) -> str:
        """See `Action`."""
        found = self._function.found
        arguments = "".join(f", {key}={value!r}" for key, value in self._function.arguments.items())
        return f"{found.place}: {found.name}(keys, values{arguments})"

    def _pairs(self, message: Message) -> list[Message]:
        if not hasattr(message.values, "shape"):
            raise PlanError(
                f"The function {self.options.function!r} gives pairs, and their keys are known too late.",
                hint="On an archive, say in the plan what it gives: results: [{param: ...}, ...].",
            )
        return [
            _changed(message, _difference(message.keys, keys), values)
            for keys, values in self._function.pairs(message.keys, message.values)
        ]


def _result(given: list[Any], place: int) -> Any:
    return given[place]


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    gone = {key: None for key in before if key not in after}
    return gone | {key: value for key, value in after.items() if before.get(key) != value}


def _changed(message: Message, keys: Mapping[str, Any], values: Any) -> Message:
    """Return the field with other keys and values; another parameter has other names and units."""
    others = {key: value for key, value in keys.items() if key != "param"}
    changed = message.with_keys(**others).replaced(values=values)
    return with_parameter(changed, str(keys["param"])) if keys.get("param") is not None else changed
