"""The errors that dtedask raises.

DtedaskError
├── RequestError                    a MARS request that cannot be understood (also ValueError)
│   ├── UnknownKeyError             a key that does not exist
│   └── InvalidValueError           an impossible value of a key
├── NoMatchError                    nothing that was asked for exists (also KeyError)
│   └── MissingFieldsError          some of what was named does not exist
├── SeveralGroupsError              a request spans groups where one is needed (also ValueError)
├── GribError                       bytes that are not the GRIB they should be (also ValueError)
│   ├── GribSyntaxError             empty or garbled input
│   │   └── GribCutError            input that ends inside a message: it may still be growing
│   └── GribUnsupportedError        a message that ecCodes cannot decode or encode
├── FieldError                      a field that does not fit into its cube (also ValueError)
│   ├── KeyCollisionError           two different fields that have the same keys
│   └── NoRuleError                 a field that no rule of the schema takes, or no space of several roots
├── GridError                       a grid that cannot be, or be interpolated as asked (also ValueError)
├── OpaqueError                     bytes where fields are needed (also ValueError)
├── StoreError                      a root or cube that cannot be used
│   ├── NotFoundError               no root, cube, group or snapshot there (also FileNotFoundError)
│   ├── DamagedError                bytes of a cube that fail their check
│   │   ├── SourceChangedError      a file that a cube refers to is not what it was
│   │   └── SourceMissingError      a file that a cube refers to is gone
│   ├── MovedError                  a cube whose messages are referred to where it was before it was moved
│   ├── FormatVersionError          written by a newer dtedask
│   ├── ClockError                  the clock of this host is wrong
│   ├── TagError                    a name that a tag cannot have (also ValueError)
│   ├── LockedError                 another process holds the cube (also TimeoutError)
│   ├── TransactionError            a transaction that must not be committed
│   │   ├── ConflictError           the cube moved while we wrote
│   │   └── OutcomeUnknownError     the storage went away while the commit was published
│   ├── CommitTimeoutError          storage that does not answer in time (also TimeoutError)
│   ├── BranchError                 a branch that cannot be made or deleted (also ValueError)
│   ├── SchemaError                 another schema than the root's, or one that would lose fields
│   ├── ReadOnlyError               writing to what only can be read (also PermissionError)
│   ├── RootUnavailableError        one of several roots that does not answer (also OSError)
│   ├── SeveralRootsError           several roots where one is needed (also ValueError)
│   └── ControlledError             fields that are locked for what was asked (also PermissionError)
├── DocumentError                   a recipe, listener, schema or catalog that is wrong (also ValueError)
├── SettingError                    a setting or profile that is wrong (also ValueError)
├── IngestError                     files that could not be ingested, while others were
├── PlanError                       work that cannot be done as planned, such as too little memory
│   └── RunError                    pipelines of a plan that failed, while others went on
├── SinkError                       a sink of a pipeline that failed, while others did their part
├── ProductError                    a product that cannot be made as required (also ValueError)
│   ├── DeliveryError               a product that did not come to where it goes
│   └── ProductsFailedError         products that failed, while others were delivered
├── ClusterError                    a cluster that cannot be started or was lost
│   ├── WorkersMissingError         no worker started in time (also TimeoutError)
│   ├── WorkerLostError             work whose workers died again and again
│   └── TaskMemoryError             a task that needs more memory than a worker has (also MemoryError)
├── NoticeError                     a notice that could not be logged or delivered
│   ├── TriggerError                a trigger that failed
│   ├── NotificationError           a notification or filter that its event type does not allow (also ValueError)
│   │   └── UnknownEventTypeError   an event type that does not exist (also KeyError)
│   └── ServerError                 a server of notices that does not answer, or answers with an error
│       ├── UnauthorizedError       no credentials, or wrong ones (also PermissionError)
│       └── ForbiddenError          credentials that do not allow it (also PermissionError)
└── MissingExtraError               an optional library that is not installed (also ImportError)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar


class DtedaskError(Exception):
    """Base of all errors of dtedask.

    Parameters
    ----------
    message : str
        What failed, with the value and the place.
    hint : str, optional
        What to do next.
    """

    code: ClassVar[str] = "error"
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.hint))


def _rebuild(kind: type[DtedaskError], message: str, hint: str) -> DtedaskError:
    return kind(message, hint=hint)


class RequestError(DtedaskError, ValueError):
    """A MARS request that cannot be understood."""

    code = "bad-request"
    exit_status = 2


class UnknownKeyError(RequestError):
    """A request key that does not exist."""

    code = "unknown-key"


class InvalidValueError(RequestError):
    """An impossible value of a request key."""

    code = "invalid-value"


class NoMatchError(DtedaskError, KeyError):
    """Nothing that was asked for exists."""

    code = "no-match"
    exit_status = 3


class MissingFieldsError(NoMatchError):
    """Some of the fields that a request names do not exist.

    Parameters
    ----------
    message, hint : str
        As for every error; they show some of what is missing.
    missing : sequence of mapping
        All of it: requests, each a mapping of keys to lists of values. No field is in two of them.
    """

    code = "missing-fields"

    def __init__(self, message: str, *, hint: str = "", missing: Sequence[Mapping[str, Sequence[str]]] = ()) -> None:
        super().__init__(message, hint=hint)
        self.missing = tuple(missing)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.hint), {"missing": self.missing})


class SeveralGroupsError(DtedaskError, ValueError):
    """A request spans several groups where one is needed."""

    code = "several-groups"


class GribError(DtedaskError, ValueError):
    """Bytes that are not the GRIB they should be."""

    code = "grib"


class GribSyntaxError(GribError):
    """A message that is cut short, or bytes that are no message."""

    code = "grib-syntax"


class GribCutError(GribSyntaxError):
    """Input that ends inside a message: a file that is cut, or that is still growing."""

    code = "grib-cut"


class GribUnsupportedError(GribError):
    """A message that ecCodes cannot decode, or a field that it cannot encode."""

    code = "grib-unsupported"


class FieldError(DtedaskError, ValueError):
    """A field that does not fit into its cube."""

    code = "field"


class KeyCollisionError(FieldError):
    """Two different fields that have the same keys."""

    code = "key-collision"


class NoRuleError(FieldError):
    """A field that no rule of the schema takes, or no space of several roots."""

    code = "no-rule"


class GridError(DtedaskError, ValueError):
    """A grid that cannot be, has no points that are known, or cannot be interpolated as asked."""

    code = "grid"


class OpaqueError(DtedaskError, ValueError):
    """Opaque bytes where fields are needed."""

    code = "opaque"


class StoreError(DtedaskError):
    """A root or cube that cannot be used."""

    code = "store"


class NotFoundError(StoreError, FileNotFoundError):
    """No root, cube, group or snapshot where one was expected."""

    code = "not-found"


class DamagedError(StoreError):
    """Bytes of a cube that fail their check."""

    code = "damaged"


class SourceChangedError(DamagedError):
    """A file that a cube refers to is not what it was when it was referred to."""

    code = "source-changed"


class SourceMissingError(DamagedError):
    """A file that a cube refers to is gone."""

    code = "source-missing"


class FormatVersionError(StoreError):
    """A root or cube that a newer dtedask wrote."""

    code = "format-version"


class MovedError(StoreError):
    """A root was moved or copied, and a cube of it still refers to messages where it was."""

    code = "moved"


class ClockError(StoreError):
    """The clock of this host disagrees with the storage, or with the commits that are there."""

    code = "clock"


class TagError(StoreError, ValueError):
    """A name that a tag cannot have, or that another tag has."""

    code = "tag"


class LockedError(StoreError, TimeoutError):
    """Another process holds the cube."""

    code = "locked"


class TransactionError(StoreError):
    """A transaction that must not be committed."""

    code = "transaction"


class ConflictError(TransactionError):
    """The cube moved while a transaction was written."""

    code = "conflict"


class OutcomeUnknownError(TransactionError):
    """The storage went away while a commit was published: it may be there or not."""

    code = "outcome-unknown"


class CommitTimeoutError(StoreError, TimeoutError):
    """Storage that does not answer in time; nothing was published."""

    code = "commit-timeout"


class BranchError(StoreError, ValueError):
    """A branch that cannot be made or deleted."""

    code = "branch"


class SchemaError(StoreError):
    """Another schema than the root's, or one under which fields of the root would not be found."""

    code = "schema"


