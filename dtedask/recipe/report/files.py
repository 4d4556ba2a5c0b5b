"""Where run reports are kept: a JSON file and a page for each run, the newest of each recipe."""

from __future__ import annotations

import logging
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from dtedask.catalog import catalog_path
from dtedask.core.errors import DocumentError, NotFoundError
from dtedask.core.settings import setting
from dtedask.recipe.plan import catalog_of
from dtedask.recipe.report.document import Report

if TYPE_CHECKING:
    from dtedask.recipe.document import Recipe

logger = logging.getLogger(__name__)
FOLDER = "runs"
_NAME = re.compile(r"(?P<stem>.+)-(?P<time>\d{8}T\d{6}Z)(?:-(?P<number>\d+))?\.json")


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A run report on disk.

    Parameters
    ----------
    path : Path
        Its JSON file.
    begin : datetime
        When the run began, to the second.
    """

    path: Path
    begin: datetime

    @property
    def page(self) -> Path:
        """The page that shows it."""
        return self.path.with_suffix(".html")

    def read(self) -> Report:
        """Read it; see `read_report`."""
        return read_report(self.path)


def report_folder(recipe: Recipe, folder: str | os.PathLike[str] | None = None) -> Path | None:
    """Where reports of a recipe go.

    That is the folder that is given, else what the recipe names as ``report``, else the setting
    ``dtedask.recipe.report-folder``, else the folder ``runs`` beside its catalog. None if there is none of these.
    """
    named = folder or recipe.report or setting("recipe.report-folder")
    if named:
        return None if "://" in str(named) else Path(named).expanduser().absolute()
    catalog = catalog_of(recipe)
    return Path(catalog).expanduser().absolute().parent / FOLDER if catalog else None


def root_folder(root: str | None = None) -> Path | None:
    """Where reports of recipes go that write into a root and name no folder; without one, that of the settings."""
    named = setting("recipe.report-folder")
    catalog = catalog_path(root or str(setting("store.root")))
    return Path(named).expanduser().absolute() if named else catalog and catalog.absolute().parent / FOLDER


def write_report(report: Report, folder: Path) -> ReportFile:
    """Write a report and its page, each at once, and remove the oldest of its recipe beyond the setting ``reports``.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    from dtedask.recipe.report.html import report_page

    folder.mkdir(parents=True, exist_ok=True)
    text = report.model_dump_json(indent=1)
    stem = f"{_stem(report.recipe.name)}-{report.begin:%Y%m%dT%H%M%SZ}"
    path = _new_file(folder, stem, text)
    _replace(path.with_suffix(".html"), report_page(report))
    for old in list_reports(folder, report.recipe.name)[setting("recipe.reports") :]:
        for file in (old.page, old.path):
            file.unlink(missing_ok=True)
    return ReportFile(path, report.begin)


def list_reports(folder: str | os.PathLike[str], recipe: str | None = None) -> list[ReportFile]:
    """Reports in a folder, newest first: those of one recipe, by its name, or all."""
    stem = None if recipe is None else _stem(recipe)
    return [file for _, file in sorted(_found(Path(folder), stem), key=lambda one: one[0], reverse=True)]


def read_report(path: str | os.PathLike[str]) -> Report:
    """Read a report.

    Raises
    ------
    NotFoundError
        If there is no such file.
    DocumentError
        If it is no report of this version.
    """
    try:
        return Report.model_validate_json(Path(path).read_bytes())
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no run report {str(path)!r}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise DocumentError(
            f"{path}: this is no run report: {place}: {first['msg']}.",
            hint="Run reports are the JSON files that `dtedask recipe run` writes.",
        ) from error


def _stem(name: str) -> str:
    """A name as part of a file's."""
    return re.sub(r"[^\w.+-]+", "_", name).strip(".") or "recipe"


def _found(folder: Path, stem: str | None) -> Iterator[tuple[tuple[str, int], ReportFile]]:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        match = _NAME.fullmatch(path.name)
        if match is not None and stem in (None, match["stem"]):
            begin = datetime.strptime(match["time"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            yield (match["time"], int(match["number"] or 1)), ReportFile(path, begin)


def _new_file(folder: Path, stem: str, text: str) -> Path:
    """Write a file of a new name; whoever sees it sees all of it, and two runs of one second have two files."""
    part = _part(folder / f"{stem}.json", text)
    try:
        for number in range(1, 1000):
            path = folder / (f"{stem}.json" if number == 1 else f"{stem}-{number}.json")
            if path.exists():
                continue
            try:
                os.link(part, path)
            except FileExistsError:
                continue
            except OSError:  # a file system without links
                part.replace(path)
            return path
        raise FileExistsError(f"there are 999 reports {stem} already")
    finally:
        part.unlink(missing_ok=True)


def _replace(path: Path, text: str) -> None:
    _part(path, text).replace(path)


def _part(path: Path, text: str) -> Path:
    part = path.with_name(f".{path.name}-{secrets.token_hex(4)}.part")
    part.write_text(text, "utf-8")
    return part
