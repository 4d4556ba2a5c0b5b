"""Weights of interpolation: made once in parallel, kept by the digest of what they depend on, read by rows."""

from dtedask.geo.weighting.cache import Kept, WeightsCache, cache_folder
from dtedask.geo.weighting.entry import DamagedWeightsError, Entry
from dtedask.geo.weighting.front import adjoint, named_weights, weights, weights_handle
from dtedask.geo.weighting.handle import WeightsHandle
from dtedask.geo.weighting.interpolation import Interpolation
from dtedask.geo.weighting.masks import Mask, Masks
from dtedask.geo.weighting.naming import canonical_method

__all__ = [
    "DamagedWeightsError",
    "Entry",
    "Interpolation",
    "Kept",
    "Mask",
    "Masks",
    "WeightsCache",
    "WeightsHandle",
    "adjoint",
    "cache_folder",
    "canonical_method",
    "named_weights",
    "weights",
    "weights_handle",
]
