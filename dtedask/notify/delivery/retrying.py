"""Dead letters are tried again: just the trigger that failed, for just that news."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from dtedask.core.errors import DocumentError, NoticeError, TriggerError
from dtedask.notify.delivery.carrier import label_of, utc_now

if TYPE_CHECKING:
    from dtedask.notify.delivery.letters import DeadLetter
    from dtedask.notify.delivery.state import DeliveryState
    from dtedask.notify.listeners import Listener, Listeners
    from dtedask.notify.triggers import BaseTrigger

__all__ = ["find_trigger", "retry_letter"]

logger = logging.getLogger(__name__)


def retry_letter(
    state: DeliveryState,
    letter: DeadLetter,
    documents: Iterable[Listeners] = (),
    *,
    clock: Callable[[], datetime] = utc_now,
) -> TriggerError | None:
    """Run the trigger of a dead letter once more; where it succeeds, the letter is removed.

    Parameters
    ----------
    state : DeliveryState
        Where the letter is.
    letter : DeadLetter
        One of its `letters`.
    documents : iterable of Listeners
        Where the listener is looked for; by default in the file that held it.
    clock : callable
        Gives the time, UTC.

    Returns
    -------
    TriggerError or None
        Why it failed again; that stands in the letter then.

    Raises
    ------
    DocumentError
        If the listener, or its trigger, is not there any more.
    NoticeError
        If somebody else is at it, or it is done.
    """
    trigger = find_trigger(letter, documents)
    with state.right(f"letter {letter.number}") as held:
        if not held or letter.number not in {one.number for one in state.letters(letter.listener)}:
            raise NoticeError(
                f"Dead letter {letter.number} is {'done' if held else 'being tried again by somebody else'}.",
                hint="`dtedask notify failed` lists those that are left.",
            )
        try:
            trigger.run(letter.news)
        except Exception as error:
            known = isinstance(error, TriggerError)
            reason = str(error) if known else f"{type(error).__name__}: {error}"
            state.replace(replace(letter, error=reason, attempts=letter.attempts + 1, time=clock()))
            failure = TriggerError(
                f"Trigger {letter.label!r} of listener {letter.listener!r} failed again for {letter.news.id}: {reason}"
            )
            failure.__cause__ = error
            logger.error("%s", failure, exc_info=None if known else error)
            return failure
        state.remove(letter.number)
        return None


def find_trigger(letter: DeadLetter, documents: Iterable[Listeners] = ()) -> BaseTrigger:
    """Find the trigger of a dead letter; raises DocumentError where it is not there any more."""
    known = {one.name: one for document in documents or _own(letter) for one in document.listeners}
    listener = known.get(letter.listener)
    if listener is None:
        raise _is_gone(letter, f"has no listener {letter.listener!r}", known)
    found = _at(listener, letter)
    if found is None:
        raise _is_gone(letter, f"has no trigger {letter.label!r} at listener {letter.listener!r} any more", known)
    return found


def _at(listener: Listener, letter: DeadLetter) -> BaseTrigger | None:
    """Return the trigger at its place where it is still the same, or else the only one that is called so."""
    triggers = listener.triggers
    if 0 <= letter.trigger < len(triggers) and label_of(triggers[letter.trigger]) == letter.label:
        return triggers[letter.trigger]
    same = [trigger for trigger in triggers if label_of(trigger) == letter.label]
    return same[0] if len(same) == 1 else None


def _own(letter: DeadLetter) -> list[Listeners]:
    from dtedask.notify.listeners import load_listeners_within

    return [load_listeners_within(letter.document)] if letter.document else []


def _is_gone(letter: DeadLetter, what: str, known: Mapping[str, object]) -> DocumentError:
    names = f" It has {', '.join(known)}." if known else ""
    return DocumentError(
        f"Dead letter {letter.number} cannot be tried again: {letter.document or 'the program that made it'} {what}.",
        hint=f"Name the file that holds it by --listeners.{names}",
    )
