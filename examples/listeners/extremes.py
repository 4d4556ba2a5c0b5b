"""Report the extremes of the fields that an event tells of."""

from __future__ import annotations

import dtedask
from dtedask.notify import Event


def report(event: Event) -> None:
    """Print the smallest and the largest value, read from the very snapshot that was announced."""
    field = dtedask.open(event.root, at=event.snapshot).retrieve(event.keys)[event.variable]
    print(
        f"{event.id} {event.variable}: {float(field.min()):g} to {float(field.max()):g} {field.attrs.get('units', '')}"
    )