class ReadOnlyError(StoreError, PermissionError):
    """Writing to something that can only be read."""

    code = "read-only"


class RootUnavailableError(StoreError, OSError):
    """One of several roots, or more, that does not answer.

    Parameters
    ----------
    message, hint : str
        As for every error; they name each of them.
    roots : mapping of str to str
        Path or URL of each, and the reason.
    """

    code = "root-unavailable"

    def __init__(self, message: str, *, hint: str = "", roots: Mapping[str, str] | None = None) -> None:
        super().__init__(message, hint=hint)
        self.roots = dict(roots or {})

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.hint), {"roots": self.roots})


class SeveralRootsError(StoreError, ValueError):
    """Several roots where one is needed."""

    code = "several-roots"


class ControlledError(StoreError, PermissionError):
    """Fields that somebody locked for what was asked."""

    code = "controlled"


class DocumentError(DtedaskError, ValueError):
    """A recipe, listener, schema or catalog that is wrong."""

    code = "document"
    exit_status = 2


class SettingError(DtedaskError, ValueError):
    """A setting or profile that is wrong."""

    code = "setting"
    exit_status = 2


class IngestError(DtedaskError):
    """Some files could not be ingested; the others are.

    Attributes
    ----------
    summary : dtedask.ingest.Summary, optional
        What was done all the same; lost when the error is pickled.
    """

    code = "ingest"
    summary: object = None


