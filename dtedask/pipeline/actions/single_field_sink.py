"""The action `single-field-sink`: each field into a file of its own."""

from __future__ import annotations

from pydantic import Field

from dtedask.pipeline.action import ActionOptions
from dtedask.pipeline.actions.sink import SinkAction
from dtedask.pipeline.sink import SinkOptions
from dtedask.pipeline.sinks.file import FileOptions


class SingleFieldSinkOptions(ActionOptions):
    """Each field goes into a file of its own, by the name that MultIO gives it: ``LEVEL::PARAM::STEP``."""

    root_path: str = Field("", alias="root_path")
    """What the names begin with, such as ``fields/``; relative to the plan."""


class SingleFieldSink(SinkAction):
    """Writes files as the sink `file` does; fields of the same level, parameter and step share one."""

    Options = SingleFieldSinkOptions

    def _sinks(self) -> tuple[SinkOptions, ...]:
        return (FileOptions(type="file", path=f"{self.options.root_path}{{level}}::{{param}}::{{step}}"),)
