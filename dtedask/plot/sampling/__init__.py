"""The value of a field at any place: of the nearest point, or between points."""

from dtedask.plot.sampling.choose import sampler_of
from dtedask.plot.sampling.sampler import Sampler

__all__ = ["Sampler", "sampler_of"]