class PlanError(DtedaskError):
    """Work that cannot be done as planned."""

    code = "plan"


class RunError(PlanError):
    """Pipelines of a plan failed; the others did all that they had to.

    Attributes
    ----------
    summary : dtedask.pipeline.RunSummary, optional
        What was done all the same; lost when the error is pickled.
    """

    code = "run"
    summary: object = None


class SinkError(DtedaskError):
    """Sinks of a pipeline that failed; the others did their part, and the same again does what is left."""

    code = "sink"


class ProductError(DtedaskError, ValueError):
    """A product that cannot be made as it is required."""

    code = "product"


class DeliveryError(ProductError):
    """A product that did not come to where it goes.

    Attributes
    ----------
    is_lasting : bool
        Whether trying again does not help.
    wait_s : float
        How long the place asks to wait before the next attempt, seconds.
    """

    code = "delivery"

    def __init__(self, message: str, *, hint: str = "", is_lasting: bool = False, wait_s: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.is_lasting = is_lasting
        self.wait_s = wait_s

    def __reduce__(self) -> tuple[object, ...]:
        kept = {"is_lasting": self.is_lasting, "wait_s": self.wait_s}
        return (_rebuild, (type(self), self.message, self.hint), kept)


class ProductsFailedError(ProductError):
    """Products that failed; all others were delivered.

    Attributes
    ----------
    report : object, optional
        What was done all the same; lost when the error is pickled.
    """

    code = "products-failed"
    report: object = None


class ClusterError(DtedaskError):
    """A cluster that cannot be started, or that was lost."""

    code = "cluster"


class WorkersMissingError(ClusterError, TimeoutError):
    """No worker started in time."""

    code = "no-workers"


class WorkerLostError(ClusterError):
    """Work whose workers died again and again."""

    code = "worker-lost"


class TaskMemoryError(ClusterError, MemoryError):
    """A task that needs more memory than a worker has."""

    code = "task-memory"


class NoticeError(DtedaskError):
    """A notice that could not be logged or delivered."""

    code = "notice"


class TriggerError(NoticeError):
    """A trigger of a listener that failed.

    Attributes
    ----------
    is_lasting : bool
        Whether trying again does not help.
    wait_s : float
        How long a server asks to wait before the next attempt, seconds.
    """

    code = "trigger"

    def __init__(self, message: str, *, hint: str = "", is_lasting: bool = False, wait_s: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.is_lasting = is_lasting
        self.wait_s = wait_s

    def __reduce__(self) -> tuple[object, ...]:
        kept = {"is_lasting": self.is_lasting, "wait_s": self.wait_s}
        return (_rebuild, (type(self), self.message, self.hint), kept)


class NotificationError(NoticeError, ValueError):
    """A notification, or a filter of notifications, that its event type does not allow."""

    code = "invalid-notification"
    exit_status = 2


class UnknownEventTypeError(NotificationError, KeyError):
    """An event type that does not exist."""

    code = "unknown-event-type"


class ServerError(NoticeError):
    """A server of notices that does not answer, or answers with an error."""

    code = "server"


class UnauthorizedError(ServerError, PermissionError):
    """No credentials, or wrong ones."""

    code = "unauthorized"


class ForbiddenError(ServerError, PermissionError):
    """Credentials that do not allow what was asked."""

    code = "forbidden"


class MissingExtraError(DtedaskError, ImportError):
    """An optional library that is not installed."""

    code = "missing-extra"
