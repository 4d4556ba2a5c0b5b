"""What a run did, and what it is doing: counted while it goes on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dtedask.pipeline.message import Message

__all__ = ["ActionSummary", "Failure", "PipelineSummary", "RunSummary"]
KEPT_NOTICES = 256
KEPT_FAILURES = 100


@dataclass(slots=True)
class Failure:
    """One message that an action failed on.

    Parameters
    ----------
    pipeline, action : str
        Name of the pipeline and type of the action.
    position : int
        Where in the pipeline the action stands, from 0.
    message : str
        Keys of the message.
    error : str
        What the error says.
    outcome : str
        What was done: ``propagate``, ``skip`` or ``dead-letter``.
    """

    pipeline: str
    action: str
    position: int
    message: str
    error: str
    outcome: str


@dataclass(slots=True)
class ActionSummary:
    """One action of a pipeline.

    Parameters
    ----------
    type : str
        What it does.
    fields : int
        Fields that came to it.
    seconds : float
        Time that it took, without the actions after it.
    errors : int
        How often it failed, tries that were repeated among them.
    """

    type: str
    fields: int = 0
    seconds: float = 0.0
    errors: int = 0


@dataclass(slots=True)
class PipelineSummary:
    """One pipeline.

    Parameters
    ----------
    name : str
        What it is called.
    fields_in : int
        Fields that came in.
    repeated : int
        Fields that came in and had been taken before the run was interrupted: they were left out.
    notices : int
        Flushes for which sinks wrote something.
    written : int
        Fields that sinks acknowledged, each sink counting for itself.
    skipped, retried, dead_letters : int
        Messages that were left out, tries that were repeated, and fields that were put aside.
    lag_s, longest_lag_s : float
        From the last field of a step to its notice; of the newest step, and the longest.
    waiting_bytes : int
        Size of the fields that wait in sinks for a flush.
    last_checkpoint : str
        When the state was saved last, UTC.
    failed : str
        The error that ended the pipeline.
    actions : list of ActionSummary
        Its actions, in order.
    """

    name: str
    fields_in: int = 0
    repeated: int = 0
    notices: int = 0
    written: int = 0
    skipped: int = 0
    retried: int = 0
    dead_letters: int = 0
    lag_s: float = 0.0
    longest_lag_s: float = 0.0
    waiting_bytes: int = 0
    last_checkpoint: str = ""
    failed: str = ""
    actions: list[ActionSummary] = field(default_factory=list)

    @property
    def fields_out(self) -> int:
        """Fields that came to the last action."""
        return self.actions[-1].fields if self.actions else 0


@dataclass(slots=True)
class RunSummary:
    """What a run did.

    Parameters
    ----------
    fields : int
        Fields that came in.
    notices : list of Message
        One for each flush that sinks wrote something for; the newest 256, for a run may be long.
    pipelines : list of PipelineSummary
        What each pipeline did.
    failures : list of Failure
        What failed; the newest hundred.
    """

    fields: int = 0
    notices: list[Message] = field(default_factory=list)
    pipelines: list[PipelineSummary] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    @property
    def written(self) -> int:
        """Fields that sinks acknowledged, each sink counting for itself."""
        return sum(one.written for one in self.pipelines)

    @property
    def skipped(self) -> int:
        """Messages that were left out."""
        return sum(one.skipped for one in self.pipelines)

    @property
    def dead_letters(self) -> int:
        """Fields that were put aside."""
        return sum(one.dead_letters for one in self.pipelines)

    def to_dict(self) -> dict[str, Any]:
        """All of it but the notices, as JSON can hold it."""
        pipelines = [{**asdict(one), "fields_out": one.fields_out} for one in self.pipelines]
        return {
            "fields": self.fields,
            "written": self.written,
            "skipped": self.skipped,
            "dead_letters": self.dead_letters,
            "pipelines": pipelines,
            "failures": [asdict(one) for one in self.failures],
        }

    def noted(self, notice: Message) -> None:
        """Keep a notice."""
        self.notices.append(notice)
        if len(self.notices) > KEPT_NOTICES:
            del self.notices[0]

    def failed(self, failure: Failure) -> None:
        """Keep a failure."""
        self.failures.append(failure)
        if len(self.failures) > KEPT_FAILURES:
            del self.failures[0]

    def __repr__(self) -> str:
        parts = [f"{self.fields} fields in, {self.written} out"]
        parts += [f"{self.skipped} skipped"] if self.skipped else []
        parts += [f"{self.dead_letters} dead letters"] if self.dead_letters else []
        parts += [f"{one.name} failed" for one in self.pipelines if one.failed]
        return f"<RunSummary: {'; '.join(parts)}>"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in ("pipeline", *_SHOWN))
        rows = "".join(
            f"<tr><td>{escape(one.name)}</td>"
            + "".join(f"<td>{escape(_cell(getattr(one, name)))}</td>" for name in _SHOWN)
            + "</tr>"
            for one in self.pipelines
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


_SHOWN = ("fields_in", "fields_out", "written", "skipped", "dead_letters", "longest_lag_s", "failed")


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
