"""What every trigger has: its name, how often it is tried, and how long it may take."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dtedask.notify.event import Event
from dtedask.notify.notification import Notification
from dtedask.notify.triggers.durations import Duration

__all__ = ["BaseTrigger", "News"]

News = Event | Notification
"""What a trigger is told: an event of a commit, or a notification of any event type."""


class BaseTrigger(BaseModel):
    """What a listener does with an event.

    A plug-in derives its own kind from this class, gives `type` a `Literal` of its name, and names the class by an
    entry point of the group ``dtedask.triggers``.
    """

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True)

    time_limit_s: ClassVar[float | None] = None
    """Seconds a run may take where the document does not say; None for kinds that cannot be stopped."""

    type: str
    """What is done."""
    label: str | None = None
    """Name of this trigger in messages; by default its type."""
    retries: Annotated[int, Field(ge=0)] | None = None
    """How often it is tried again after it failed, with longer and longer waits; by default as the settings say."""
    retry_delay: Duration | None = None
    """The first wait; `1s`, `2m`, `500ms`."""
    required: bool = True
    """Whether its failure is a failure of the listener; else it is logged and forgotten."""
    fail_fast: bool = True
    """Whether it is given up at once where trying again cannot help, such as an answer `404 Not Found`."""
    timeout: Duration | None = None
    """How long one attempt may take; `30s`, `2m`, `500ms`."""
    timeout_s: Annotated[float, Field(gt=0)] | None = None
    """The same in seconds."""

    @model_validator(mode="after")
    def _one_time_limit(self) -> BaseTrigger:
        given = [name for name in ("timeout", "timeout_s") if getattr(self, name) is not None]
        if len(given) == 2:
            raise ValueError("'timeout' and 'timeout_s' say the same; keep one of them.")
        if given and self.time_limit_s is None:
            raise ValueError(f"a trigger {self.type!r} cannot be stopped, so it has no {given[0]!r}.")
        if self.timeout == 0:
            raise ValueError("the timeout must be more than 0 s.")
        return self

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return self.label or self.type

    @property
    def limit_s(self) -> float | None:
        """Seconds one attempt may take; None for no limit."""
        given = self.timeout if self.timeout is not None else self.timeout_s
        return self.time_limit_s if given is None else given

    def run(self, news: News) -> None:
        """Do it once.

        Raises
        ------
        TriggerError
            If it failed; `is_lasting` where trying again does not help. Whatever else is raised is a failure too.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what is kept between events."""
