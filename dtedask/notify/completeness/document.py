"""Documents of expectations: which fields a run has, and when they are to be there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from dtedask.core.documents import load_document
from dtedask.notify.triggers.durations import Duration
from dtedask.request import Request, parse_step

__all__ = ["Expectation", "ExpectationsDocument", "load_expectations"]

_DAYS = (date(2024, 1, 1), date(2024, 1, 2))


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


RequestDocument = Annotated[dict[str, Any] | str, Field(union_mode="left_to_right")]


class Expectation(BaseModel):
    """What each run of a forecast, or of anything else with a reference time, is to have."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    """What its events call it."""
    request: Annotated[list[RequestDocument], BeforeValidator(_listed), Field(min_length=1)]
    """MARS requests of the fields that a run has, one or several. They name `time`, the times of day of runs; with
    `date` only runs of those days are expected, else of every day. Keys that are left out may have any value."""
    deadline: Duration | None = None
    """How long after its reference time (UTC) a run is to be complete: `6h`. Without it a run is never late."""
    step_deadline: Duration | dict[str, Duration] | None = None
    """How long after the reference time each step is to be complete: for all the same, or `{24: 4h, 240: 5h}` for the
    steps up to 24, and those up to 240."""

    @field_validator("request")
    @classmethod
    def _are_requests(cls, requests: list[Any]) -> list[Any]:
        for one in requests:
            request = Request.parse(one, today=_DAYS[0])
            if "time" not in request:
                raise ValueError("the request names no time; write the times of day of the runs, such as time: 0/12.")
            for key, values in request.items():
                if values == ("all",):
                    raise ValueError(f"{key}=all says not what is expected; name the values, or leave {key} out.")
            if request.get("date") != Request.parse(one, today=_DAYS[1]).get("date"):
                raise ValueError("dates cannot be relative to the day; leave date out for runs of every day.")
        return requests

    @field_validator("step_deadline", mode="before")
    @classmethod
    def _steps_are_texts(cls, given: Any) -> Any:
        return {str(step): limit for step, limit in given.items()} if isinstance(given, Mapping) else given

    @model_validator(mode="after")
    def _deadlines_reach_all_steps(self) -> Expectation:
        if isinstance(self.step_deadline, dict):
            last = max((parse_step(step).end_s for step in self.step_deadline), default=-1)
            for step in (step for one in self.requests for step in one.get("step", ())):
                if parse_step(step).end_s > last:
                    raise ValueError(f"step_deadline says nothing of step {step}; name one that is not before it.")
        return self

    @property
    def requests(self) -> list[Request]:
        """The requests in canonical form."""
        return [Request.parse(one) for one in self.request]

    def step_deadline_s(self, step: str) -> float | None:
        """Seconds from the reference time to the deadline of a step; None where it has none."""
        if not isinstance(self.step_deadline, dict):
            return self.step_deadline
        end = parse_step(step).end_s
        reaching = [(parse_step(last).end_s, limit) for last, limit in self.step_deadline.items()]
        return min((one for one in reaching if one[0] >= end), default=(0, None))[1]


class ExpectationsDocument(BaseModel):
    """A document of expectations."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    expect: Annotated[list[Expectation], Field(min_length=1)]
    """The expectations."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> ExpectationsDocument:
        names = [one.name for one in self.expect]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the name {twice[0]!r} is given to two expectations.")
        return self

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON schema of the document."""
        return cls.model_json_schema()


def load_expectations(
    source: str | os.PathLike[str] | Mapping[str, Any] | ExpectationsDocument,
) -> ExpectationsDocument:
    """Read a document of expectations.

    Parameters
    ----------
    source : str, os.PathLike, mapping or ExpectationsDocument
        A file, YAML text, or what it would hold.

    Raises
    ------
    DocumentError
        Naming file, line, key and the nearest legal one.
    """
    if isinstance(source, ExpectationsDocument):
        return source
    return load_document(source, ExpectationsDocument, kind="expectations")
