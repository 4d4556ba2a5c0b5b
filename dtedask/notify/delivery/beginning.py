"""Where a listener begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from dtedask.core.errors import InvalidValueError
from dtedask.notify.delivery.moments import Moment, parse_moment

if TYPE_CHECKING:
    from dtedask.notify.delivery.sources import Source
    from dtedask.notify.delivery.state import DeliveryState
    from dtedask.notify.listeners import Listener

__all__ = ["Mode", "begin_at", "first_cursors", "register"]

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


def begin_at(
    state: DeliveryState, listener: Listener, source: Source, mode: Mode = "new", *, moment: Moment | None = None
) -> None:
    """Register a listener where its mode says, or before a moment.

    Raises
    ------
    InvalidValueError
        If the moment is one of another event type.
    """
    if moment is not None:
        register(state, listener, source, source.before(moment), again=True)
        return
    known = state.cursors(listener.name, source.event_type)
    own = listener.from_id if listener.from_id is not None else listener.from_date
    if known is None and own is not None and mode == "new":
        register(state, listener, source, source.before(_own_moment(listener)))
        return
    register(state, listener, source, first_cursors(mode, known, source.heads()), again=mode == "now")


def _own_moment(listener: Listener) -> Moment:
    key = "from_date" if listener.from_id is None else "from_id"
    try:
        moment = parse_moment(getattr(listener, key))
    except InvalidValueError as error:
        raise listener.mistake(key, error.message, error.hint) from error
    if (moment.time is None) == (key == "from_date"):
        raise listener.mistake(key, f"{moment} is no {'time' if key == 'from_date' else 'number'}.")
    return moment


def register(
    state: DeliveryState, listener: Listener, source: Source, cursors: Cursors, *, again: bool = False
) -> None:
    """Let a listener that never ran begin at these cursors; `again` also one that did."""
    if again or state.cursors(listener.name, source.event_type) is None:
        state.register(
            listener.name, source.event_type, cursors, cubes=source.cubes, document=listener.document, again=again
        )
