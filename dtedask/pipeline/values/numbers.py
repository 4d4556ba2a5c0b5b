"""The numbers of a field, for actions that change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dtedask.core.errors import FieldError

if TYPE_CHECKING:
    from dtedask.pipeline.message import Message

__all__ = ["numbers_of"]


def numbers_of(message: Message, action: str) -> Any:
    """Return the values of a field.

    Parameters
    ----------
    message : Message
        A field.
    action : str
        The action that changes them, for the error.

    Raises
    ------
    FieldError
        If it is encoded and has none.
    """
    if message.values is None:
        raise FieldError(f"The {message} is encoded, and has no values.", hint=f"Put {action!r} before 'encode'.")
    return message.values
