"""Which parameter the statistic of a parameter is: the time-mean of 2t (167) is avg_2t (228004)."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

from dtedask.core.errors import InvalidValueError
from dtedask.pipeline.keys.parameter_tables import AVERAGE_RATES, pairs
from dtedask.request.parameters import parameter, parameter_ids

_PREFIXES = {0: "avg", 2: "max", 3: "min", 6: "std"}


@lru_cache(4096)
def result_parameter(param: str, grib_type: int | None) -> str | None:
    """Find the paramId of a statistic over time.

    Parameters
    ----------
    param : str
        paramId of the fields.
    grib_type : int, optional
        Type of statistical processing, as GRIB2's code table 4.10 numbers it.

    Returns
    -------
    str or None
        The paramId; None where there is no parameter for it.
    """
    if grib_type is None:
        return None
    return _table().get((param, grib_type)) or _by_name(param, grib_type)


def rate_parameter(param: str) -> str | None:
    """Find the paramId of the mean rate of an accumulation; None where there is none."""
    return _rates().get(param)


@cache
def _rates() -> dict[str, str]:
    return dict(pairs(AVERAGE_RATES))


def _by_name(param: str, grib_type: int) -> str | None:
    """ECMWF names statistics after their parameter: ``avg_2t``, ``max_2t``, ``min_2t``, ``std_2t``."""
    if grib_type not in _PREFIXES:
        return None
    try:
        name = parameter(param).short_name
    except InvalidValueError:
        return None
    if parameter_ids(name)[:1] != (param,):
        return None
    return next(iter(parameter_ids(f"{_PREFIXES[grib_type]}_{name}")), None)


@cache
def _table() -> dict[tuple[str, int], str]:
    lines = Path(__file__).with_name("result_parameters.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return {(param, int(kind)): result for param, kind, result in rows}
