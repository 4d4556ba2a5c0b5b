"""Look through files before anything is written: how many fields, how large, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from dtedask.core.errors import GribError
from dtedask.grib.files import SourceFile

if TYPE_CHECKING:
    from dtedask.grib import Message, Skipped

UnitName = Literal["all", "file", "step"]
OnError = Literal["raise", "skip"]


@dataclass(frozen=True, slots=True)
class Unit:
    """What one flush commits.

    Parameters
    ----------
    messages : sequence of Message
        The fields, in order.
    complete : tuple of SourceFile
        Files of which everything is in the cube after this unit.
    partial : tuple of SourceFile
        Files of which more is to come.
    message : str
        What to say of it in the history.
    numbers : sequence of int
        Places of the messages in their files, counted from 1.
    counts : mapping of (str, int)
        How many messages each file has, by its path.
    """

    messages: Sequence[Message]
    complete: tuple[SourceFile, ...]
    partial: tuple[SourceFile, ...]
    message: str
    numbers: Sequence[int]
    counts: Mapping[str, int]

    @property
    def bytes(self) -> int:
        """Bytes of GRIB."""
        return sum(message.length for message in self.messages)

    def part(self, indices: Sequence[int]) -> Unit:
        """The same with some of its messages only."""
        return replace(
            self,
            messages=[self.messages[index] for index in indices],
            numbers=[self.numbers[index] for index in indices],
        )

    @classmethod
    def of_files(cls, surveys: Sequence[FileSurvey], message: str = "") -> Unit:
        """Everything of some files."""
        messages = [one for found in surveys for one in found.messages]
        numbers = [number for found in surveys for number in range(1, len(found.messages) + 1)]
        files = tuple(found.file for found in surveys)
        return cls(messages, files, (), message, numbers, _counts(surveys))


@dataclass(frozen=True, slots=True)
class FileSurvey:
    """What stands in a file.

    Parameters
    ----------
    file : SourceFile
        The file.
    fields : int
        Number of fields.
    bytes : int
        Their bytes of GRIB.
    points : int
        Their points in all.
    most_points, longest : int
        Points of the largest field and bytes of the longest message.
    messages : tuple of Message
        The fields; empty when they were only counted.
    skipped : tuple of Skipped
        What was passed over.
    error : Exception, optional
        Why nothing of the file can be taken.
    """

    file: SourceFile
    fields: int = 0
    bytes: int = 0
    points: int = 0
    most_points: int = 0
    longest: int = 0
    messages: tuple[Message, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    error: Exception | None = None


def survey(file: SourceFile, on_error: OnError = "raise", *, with_data: bool = False) -> FileSurvey:
    """Scan a file; what is wrong with it is returned, not raised.

    Parameters
    ----------
    file : SourceFile
        The file.
    on_error : {"raise", "skip"}
        Whether a bad message spoils the file.
    with_data : bool
        Take the bytes of the messages too, for workers that cannot see the file.
    """
    from dtedask.grib import ScanReport, scan

    report = ScanReport()
    try:
        messages = tuple(scan(file.path, on_error=on_error, report=report))
        if with_data:
            messages = tuple(replace(message, location="", data=message.read()) for message in messages)
    except (GribError, OSError) as error:
        return FileSurvey(file, error=error)
    sizes = [message.field.grid.size for message in messages]
    lengths = [message.length for message in messages]
    return FileSurvey(
        file,
        fields=len(messages),
        bytes=sum(lengths),
        points=sum(sizes),
        most_points=max(sizes, default=0),
        longest=max(lengths, default=0),
        messages=messages,
        skipped=tuple(report.skipped),
    )


def step_units(surveys: Sequence[FileSurvey]) -> list[Unit]:
    """One unit a reference time and step over all files, in order."""
    messages: dict[tuple[str, int], list[Message]] = {}
    numbers: dict[tuple[str, int], list[int]] = {}
    files: dict[tuple[str, int], dict[SourceFile, None]] = {}
    counts = _counts(surveys)
    for found in surveys:
        for number, message in enumerate(found.messages, start=1):
            key = step_of(message)
            messages.setdefault(key, []).append(message)
            numbers.setdefault(key, []).append(number)
            files.setdefault(key, {})[found.file] = None
    keys = sorted(messages)
    last = {file: key for key in keys for file in files[key]}
    return [
        Unit(
            messages[key],
            complete=tuple(file for file in files[key] if last[file] == key),
            partial=tuple(file for file in files[key] if last[file] != key),
            message=step_text(key),
            numbers=numbers[key],
            counts=counts,
        )
        for key in keys
    ]


def _counts(surveys: Sequence[FileSurvey]) -> dict[str, int]:
    return {found.file.path: len(found.messages) for found in surveys}


def step_of(message: Message) -> tuple[str, int]:
    """Reference time as text that sorts, and end of the step in seconds."""
    keys = message.field.keys
    return f"{keys.get('hdate', keys['date'])} {keys.get('time', '0000')}", message.field.step_seconds


def step_text(key: tuple[str, int]) -> str:
    """A step for people."""
    from dtedask.request import format_step

    return f"{key[0]} step {format_step(key[1])}"
