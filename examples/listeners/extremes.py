"""Report the extremes of the fields that an event tells of."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

import dtedask
from dtedask.notify import Event


def report(event: Event) -> None:
    """Print the smallest and the largest value, read from the very snapshot that was announced."""
    field = dtedask.open(event.root, at=event.snapshot).retrieve(event.keys)[event.variable]
    print(
        f"{event.id} {event.variable}: {float(field.min()):g} to {float(field.max()):g} {field.attrs.get('units', '')}"
    )


def write_mean(data: xr.Dataset, event: Event) -> None:
    """Write the mean beside the root; the data are lazy, and read by the worker that this runs on."""
    mean = float(data[event.variable].mean())
    line = f"{event.id} {mean:.2f}\n"
    with Path(event.root, "means.txt").open("a") as file:
        file.write(line)
