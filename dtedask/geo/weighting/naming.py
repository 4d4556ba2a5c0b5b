"""Names of methods: ours, and the words that MIR and MultIO use for them."""

from __future__ import annotations

from typing import Any

_Alias = tuple[str, dict[str, Any]]
_ALIASES: dict[str, _Alias] = {
    "nn": ("nearest", {}),
    "nearest-neighbour": ("nearest", {}),
    "nearest-neighbor": ("nearest", {}),
    "k-nearest-neighbours": ("k-nearest", {}),
    "k-nearest-neighbors": ("k-nearest", {}),
    "finite-element": ("linear", {}),
    "structured-bilinear": ("bilinear", {}),
    "structured-bicubic": ("bicubic", {}),
    "structured-biquasicubic": ("quasi-cubic", {}),
    "average": ("grid-box-average", {}),
}
"""Each word of theirs: our name, and the options that it stands for."""


def canonical_method(word: str) -> tuple[str, dict[str, Any]]:
    """Say which method a word means.

    Parameters
    ----------
    word : str
        A name of ours, or one that MIR and MultIO use, such as ``nn``; ``""`` is the default, ``linear``. Capitals
        and underscores do not matter.

    Returns
    -------
    tuple of str and dict
        Our name, and the options that the word stands for. A word that nobody knows is returned as it is.
    """
    plain = word.strip().lower().replace("_", "-") or "linear"
    return _ALIASES.get(plain, (plain, {}))
