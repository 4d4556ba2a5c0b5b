"""The trigger `command`: a command with an event in its words and its environment."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from dtedask.core.errors import TriggerError
from dtedask.notify.triggers.base import BaseTrigger, News
from dtedask.notify.triggers.news import environment_of, facts_of
from dtedask.notify.triggers.shell import needs_shell, shell_line
from dtedask.notify.triggers.templates import Part, Place, Rendering, Template, parts_of

__all__ = ["CommandTrigger"]

logger = logging.getLogger(__name__)

_SHOWN = 2000
_CREDENTIALS = ("AVISO_TOKEN", "AVISO_USERNAME", "AVISO_PASSWORD")  # of the listener; no command needs them
_INTERPRETERS = re.compile(r"(?:.*/)?(?:sh|bash|dash|ksh|zsh|fish)$")


class CommandTrigger(BaseTrigger):
    """Run a command; it succeeds when its exit status is 0."""

    time_limit_s: ClassVar[float | None] = 300.0

    type: Literal["command"] = "command"
    command: str | list[str]
    """Command line, or list of words. `${id}`, `${request.step}`, `${json}`, `${jsonpath}`, and pyaviso's
    `{{ notification.identifier.step }}`, stand for what the event holds; a value is always one word."""
    shell: bool | None = None
    """Let `/bin/sh` run it; by default where the line has pipes, redirections or variables of a shell."""
    environment: dict[str, Template] = Field(default_factory=dict)
    """Further environment variables; values may hold `${...}`."""
    env: dict[str, str] = Field(default_factory=dict)
    """Further environment variables, as they are."""
    working_dir: str | None = None
    """Folder to run it in; by default that of the process. `~` and `$VARIABLES` are replaced."""

    @field_validator("command")
    @classmethod
    def _is_not_empty(cls, command: str | list[str]) -> str | list[str]:
        if not command or not any(part.strip() for part in command):
            raise ValueError("the command is empty.")
        for part in [command] if isinstance(command, str) else command:
            if "\0" in part:
                raise ValueError("a command cannot hold a NUL.")
            parts_of(part)
        return command

    @field_validator("environment", "env", mode="before")
    @classmethod
    def _numbers_are_texts(cls, environment: Any) -> Any:
        if not isinstance(environment, dict):
            return environment
        return {key: str(value) if isinstance(value, int | float) else value for key, value in environment.items()}

    @model_validator(mode="after")
    def _can_be_cut(self) -> CommandTrigger:
        if isinstance(self.command, str) and not self.uses_shell:
            try:
                _words(self.command)
            except ValueError as error:
                raise ValueError(f"{self.command!r} is no command line: {error}.") from error
        return self

    @property
    def uses_shell(self) -> bool:
        """Whether a shell runs it."""
        if self.shell is not None:
            return self.shell
        return isinstance(self.command, str) and needs_shell(parts_of(self.command))

    def run(self, news: News) -> None:
        """Run the command and wait for it."""
        output = self.output(news)
        logger.info("Command for %s: %s", news.id, output.strip() or "no output")

    def output(self, news: News) -> str:
        """Run the command and return what it wrote to standard output and standard error.

        Raises
        ------
        TriggerError
            If it cannot be started, ends with another status than 0, or takes too long.
        """
        with facts_of(news) as facts:
            rendering = Rendering(facts, f"Trigger {self.name!r}")
            call = self._call(rendering)
            # What the line was given from the environment stands in it already.
            hidden = {*_CREDENTIALS, *_variables(self.command)}
            environment = {key: value for key, value in os.environ.items() if key not in hidden}
            environment |= environment_of(facts) | call.variables | self.env
            environment |= {key: rendering.text(text) for key, text in self.environment.items()}
            return rendering.masked(self._run(call.words, environment, rendering))

    @property
    def line(self) -> str:
        """The command as it is written, for messages: without values, so without secrets."""
        return self.command if isinstance(self.command, str) else shlex.join(self.command)

    def _call(self, rendering: Rendering) -> _Call:
        if self.uses_shell:
            line = shell_line(parts_of(self.line), lambda place: _shell_value(rendering, place))
            return _Call(["/bin/sh", "-c", line.text], line.variables)
        return _Call(_rendered(_words(self.command), rendering))

    def _run(self, words: list[str], environment: Mapping[str, str], rendering: Rendering) -> str:
        folder = Path(os.path.expandvars(self.working_dir)).expanduser() if self.working_dir else None
        try:
            process = subprocess.Popen(
                words,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise _not_started(self.line, error) from error
        return _wait(process, self.line, self.limit_s, rendering)


@dataclass(frozen=True, slots=True)
class _Call:
    words: list[str]
    variables: dict[str, str] = field(default_factory=dict)


def _variables(command: str | list[str]) -> set[str]:
    """Names of the variables that a command asks for by ``{{ env.NAME }}``."""
    texts = [command] if isinstance(command, str) else command
    places = [part for text in texts for part in parts_of(text) if isinstance(part, Place)]
    return {place.variable for place in places if place.variable}


def _shell_value(rendering: Rendering, place: Place) -> str | None:
    """Value of a place of a line for the shell; None where it is a variable of the shell's own."""
    if place.is_ours and "." not in place.name:
        try:
            return rendering.facts.value(place.name)
        except KeyError:
            return None
    return rendering.value(place)[0]


