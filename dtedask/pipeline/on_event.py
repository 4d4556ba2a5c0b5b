"""A plan on what an event of a commit tells of: the work `plan` of the trigger `dask`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    import xarray as xr

    from dtedask.pipeline.plan import Plan

__all__ = ["Told", "apply_plan", "archive_results"]


class Told(Protocol):
    """What is needed of an event."""

    @property
    def id(self) -> str:
        """What it is called."""
        ...

    def open(self) -> xr.Dataset:
        """Open its fields lazily, as they were at the commit."""
        ...


def apply_plan(plan: str, output: str, event: Told) -> str:
    """Apply a plan to the fields of an event, and archive what it makes, in one commit for each cube.

    Parameters
    ----------
    plan : str
        File of the plan.
    output : str
        Root that gets the results.
    event : Told
        What to apply it to.

    Returns
    -------
    str
        What was done.

    Raises
    ------
    DocumentError, PlanError
        If the plan is wrong, or makes nothing of these fields.
    """
    from dtedask.pipeline.plan import Plan

    return archive_results(Plan.from_yaml(plan, output=output), event)


def archive_results(plan: Plan, event: Told) -> str:
    """Apply a plan that is ready, and archive what it makes in its output; returns what was done."""
    import dtedask

    with dtedask.open(plan.output) as store:
        count = sum(store.archive(results) for results in _datasets(plan.apply(event.open())))
        store.flush(f"{plan.document.title} on {event.id}")
    return f"{count} fields into {plan.output}"


def _datasets(results: xr.Dataset | xr.DataTree) -> Iterator[xr.Dataset]:
    import xarray as xr

    if isinstance(results, xr.Dataset):
        yield results
        return
    for node in results.subtree:
        if node.has_data:
            yield node.to_dataset()
