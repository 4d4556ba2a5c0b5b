"""Keys of names that are made of the MARS keys of a field: times of validity, short names, letters of conventions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from dtedask.core.errors import InvalidValueError
from dtedask.request.parameters import parameter
from dtedask.request.steps import parse_step

__all__ = ["COMPUTED", "NameKey"]

Keys = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NameKey:
    """A key of names.

    Parameters
    ----------
    needs : tuple of str
        MARS keys that it is made of.
    value : callable
        Makes it of the keys of a field; None where the field has no such thing.
    about : str
        What it is.
    """

    needs: tuple[str, ...]
    value: Callable[[Keys], str | datetime | None]
    about: str


_SEASONAL = frozenset({"mmsf", "mmsm", "mmsa", "msmm", "wasf"})
_DETERMINISTIC = frozenset({"oper", "wave", "scda", "scwv"})
_OF_TYPE = {
    ("oper", "wp"): "A",
    ("enfo", "wp"): "B",
    ("oper", "tf"): "C",
    ("scda", "tf"): "C",
    ("enfo", "tf"): "T",
}
_OF_STREAM = {
    "oper": "D",
    "enfo": "E",
    "eefo": "F",
    "eefh": "H",
    "eehs": "H",
    "enfh": "I",
    "efhs": "I",
    "enwh": "J",
    "wehs": "J",
    "mmsm": "L",
    "mmsf": "L",
    "mmsa": "L",
    "wasf": "N",
    "wave": "P",
    "scwv": "Q",
    "scda": "S",
    "weef": "V",
    "waef": "W",
    "weeh": "Z",
}
_OF_ENSEMBLE = {"enfo": "Y", "waef": "U"}
_STATISTICS = frozenset({"em", "es", "ep", "efi", "efic", "sot", "taem", "taes", "cd", "pd", "cm", "cs", "cr", "ses"})
_MODELS = {"od": "ifs", "mc": "ifs-compo"}


@lru_cache(4096)
def _base(date: str, time: str) -> datetime:
    return datetime.strptime(date + time, "%Y%m%d%H%M").replace(tzinfo=UTC)


def _base_of(keys: Keys) -> datetime:
    return _base(keys["date"], keys["time"])


def _valid(keys: Keys) -> datetime:
    return _base_of(keys) + timedelta(seconds=parse_step(keys.get("step", "0")).end_s)


def _short_name(keys: Keys) -> str | None:
    param = keys.get("param")
    return None if param is None else _short_name_of(param)


@lru_cache(4096)
def _short_name_of(param: str) -> str:
    try:
        return parameter(param).short_name
    except InvalidValueError:  # a name that several parameters have, or of a derived one
        return param


def _step_with_unit(keys: Keys) -> str:
    step = keys.get("step", "0")
    return f"{step}h" if step[-1].isdecimal() else step


def _indicator(keys: Keys) -> str | None:
    stream, kind = keys.get("stream", ""), keys.get("type", "")
    if stream in _OF_ENSEMBLE and kind in _STATISTICS:
        return _OF_ENSEMBLE[stream]
    return _OF_TYPE.get((stream, kind)) or _OF_STREAM.get(stream)


def _legacy_valid(keys: Keys) -> str:
    if keys.get("stream") in _SEASONAL:
        return f"{_valid_month(keys):02}______"
    valid = _valid(keys)
    is_start = keys.get("type") == "fc" and keys.get("step", "0") == "0" and keys.get("stream") in _DETERMINISTIC
    return f"{valid:%m%d%H}01" if is_start else f"{valid:%m%d%H%M}"


def _valid_month(keys: Keys) -> int:
    if "fcmonth" in keys:
        return (_base_of(keys).month + int(keys["fcmonth"]) - 2) % 12 + 1
    return _valid(keys).month


def _version(keys: Keys) -> str | None:
    expver = keys.get("expver")
    return None if expver is None else expver.lstrip("0") or "0"


def _test_version(keys: Keys) -> str:
    return "" if keys.get("expver", "0001") == "0001" else f"_{keys['expver']}"


def _model(keys: Keys) -> str | None:
    if "model" in keys:
        return keys["model"]
    if keys.get("class") == "ai":
        return "aifs-ens" if keys.get("stream") == "enfo" else "aifs-single"
    return _MODELS.get(keys.get("class", ""))


def _model_in_bulletin(keys: Keys) -> str | None:
    model = _model(keys)
    return None if model is None else model.replace("-", "+")


_TIME = ("date", "time")
_VALID = (*_TIME, "step")
_OF_MODEL = ("class", "stream", "model")

COMPUTED: Mapping[str, NameKey] = {
    "base": NameKey(_TIME, _base_of, "base time, in the form that follows a colon, else `YYYYMMDDHHMM`"),
    "valid": NameKey(_VALID, _valid, "time of validity, the end of an interval; as `base`"),
    "validDate": NameKey(_VALID, lambda keys: f"{_valid(keys):%Y%m%d}", "day of validity"),
    "validTime": NameKey(_VALID, lambda keys: f"{_valid(keys):%H%M}", "time of day of validity"),
    "shortName": NameKey(("param",), _short_name, "short name of the parameter, where `param` is its number"),
    "paramId": NameKey(("param",), lambda keys: keys.get("param"), "number of the parameter"),
    "stepUnit": NameKey(("step",), _step_with_unit, "step with its unit, such as `354h`"),
    "model": NameKey(_OF_MODEL, _model, "name of the model: the key, else by class and stream (`ifs`, `aifs-ens`)"),
    "modelWmo": NameKey(_OF_MODEL, _model_in_bulletin, "the same with `+` for `-`, as names of WMO have it"),
    "indicator": NameKey(("stream", "type"), _indicator, "letter of stream and type in the convention `legacy`"),
    "validLegacy": NameKey(
        (*_VALID, "stream", "type", "fcmonth"), _legacy_valid, "time of validity in the convention `legacy`"
    ),
    "version": NameKey(("expver",), _version, "experiment version without zeros in front"),
    "testVersion": NameKey(("expver",), _test_version, "`_0002`; nothing for the operational version"),
}
"""Keys of names beside those of MARS."""
