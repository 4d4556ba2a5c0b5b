"""Where a listener begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from dtedask.notify.delivery.sources import Source
    from dtedask.notify.delivery.state import DeliveryState
    from dtedask.notify.listeners import Listener

__all__ = ["Mode", "begin", "first_cursors", "register"]

Mode = Literal["new", "catchup", "now"]
Cursors = Mapping[str, int]


def first_cursors(mode: Mode, known: Cursors | None, heads: Cursors) -> Cursors:
    """Say where a listener begins.

    Parameters
    ----------
    mode : {"new", "catchup", "now"}
        Where it was, or with what comes from now on; where it was, or at the beginning; with what comes from now on.
    known : mapping of stream to place, optional
        Where it was; None for a listener that never ran.
    heads : mapping of stream to place
        End of the log.
    """
    if mode == "now":
        return heads
    if known is not None:
        return known
    return {} if mode == "catchup" else heads


def begin(state: DeliveryState, listener: Listener, source: Source, mode: Mode = "new") -> None:
    """Register a listener where its mode says."""
    known = state.cursors(listener.name, source.event_type)
    register(state, listener, source, first_cursors(mode, known, source.heads()), again=mode == "now")


def register(
    state: DeliveryState, listener: Listener, source: Source, cursors: Cursors, *, again: bool = False
) -> None:
    """Let a listener that never ran begin at these cursors; `again` also one that did."""
    if again or state.cursors(listener.name, source.event_type) is None:
        state.register(
            listener.name, source.event_type, cursors, cubes=source.cubes, document=listener.document, again=again
        )
