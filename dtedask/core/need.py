"""What somebody has still to read of the past of a cube."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Need:
    """The oldest commit that is still needed.

    Parameters
    ----------
    sequence : int
        Its number; everything later is needed too.
    reason : str
        Who needs it, such as ``"listener 'plots', which has heard of 12 commits"``.
    """

    sequence: int
    reason: str
