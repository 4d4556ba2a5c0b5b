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
    "grid-box-average-matrix-free": ("grid-box-average", {}),
    "grid-box-maximum-matrix-free": ("grid-box-maximum", {}),
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


_OPTIONS = {
    "nclosest": "count",
    "nearest_method": "pick",
    "distance": "distance_m",
    "distance_weighting": "weighting",
    "distance_weighting_shepard_power": "power",
    "distance_weighting_gaussian_stddev": "deviation_m",
    "climate_filter_delta": "edge_m",
}
_VALUES = {
    "nclosest": "count",
    "distance-and-nclosest": "distance-and-count",
    "distance-or-nclosest": "distance-or-count",
    "inverse-distance-weighting": "inverse-distance",
    "inverse-distance-weighting-squared": "inverse-distance-squared",
    "no": "none",
}


def canonical_options(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Say in our words what options of MIR mean.

    Parameters
    ----------
    name : str
        Our name of the method; MIR's options of ``k-nearest`` have words of their own.
    options : dict
        Options by our names or MIR's; hyphens are underscores.
    """
    plain = {key.replace("-", "_"): value for key, value in options.items()}
    if name != "k-nearest":
        return plain
    return {
        _OPTIONS.get(key, key): _VALUES.get(value, value) if isinstance(value, str) else value
        for key, value in plain.items()
    }