def _words(command: str | list[str]) -> list[list[Part]]:
    """Cut a line as a shell would, but never inside a place; each word is a list of its parts."""
    if not isinstance(command, str):
        return [parts_of(word) for word in command]
    parts = parts_of(command)
    marked = "".join(part if isinstance(part, str) else f"\0{number}\0" for number, part in enumerate(parts))
    return [
        [parts[int(piece)] if number % 2 else piece for number, piece in enumerate(word.split("\0"))]
        for word in shlex.split(marked)
    ]


def _rendered(words: list[list[Part]], rendering: Rendering) -> list[str]:
    found: list[str] = []
    for word in words:
        is_code = len(found) > 1 and _INTERPRETERS.match(found[-2]) and re.fullmatch(r"-[a-z]*c", found[-1])
        found.append("".join(_value(part, rendering, is_code=bool(is_code)) for part in word))
    return found


def _value(part: Part, rendering: Rendering, *, is_code: bool) -> str:
    if isinstance(part, str):
        return part
    if not is_code or part.variable is not None:
        return rendering.value(part)[0]
    if _shell_value(rendering, part) is None:
        return part.text
    raise TriggerError(
        f"{part.text} stands in commands for a shell, which would take the value for commands, too.",
        hint="Leave `sh -c` out and write `shell: true`, or use $DTEDASK_EVENT_ID and its like there.",
        is_lasting=True,
    )


def _not_started(line: str, error: Exception) -> TriggerError:
    if isinstance(error, ValueError):  # UnicodeEncodeError is one
        return TriggerError(
            f"cannot start {line!r}: a value holds what no command can be given: {error}.",
            hint="Let the command read it as JSON: `${jsonpath}` names a file.",
            is_lasting=True,
        )
    assert isinstance(error, OSError)
    if error.errno == errno.E2BIG:
        return TriggerError(
            f"cannot start {line!r}: a value is longer than a command can be given.",
            hint="Let the command read it as JSON: `${jsonpath}` names a file.",
            is_lasting=True,
        )
    return TriggerError(
        f"cannot start {line!r}: {error.strerror} ({error.filename}).",
        hint="Pipes, wildcards and built-in commands of a shell need `shell: true`.",
    )


def _wait(process: subprocess.Popen[bytes], line: str, limit_s: float | None, rendering: Rendering) -> str:
    with process:
        try:
            output = process.communicate(timeout=limit_s)[0]
        except subprocess.TimeoutExpired as error:
            _kill(process)
            output = process.communicate()[0]
            raise TriggerError(
                f"{line!r} was killed after {limit_s:g} s.{_tail(output, rendering)}",
                hint="`timeout` sets the time it may take.",
            ) from error
        except BaseException:
            _kill(process)
            raise
    if process.returncode:
        raise TriggerError(f"{line!r} ended with status {process.returncode}.{_tail(output, rendering)}")
    return output.decode(errors="replace")


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _tail(output: bytes, rendering: Rendering) -> str:
    text = rendering.masked(output.decode(errors="replace")).strip()
    return f" It wrote:\n{text[-_SHOWN:]}" if text else ""
