"""Keys whose values are words: any, one of some, versions of experiments, and those of a pattern."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from dtedask.core.nearest import did_you_mean
from dtedask.notify.event_types.keys import Key, ValueProblem, plain_text

__all__ = ["EnumKey", "ExpverKey", "RegexKey", "StringKey"]


class StringKey(Key):
    """Any text that is not empty, taken as it is."""

    handler: ClassVar[str] = "StringHandler"

    type: Literal["string"] = "string"
    max_length: int | None = Field(None, gt=0)
    """The most characters."""

    def canonical(self, value: Any) -> str:
        """Take the text."""
        return _checked_length(plain_text(value), self.max_length)

    def _options(self) -> dict[str, Any]:
        return {"max_length": self.max_length}


class EnumKey(Key):
    """One of some words, in any case."""

    handler: ClassVar[str] = "EnumHandler"

    type: Literal["enum"] = "enum"
    values: list[str | int] = Field(min_length=1)
    """The words."""

    @field_validator("values")
    @classmethod
    def _are_different(cls, values: list[str | int]) -> list[str]:
        words = [str(value).lower() for value in values]
        twice = sorted({word for word in words if words.count(word) > 1})
        if twice or "" in words:
            raise ValueError(f"the value {twice[0]!r} is there twice." if twice else "a value is empty.")
        return words

    def canonical(self, value: Any) -> str:
        """Write it in lower case."""
        word = plain_text(value).strip().lower()
        if word not in self.values:
            raise ValueProblem("it is none of the values of this key", did_you_mean(word, map(str, self.values)))
        return word

    def _options(self) -> dict[str, Any]:
        return {"values": list(self.values)}


class ExpverKey(Key):
    """Version of an experiment: numbers get four digits, other names lower case."""

    handler: ClassVar[str] = "ExpverHandler"

    type: Literal["expver"] = "expver"

    def canonical(self, value: Any) -> str:
        """Write it with four characters where it is a number; an empty text is the default."""
        if value == "" and self.default is not None:
            value = self.default
        word = plain_text(value).strip()
        if re.fullmatch(r"[0-9]{1,4}", word):
            return word.zfill(4)
        if not re.fullmatch(r"[0-9A-Za-z_.-]+", word):
            raise ValueProblem("it is no version of an experiment", "Such are '0001' and 'abcd'.")
        return word.lower()

    def _options(self) -> dict[str, Any]:
        return {"default": self.default}


class RegexKey(Key):
    """A text that a regular expression takes as a whole."""

    handler: ClassVar[str] = "RegexHandler"

    type: Literal["regex"] = "regex"
    pattern: str
    """Regular expression of Python."""
    max_length: int = Field(1000, gt=0)
    """The most characters."""

    @field_validator("pattern")
    @classmethod
    def _is_a_pattern(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}.") from error
        return pattern

    def canonical(self, value: Any) -> str:
        """Take the text."""
        text = _checked_length(plain_text(value), self.max_length)
        if _compiled(self.pattern).fullmatch(text) is None:
            raise ValueProblem(f"it does not have the form {self.pattern}")
        return text

    def _options(self) -> dict[str, Any]:
        return {"pattern": self.pattern, "max_length": self.max_length}


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _checked_length(text: str, most: int | None) -> str:
    if most is not None and len(text) > most:
        raise ValueProblem(f"it has {len(text)} characters, and at most {most} are allowed")
    return text
