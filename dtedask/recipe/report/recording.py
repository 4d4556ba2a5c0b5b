"""Write the report of a run, however the run ends."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.recipe.report.files import ReportFile, report_folder, write_report
from dtedask.recipe.report.recorder import Outcome, Recorder

if TYPE_CHECKING:
    from dtedask.recipe.document import Recipe

logger = logging.getLogger(__name__)


@dataclass
class Recording:
    """A run that is recorded.

    Parameters
    ----------
    recorder : Recorder
        Hears of what happens.
    outcome : Outcome, optional
        What was done; set where the run comes to its end.
    written : ReportFile, optional
        The report, once the run has ended.
    """

    recorder: Recorder
    outcome: Outcome | None = None
    written: ReportFile | None = None


@contextmanager
def recorded(
    recipe: Recipe,
    profile: str | None = None,
    roots: Sequence[str] = (),
    folder: str | os.PathLike[str] | None = None,
) -> Iterator[Recording]:
    """Record what happens inside, and write the report at the end, after an error and an interrupt too.

    Parameters
    ----------
    recipe : Recipe
        What runs.
    profile : str, optional
        Profile to run on instead of its own.
    roots : sequence of str
        Roots whose commits are those of the run.
    folder : str or path, optional
        Where the report goes; see `report_folder`.
    """
    place = report_folder(recipe, folder)
    recording = Recording(Recorder(recipe, profile, roots))
    error: BaseException | None = None
    try:
        with recording.recorder.hearing():
            yield recording
    except BaseException as raised:
        error = raised
        raise
    finally:
        recording.written = _write(recording, error, place)


def _write(recording: Recording, error: BaseException | None, place: Path | None) -> ReportFile | None:
    """Write a report; what goes wrong with it neither fails the run nor hides why it failed."""
    if place is None:
        logger.info("no run report is written: there is no catalog on disk, and no folder is named")
        return None
    try:
        return write_report(recording.recorder.report(recording.outcome, error), place)
    except Exception as failure:
        logger.warning("The run report could not be written into %s: %s", place, failure, exc_info=True)
        return None
