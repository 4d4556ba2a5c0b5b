"""How often a trigger that fails is tried again, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from dtedask.core.settings import setting

if TYPE_CHECKING:
    from dtedask.notify.triggers import Trigger

__all__ = ["Policy", "policy_of"]


@dataclass(frozen=True, slots=True)
class Policy:
    """What is done when a trigger fails.

    Parameters
    ----------
    retries : int
        Further attempts after the first.
    delay_s : float
        Before the first of them; twice as long before each that follows.
    limit_s : float
        No delay is longer.
    required : bool
        Whether what fails for good goes to the dead letters; else it is logged and passed over.
    fail_fast : bool
        Give up at once where the same would fail again.
    """

    retries: int = 0
    delay_s: float = 1.0
    limit_s: float = 300.0
    required: bool = True
    fail_fast: bool = False

    def allows(self, attempts: int, *, is_lasting: bool = False) -> bool:
        """Whether there is another attempt after so many failed ones."""
        return attempts <= self.retries and not (is_lasting and self.fail_fast)

    def delay(self, attempts: int, chance: float, *, at_least_s: float = 0.0) -> timedelta:
        """How long to wait after so many failed attempts.

        Parameters
        ----------
        attempts : int
            Failed attempts, at least 1.
        chance : float
            A random number in [0, 1): spreads the attempts of many listeners over the second half of the delay.
        at_least_s : float
            What the other side asked for.
        """
        full_s = min(self.limit_s, self.delay_s * 2.0 ** min(attempts - 1, 60))
        return timedelta(seconds=max(full_s * (0.5 + 0.5 * chance), at_least_s))


def policy_of(trigger: Trigger) -> Policy:
    """Return the policy of a trigger: its own, and the settings where it says nothing."""
    retries, delay_s = getattr(trigger, "retries", None), getattr(trigger, "retry_delay", None)
    return Policy(
        retries=setting("notify.retries") if retries is None else retries,
        delay_s=setting("notify.retry-delay") if delay_s is None else delay_s,
        limit_s=setting("notify.retry-delay-limit"),
        required=getattr(trigger, "required", True),
        fail_fast=getattr(trigger, "fail_fast", False),
    )
