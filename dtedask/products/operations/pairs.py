"""Fields that belong together: the two components of a wind, and vorticity and divergence."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from dtedask.core.errors import ProductError
from dtedask.geo.application.winds import known_pairs
from dtedask.request.parameters import parameter_ids

if TYPE_CHECKING:
    from dtedask.products.requirement import PostProcessing

__all__ = ["VORTICITY_DIVERGENCE", "WIND", "inputs_for", "pair_of"]

WIND = ("131", "132")
VORTICITY_DIVERGENCE = ("138", "155")


def inputs_for(keys: Mapping[str, str], how: PostProcessing) -> tuple[Mapping[str, str], ...]:
    """Keys of the fields that `post_processed` takes for a field: itself, and the one that belongs to it.

    Parameters
    ----------
    keys : mapping of str to str
        MARS keys of the field that is ordered, in canonical form.
    how : PostProcessing
        How it is made.

    Returns
    -------
    tuple of mapping
        The field, and the other component of a wind where the grid is turned. With `vod2uv` the field is vorticity for
        u and divergence for v, and the other one is the other.

    Raises
    ------
    ProductError
        If winds are wanted of a field that is none.
    """
    param = keys.get("param", "")
    if how.vod2uv:
        if param not in WIND:
            raise ProductError(
                f"Vorticity and divergence make winds, and param={param} is none (vod2uv).",
                hint="Order param=131/132, or leave vod2uv out.",
            )
        number = WIND.index(param)
        first, second = VORTICITY_DIVERGENCE[number], VORTICITY_DIVERGENCE[1 - number]
        return ({**keys, "param": first}, {**keys, "param": second})
    pair = pair_of(param)
    if how.rotation is None or pair is None:
        return (keys,)
    return (keys, {**keys, "param": pair[1] if pair[0] == param else pair[0]})


def pair_of(param: str) -> tuple[str, str] | None:
    """The components of the wind or other vector that a parameter is one of, to the east and to the north."""
    return _pairs().get(param)


@lru_cache(1)
def _pairs() -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for first, second in known_pairs():
        pair = (parameter_ids(first)[0], parameter_ids(second)[0])
        found |= dict.fromkeys(pair, pair)
    return found
