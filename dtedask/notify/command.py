"""Running a command with an event in its environment."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dtedask.core.errors import TriggerError
from dtedask.notify.event import Event

_VARIABLE = re.compile(r"\$\{([A-Za-z_][\w.]*)\}")
_SHOWN = 2000


def event_environment(event: Event) -> dict[str, str]:
    """Variables that describe an event: ``DTEDASK_EVENT`` (JSON) and ``DTEDASK_EVENT_<KEY>``."""
    found = {"DTEDASK_EVENT": event.as_json()}
    for key, value in event.as_dict().items():
        if not isinstance(value, dict):
            found[f"DTEDASK_EVENT_{key.upper()}"] = _text(value)
    found["DTEDASK_EVENT_REQUEST"] = event.mars
    found.update({f"DTEDASK_EVENT_REQUEST_{key.upper()}": value for key, value in event.request})
    return found


def _text(value: object) -> str:
    """A value as one word: nothing for what is not known, an area as MARS writes it."""
    if isinstance(value, list):
        return "/".join(f"{one:g}" if isinstance(one, float) else str(one) for one in value)
    return "" if value is None else str(value)


def run_command(
    command: str | list[str],
    event: Event,
    *,
    shell: bool = False,
    environment: Mapping[str, str] | None = None,
    working_dir: str | None = None,
    timeout_s: float | None = None,
) -> str:
    """Run a command and wait for it.

    Parameters
    ----------
    command : str or list of str
        Split as a shell would, unless `shell`. ``${id}``, ``${request.step}``, ``${json}`` and ``${jsonpath}`` stand
        for what the event holds; a value is always one word, whatever it holds.
    event : Event
        Also in the environment, see `event_environment`.
    shell : bool
        Let ``/bin/sh`` run it.
    environment : mapping, optional
        Further variables; their values may hold ``${...}``.
    working_dir : str, optional
        Folder to run in.
    timeout_s : float, optional
        Seconds after which the command and what it started are killed.

    Returns
    -------
    str
        What it wrote to standard output and standard error.

    Raises
    ------
    TriggerError
        If it cannot be started, ends with another status than 0, or takes too long.
    """
    with _variables(event) as variables:
        words = _words(command, variables, shell=shell)
        values = {key: _substitute(text, variables, str) for key, text in (environment or {}).items()}
        folder = Path(os.path.expandvars(working_dir)).expanduser() if working_dir else None
        try:
            process = subprocess.Popen(
                words,
                shell=shell,
                cwd=folder,
                env={**os.environ, **event_environment(event), **values},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise TriggerError(
                f"cannot start {_line(words)!r}: {error.strerror} ({error.filename}).",
                hint="Pipes, wildcards and built-in commands of a shell need `shell: true`.",
            ) from error
        return _wait(process, _line(words), timeout_s)


def _wait(process: subprocess.Popen[bytes], line: str, timeout_s: float | None) -> str:
    with process:
        try:
            output = process.communicate(timeout=timeout_s)[0]
        except subprocess.TimeoutExpired as error:
            _kill(process)
            output = process.communicate()[0]
            raise TriggerError(
                f"{line!r} was killed after {timeout_s:g} s.{_tail(output)}",
                hint="`timeout_s` sets the time it may take.",
            ) from error
        except BaseException:
            _kill(process)
            raise
    if process.returncode:
        raise TriggerError(f"{line!r} ended with status {process.returncode}.{_tail(output)}")
    return output.decode(errors="replace")


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _tail(output: bytes) -> str:
    text = output.decode(errors="replace").strip()
    return f" It wrote:\n{text[-_SHOWN:]}" if text else ""


def _line(words: str | list[str]) -> str:
    return words if isinstance(words, str) else shlex.join(words)


def _words(command: str | list[str], variables: Mapping[str, Any], *, shell: bool) -> str | list[str]:
    if shell:
        line = command if isinstance(command, str) else shlex.join(command)
        return _substitute(line, variables, shlex.quote, keep_unknown=True)
    words = shlex.split(command) if isinstance(command, str) else command
    return [_substitute(word, variables, str) for word in words]


def _substitute(
    text: str, variables: Mapping[str, Any], quote: Callable[[str], str], *, keep_unknown: bool = False
) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name in variables:
            return quote(str(variables[name]()) if callable(variables[name]) else str(variables[name]))
        if keep_unknown and "." not in name:
            return match[0]
        if name in os.environ:
            return quote(os.environ[name])
        raise TriggerError(f"the event has no {match[0]}.", hint=f"It has {', '.join(sorted(variables))}.")

    return _VARIABLE.sub(value, text)


@contextlib.contextmanager
def _variables(event: Event) -> Iterator[dict[str, Any]]:
    """Names that stand for what an event holds; the JSON file is written when it is asked for."""
    flat = {key: _text(value) for key, value in event.as_dict().items() if not isinstance(value, dict)}
    requests = {f"request.{key}": value for key, value in event.request}
    with contextlib.ExitStack() as stack:

        def json_path() -> str:
            file = stack.enter_context(tempfile.NamedTemporaryFile("w", prefix="dtedask-event-", suffix=".json"))
            file.write(event.as_json())
            file.flush()
            return file.name

        yield {
            **flat,
            **requests,
            "request": event.mars,
            "location": event.url,
            "json": event.as_json(),
            "jsonpath": json_path,
        }
