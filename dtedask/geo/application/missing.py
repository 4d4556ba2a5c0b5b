"""What becomes of a point whose source has missing values."""

from __future__ import annotations

from typing import Literal, get_args

from dtedask.core.errors import GridError
from dtedask.core.nearest import did_you_mean

MissingPolicy = Literal[
    "missing-if-heaviest-missing",
    "missing-if-all-missing",
    "missing-if-any-missing",
    "heaviest",
    "simulated-missing-value",
    "no",
]
"""How missing values are treated, in the words of MIR's option `non-linear`.

``missing-if-heaviest-missing``
    A point is missing if the source point with its largest weight is; otherwise the weights of the missing ones go to
    the others, in proportion.
``missing-if-all-missing``
    A point is missing if all its source points are; otherwise as above.
``missing-if-any-missing``
    A point is missing if one of its source points is.
``heaviest``
    A point takes the value of the source point with its largest weight, missing or not.
``simulated-missing-value``
    As ``missing-if-heaviest-missing``, where a number that the caller names counts as missing and stays that number.
``no``
    Nothing is done: missing is NaN, and what is made of NaN is NaN, as in ``missing-if-any-missing``.
"""

DEFAULT: MissingPolicy = "missing-if-heaviest-missing"
_CODES = {
    "missing-if-heaviest-missing": 2,
    "missing-if-all-missing": 1,
    "missing-if-any-missing": 0,
    "heaviest": 0,
    "simulated-missing-value": 2,
    "no": 0,
}


def checked_policy(name: str) -> MissingPolicy:
    """Return a policy by its name.

    Raises
    ------
    GridError
        If there is none of this name.
    """
    for known in get_args(MissingPolicy):
        if name == known:
            found: MissingPolicy = known
            return found
    raise GridError(f"There is no treatment of missing values {name!r}.", hint=did_you_mean(name, _CODES))


def code_of(policy: MissingPolicy) -> int:
    """What the kernels call a policy: 0 for any, 1 for all, 2 for the heaviest."""
    return _CODES[policy]
