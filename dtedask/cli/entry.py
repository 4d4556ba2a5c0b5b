"""The entry point: runs a command, and turns what it raises into one message and an exit status."""

from __future__ import annotations

import copy
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

from dtedask.cli.commands import ReaderLeftError
from dtedask.cli.console import show_error, show_warning
from dtedask.cli.malformed import malformed_file
from dtedask.cli.usage import show_usage_error, usage_error
from dtedask.core.errors import ClusterError, DtedaskError

DONE, FAILED, USAGE, NOTHING, INTERRUPTED = 0, 1, 2, 3, 130

_FLAGS = {"--debug": "debug", "--verbose": "verbose", "-v": "verbose", "--quiet": "quiet", "-q": "quiet"}

# What these warn of stands in the summary of an ingest, or in its error.
_SUMMED_UP = ("dtedask.ingest", "dtedask.grib")

logger = logging.getLogger("dtedask")


@dataclass
class Mode:
    """What the flags say that stand anywhere in a command line."""

    debug: bool = False
    verbose: bool = False
    quiet: bool = False


mode = Mode()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        0 done, 1 failed, 2 wrong usage or document, 3 nothing matched, 130 interrupted.
    """
    words = _take_flags(list(sys.argv[1:] if arguments is None else arguments))
    return guarded(lambda: _run(words))


def guarded(run: Callable[[], int], *, on_error: Callable[[BaseException], None] | None = None) -> int:
    """Run something with logs and warnings on standard error, and turn what it raises into a message and a status.

    Parameters
    ----------
    run : callable
        What to run; returns an exit status.
    on_error : callable, optional
        Hears of what was raised, after it was shown.
    """
    # Icechunk writes warnings to standard output unless this is set before it is imported.
    os.environ.setdefault("ICECHUNK_LOG", "error")
    with _logging(), _warnings():
        return _guarded(run, on_error or (lambda _error: None))


def _run(words: list[str]) -> int:
    from dtedask.cli.app import command

    try:
        code = command().main(words, prog_name="dtedask", standalone_mode=False)
    except SystemExit as end:
        code = end.code
    except usage_error() as error:
        return show_usage_error(error)
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    return code if isinstance(code, int) else DONE


def _guarded(run: Callable[[], int], on_error: Callable[[BaseException], None]) -> int:
    try:
        return run()
    except ReaderLeftError:
        return _reader_left()
    except KeyboardInterrupt as error:
        show_error("Interrupted.")
        on_error(error)
        return INTERRUPTED
    except DtedaskError as error:
        if mode.debug:
            raise
        show_error(_with_what_was_done(error), error.hint)
        on_error(error)
        return error.exit_status
    except Exception as error:
        if mode.debug:
            raise
        return _unexpected(error, on_error)


def _with_what_was_done(error: DtedaskError) -> str:
    """The message of an error; where a cluster is gone, with what was done on it, which its cause says."""
    cause = error.__cause__
    if isinstance(error, ClusterError) and isinstance(cause, DtedaskError) and cause.message not in error.message:
        return f"{error.message}\n{cause.message}"
    return error.message


def _unexpected(error: Exception, on_error: Callable[[BaseException], None]) -> int:
    wrong_file = malformed_file(error)
    if wrong_file is not None:
        show_error(wrong_file.message, wrong_file.hint)
        return wrong_file.exit_status
    text = " ".join(str(error).split())
    show_error(f"{type(error).__name__}: {text}" if text else type(error).__name__, "Use --debug to see where.")
    on_error(error)
    return FAILED


def _reader_left() -> int:
    """Send what is still in the buffers nowhere: the reader has what it wanted."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return DONE


def _take_flags(words: list[str]) -> list[str]:
    end = words.index("--") if "--" in words else len(words)
    mode.__init__()  # type: ignore[misc]
    for word in words[:end]:
        if word in _FLAGS:
            setattr(mode, _FLAGS[word], True)
    return [word for word in words[:end] if word not in _FLAGS] + words[end:]


@contextmanager
def _logging() -> Iterator[None]:
    handler = _StandardError()
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S"))
    level = logging.DEBUG if mode.debug else logging.INFO if mode.verbose else logging.WARNING
    quieter = logging.ERROR if level == logging.WARNING else level
    levels = {"dtedask": level, **dict.fromkeys(_SUMMED_UP, quieter)}
    before = {name: logging.getLogger(name).level for name in levels}
    logger.addHandler(handler)
    try:
        for name, wanted in levels.items():
            logging.getLogger(name).setLevel(wanted)
        yield
    finally:
        logger.removeHandler(handler)
        for name, found in before.items():
            logging.getLogger(name).setLevel(found)


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what standard error is at the time: a display of progress keeps lines above itself."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _value: TextIO) -> None:
        pass


class _Formatter(logging.Formatter):
    """One line a record; tracebacks with --debug only."""

    def format(self, record: logging.LogRecord) -> str:
        if not mode.debug:
            record = copy.copy(record)
            record.exc_info = record.exc_text = record.stack_info = None
        return super().format(record)


@contextmanager
def _warnings() -> Iterator[None]:
    from dtedask.request import RangeWarning

    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        # Shown each time, whatever Python's own filters say.
        warnings.filterwarnings("always", category=RangeWarning)
        warnings.filterwarnings("always", message="Rules take some of the same fields")  # its class costs half a second
        warnings.filterwarnings("always", message=".* Reading goes on without")
        yield


def _show_warning(message: Warning | str, category: type[Warning], *_rest: Any, **_more: Any) -> None:
    if category.__module__.startswith("dtedask"):
        show_warning(" ".join(str(message).split()))
    else:
        logger.info("%s: %s", category.__name__, message)
