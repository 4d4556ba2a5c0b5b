"""Values of keys in plans and messages, as text in canonical form."""

from __future__ import annotations

from dtedask.core.errors import InvalidValueError
from dtedask.request import canonical_value, is_key

__all__ = ["lenient", "scalar", "strict"]


def scalar(value: object) -> str:
    """Write a value of a plan or of a model as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def strict(concept: str, text: str) -> str:
    """Canonical form of a value of a plan; what the key cannot have is refused."""
    if concept in ("validDate", "validTime"):
        concept = {"validDate": "date", "validTime": "time"}[concept]
    if concept in ("startStep", "endStep"):
        concept = "step"
    if concept == "time" and text.isdecimal() and len(text) == 5:
        text = text.zfill(6)  # MultIO's hours, minutes and seconds as one number
    if is_key(concept) and concept not in ("domain", "grid"):
        return canonical_value(concept, text)
    return lenient("grid", text) if concept == "grid" else _number(text)


def lenient(concept: str, text: str) -> str:
    """Canonical form of what a message says, which is left as it is where its key has no such value."""
    try:
        return canonical_value("grid", text) if concept == "grid" else strict(concept, text)
    except InvalidValueError:
        return _number(text)


def _number(text: str) -> str:
    """Write a number without needless digits: ``1.50`` as ``1.5``; what is no number, or is ``0001``, stays."""
    whole, point, rest = text.partition(".")
    if point and whole.lstrip("+-").isdecimal() and (rest.isdecimal() or not rest):
        return f"{whole}.{rest.rstrip('0')}".rstrip(".")
    return text
