"""Where a run keeps what is not output: state, dead letters, status."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.pipeline.plan import Plan

__all__ = ["FOLDER", "folder_of", "name_of", "url_of"]

FOLDER = ".plans"
"""Below a root; its name begins with a dot, so that no cube is looked for in it."""


def name_of(plan: Plan) -> str:
    """What a plan is called where it names a folder."""
    return re.sub(r"[^\w.+=-]+", "-", plan.document.title).strip("-.") or "plan"


def url_of(plan: Plan) -> str:
    """Folder or URL of a plan's runs beside its output; empty where there is none, or it goes with the process."""
    if not plan.output or plan.output.startswith("memory://"):
        return ""
    return f"{plan.output.rstrip('/')}/{FOLDER}/{name_of(plan)}"


def folder_of(plan: Plan) -> Path | None:
    """Folder of a plan's runs beside a local output; None where there is no output, or it is elsewhere."""
    output = plan.output.removeprefix("file://")
    if not output or "://" in output:
        return None
    return Path(output).expanduser() / FOLDER / name_of(plan)
