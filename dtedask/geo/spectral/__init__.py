"""Spherical harmonics: to points and back, winds, derivatives, truncation, spectra."""

from dtedask.geo.spectral.resolution import matching_truncation
from dtedask.geo.spectral.transforms import (
    direct,
    gradient,
    inverse,
    inverse_laplacian,
    laplacian,
    spectral_grid,
    spectrum,
    truncate,
    vorticity_divergence,
    wind,
    wind_coefficients,
)

__all__ = [
    "direct",
    "gradient",
    "inverse",
    "inverse_laplacian",
    "laplacian",
    "matching_truncation",
    "spectral_grid",
    "spectrum",
    "truncate",
    "vorticity_divergence",
    "wind",
    "wind_coefficients",
]
