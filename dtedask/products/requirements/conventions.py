"""Names of products by convention: the three templates of ECMWF's real-time data."""

from __future__ import annotations

import re
from typing import Literal

from dtedask.core.errors import DocumentError

__all__ = ["CONVENTIONS", "Convention", "template_of"]

Convention = Literal["legacy", "ecmwf", "wmo"]
_TIME = "%Y%m%dT%H%M%SZ"
CONVENTIONS: dict[str, str] = {
    "legacy": "<feed>{indicator}{base:%m%d%H%M}{validLegacy}{version}",
    "ecmwf": "<destination>_<feed>_<model>_{class}_{stream}_{type}_{base:"
    + _TIME
    + "}_{valid:"
    + _TIME
    + "}_{stepUnit}{testVersion}",
    "wmo": "W_xx-ecmwf-reading,<model+>,<destination>+<feed>+{class}+{stream}+{type}+{expver}_C_ECMF_{base:"
    + _TIME
    + "}_{valid:"
    + _TIME
    + "}_{stepUnit}_<content>.<ending>",
}
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")
_ENDINGS = {"grib2": ("grib", "bin"), "netcdf": ("netcdf", "nc"), "png": ("png", "png")}


def template_of(
    convention: str, *, feed: str = "", destination: str = "", model: str = "", format_type: str = "grib2"
) -> str:
    """Template of the names that a convention has.

    Parameters
    ----------
    convention : str
        ``legacy``, ``ecmwf`` or ``wmo``.
    feed, destination : str
        What the order is called in dissemination, such as ``A1`` and ``abc``.
    model : str
        Name of the model; by default that of the fields.
    format_type : str
        How products are written: names of WMO say it.

    Raises
    ------
    DocumentError
        If the convention needs what is not given.
    """
    template = CONVENTIONS[convention]
    content, ending = _ENDINGS.get(format_type, (format_type, format_type))
    words = {
        "<feed>": _word("feed", feed, convention) if "<feed>" in template else "",
        "<destination>": _word("destination", destination, convention) if "<destination>" in template else "",
        "<model>": model or "{model}",
        "<model+>": model.replace("-", "+") or "{modelWmo}",
        "<content>": content,
        "<ending>": ending,
    }
    for word, value in words.items():
        template = template.replace(word, value)
    return template


def _word(what: str, value: str, convention: str) -> str:
    if not value:
        raise DocumentError(
            f"Names by the convention {convention!r} need a {what}.",
            hint=f"Give it as {what}: {'A1' if what == 'feed' else 'abc'}.",
        )
    if not _WORD.fullmatch(value):
        raise DocumentError(
            f"The {what} {value!r} cannot stand in a name.", hint="Take letters, digits, '.', '+', '-'."
        )
    return value
