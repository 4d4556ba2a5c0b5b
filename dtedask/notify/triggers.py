"""What a listener does with an event: echo, log, command, function."""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import importlib.util
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, WithJsonSchema, field_validator

from dtedask.core.nearest import did_you_mean
from dtedask.notify.command import run_command
from dtedask.notify.event import Event

logger = logging.getLogger(__name__)

Format = Literal["text", "json"]


class _Trigger(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    def run(self, event: Event) -> None:
        """Do it for one event; whatever is raised is a failure of the trigger."""
        raise NotImplementedError


class EchoTrigger(_Trigger):
    """Write the event to standard output."""

    type: Literal["echo"] = "echo"
    format: Format = "text"
    """One readable line, or one line of JSON."""

    def run(self, event: Event) -> None:
        """Write one line."""
        sys.stdout.write(_line(event, self.format))
        sys.stdout.flush()


class LogTrigger(_Trigger):
    """Append the event to a file."""

    type: Literal["log"] = "log"
    path: str
    """The file; `~` and `$VARIABLES` are replaced. It and its folder are made when they are missing."""
    format: Format = "text"
    """One readable line, or one line of JSON, for each event."""

    def run(self, event: Event) -> None:
        """Append one line; lines of several processes do not mix."""
        path = Path(os.path.expandvars(self.path)).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            data = memoryview(_line(event, self.format).encode())
            while data:
                data = data[file.write(data) :]


class CommandTrigger(_Trigger):
    """Run a command; it succeeds when its exit status is 0."""

    type: Literal["command"] = "command"
    command: str | list[str]
    """Command line. `${id}`, `${request.step}`, `${json}`, `${jsonpath}` stand for what the event holds."""
    shell: bool = False
    """Let `/bin/sh` run it."""
    environment: dict[str, str] = {}
    """Further environment variables; values may hold `${...}`."""
    working_dir: str | None = None
    """Folder to run it in; by default that of the process."""
    timeout_s: Annotated[float, Field(gt=0)] = 300.0
    """Seconds after which it is killed."""

    @field_validator("command")
    @classmethod
    def _is_not_empty(cls, command: str | list[str]) -> str | list[str]:
        if not command or not any(part.strip() for part in command):
            raise ValueError("the command is empty.")
        return command

    @field_validator("environment", mode="before")
    @classmethod
    def _numbers_are_texts(cls, environment: Any) -> Any:
        if not isinstance(environment, dict):
            return environment
        return {key: str(value) if isinstance(value, int | float) else value for key, value in environment.items()}

    def run(self, event: Event) -> None:
        """Run the command and wait for it."""
        output = run_command(
            self.command,
            event,
            shell=self.shell,
            environment=self.environment,
            working_dir=self.working_dir,
            timeout_s=self.timeout_s,
        )
        logger.info("Command for %s: %s", event.id, output.strip() or "no output")


class FunctionTrigger(_Trigger):
    """Call a Python function with the event."""

    type: Literal["function"] = "function"
    function: Annotated[
        str | Callable[[Event], object],
        WithJsonSchema({"type": "string", "pattern": "^[^:]+:[^:]+$"}),
    ]
    """`module:name`, or `file.py:name` with the file relative to the document."""

    @field_validator("function")
    @classmethod
    def _can_be_called(cls, function: Any, info: ValidationInfo) -> Any:
        path = (info.context or {}).get("path")
        return function if callable(function) else _find(function, path.parent if path else Path())

    def run(self, event: Event) -> None:
        """Call the function."""
        self.function(event)  # type: ignore[operator]


Trigger = Annotated[
    EchoTrigger | LogTrigger | CommandTrigger | FunctionTrigger,
    Field(discriminator="type"),
]


def _line(event: Event, style: Format) -> str:
    return f"{event.as_json() if style == 'json' else event}\n"


def _find(text: str, folder: Path) -> Callable[[Event], object]:
    place, colon, name = text.rpartition(":")
    if not colon or not place or not name:
        raise ValueError(f"{text!r} names no function; write module:name or file.py:name.")
    try:
        module = (
            _load_file(folder / Path(place).expanduser()) if place.endswith(".py") else importlib.import_module(place)
        )
    except Exception as error:
        raise ValueError(f"{text!r} cannot be imported: {type(error).__name__}: {error}.") from error
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            hint = did_you_mean(part, [known for known in vars(found) if not known.startswith("_")])
            raise ValueError(f"{place!r} has no {name!r}. {hint}".rstrip())
        found = getattr(found, part)
    if not callable(found):
        raise ValueError(f"{text!r} is no function but {type(found).__name__}.")
    return found  # type: ignore[no-any-return]


def _load_file(path: Path) -> Any:
    """Load a module from a file, once for each state of the file."""
    status = path.stat()
    stamp = hashlib.sha256(f"{path.absolute()}:{status.st_mtime_ns}:{status.st_size}".encode()).hexdigest()[:12]
    name = f"_dtedask_listener_{path.stem}_{stamp}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
