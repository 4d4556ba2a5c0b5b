"""What runs in one task: operations on fields, where the failure of one field is that of nothing else."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import DtedaskError, ProductError, TaskMemoryError
from dtedask.store.failures import is_passing

if TYPE_CHECKING:
    from dtedask.products.operation import Operation

__all__ = ["Failed", "Retry", "Step", "Work"]

logger = logging.getLogger(__name__)
Slot = tuple[int, int]
"""Where a value is: which input of the task and which value of it; -1 for values that the task itself has made."""


@dataclass(frozen=True, slots=True)
class Failed:
    """What stands for a value that could not be made, and for all that would be made of it.

    Parameters
    ----------
    error : DtedaskError
        Why, with the field.
    """

    error: DtedaskError


@dataclass(frozen=True, slots=True)
class Retry:
    """How often reading is tried again, where what went wrong may pass.

    Parameters
    ----------
    times : int
        How often after the first time.
    pause_s : float
        How long to wait before the first of them; before each of the others four times as long.
    """

    times: int = 2
    pause_s: float = 0.2


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on one field or on several.

    Parameters
    ----------
    operation : Operation
        What is done.
    fields : tuple
        For each field where the values are that it is made of.
    names : tuple of str
        What to call each field in an error.
    """

    operation: Operation
    fields: tuple[tuple[Slot, ...], ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """The operations of a task, in order; called with what the tasks before it gave.

    Parameters
    ----------
    steps : tuple of Step
        What is done.
    gives : tuple of int
        Which of the values are given back; others are let go.
    retry : Retry
        For steps that read.
    """

    steps: tuple[Step, ...]
    gives: tuple[int, ...]
    retry: Retry = Retry()

    def __call__(self, *inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Do it."""
        made: list[Any] = []
        for step in self.steps:
            fields = [tuple(made[place] if of < 0 else inputs[of][place] for of, place in one) for one in step.fields]
            made += _results(step, fields, self.retry)
        return tuple(made[place] for place in self.gives)


def _results(step: Step, fields: Sequence[tuple[Any, ...]], retry: Retry) -> list[Any]:
    """One result a field; those of fields whose inputs failed are the failures."""
    failed = [next((value for value in one if isinstance(value, Failed)), None) for one in fields]
    good = [place for place, one in enumerate(failed) if one is None]
    made = _made(step, [fields[place] for place in good], [step.names[place] for place in good], retry)
    results: list[Any] = list(failed)
    for place, result in zip(good, made, strict=True):
        results[place] = result
    return results


def _made(step: Step, fields: Sequence[tuple[Any, ...]], names: Sequence[str], retry: Retry) -> list[Any]:
    if len(fields) > 1:
        try:
            return step.operation.batch(fields)
        except Exception as error:  # noqa: BLE001 - one of them fails below, and the others do not
            logger.debug("%s of %d fields at once failed: %s", step.operation.name, len(fields), error)
    return [_one(step.operation, values, name, retry) for values, name in zip(fields, names, strict=True)]


def _one(operation: Operation, values: tuple[Any, ...], name: str, retry: Retry) -> Any:
    tries = 1 if values else retry.times + 1
    for number in range(tries):
        try:
            return operation(*values)
        except Exception as error:  # noqa: BLE001 - it is what becomes of this field
            if number + 1 < tries and is_passing(error):
                logger.warning("%s of %s failed and runs again: %s", operation.name, name, error)
                time.sleep(retry.pause_s * 4**number)
                continue
            return Failed(_told(error, operation.name, name))
    raise AssertionError("a last try that ends in neither way")


def _told(error: Exception, operation: str, name: str) -> DtedaskError:
    """The error as one that says which field it is about, and that travels."""
    if isinstance(error, DtedaskError):
        found: DtedaskError = error
    elif isinstance(error, MemoryError):
        found = TaskMemoryError(f"There is too little memory for {operation!r} of {name}: {error}.")
    else:
        logger.error("%s of %s failed", operation, name, exc_info=error)
        found = ProductError(f"{operation!r} of {name} failed: {type(error).__name__}: {error}")
    return found.with_traceback(None)
