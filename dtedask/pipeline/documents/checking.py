"""Checking a plan without running anything of it."""

from __future__ import annotations

import os

from dtedask.pipeline.documents.document import read_plan
from dtedask.pipeline.plan import Plan

__all__ = ["check_plan"]


def check_plan(file: str | os.PathLike[str]) -> str:
    """Check a plan, and all its sections that fields could come to first.

    Returns
    -------
    str
        What it has, in few words.

    Raises
    ------
    DocumentError
        Naming file, line and key of what is wrong.
    """
    document = read_plan(file)
    begins = [""] if document.has_entry else list(document.sections)
    names = [pipeline.name for section in begins for pipeline in Plan(document, section=section).pipelines]
    return f"{len(names)} pipeline{'s' if len(names) != 1 else ''}: {', '.join(names)}"
