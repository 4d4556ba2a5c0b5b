import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import InvalidValueError, RequestError, UnknownKeyError
from dtedask.request import canonical_keys, canonical_value, parameter, parameter_ids, variable_name

TODAY = dt.date(2024, 3, 1)

REFUSED = ("off", "all", "none", "null")
days_of_year = st.dates().map(lambda day: f"{day:%Y-%j}".zfill(8))
examples = {
    "class": ["od", "ERA5", "operations", "lssw", "c96", "no"],
    "levtype": ["PL", "pressure levels", "generalverticallayer", "surface", "surface150"],
    "param": ["t", "T", "130", "130.128", "tp", "2 metre temperature", "0.1.2", "228.228"],
    "grid": ["o320", "0.25/0.25", "0.250x.25", "H8_nested", "h8-ring", "lambert-12ab34cd", "3", "T63"],
    "timespan": ["6h", "360m", "from-start", "none", "30m"],
    "quantile": ["1:5", "01:10"],
}
generated = {
    "step": st.from_regex(r"\A\d{1,3}[hms]?(-9\d{3}h)?\Z"),
    "date": st.dates().map(str) | st.integers(-5000, 0) | days_of_year,
    "time": st.times().map(lambda time: f"{time:%H:%M}") | st.integers(0, 23),
    "number": st.integers(-100, 10**6) | st.floats(0, 1e6).map(round),
    "levelist": st.floats(0, 1e6).map(lambda level: round(level, 6)) | st.decimals(0, 2000, places=3),
    "expver": st.from_regex(r"\A[0-9a-zA-Z]{1,4}\Z").filter(lambda text: text.lower() not in REFUSED),
}
written = st.one_of(
    *(st.tuples(st.just(key), st.sampled_from(values)) for key, values in examples.items()),
    *(st.tuples(st.just(key), values) for key, values in generated.items()),
)


@given(written)
def test_a_canonical_value_is_its_own_canonical_value(pair):
    key, value = pair
    canonical = canonical_value(key, value, today=TODAY)
    assert canonical_value(key, canonical, today=TODAY) == canonical


@given(st.dates(min_value=dt.date(1000, 1, 1)))
def test_all_forms_of_a_date_are_the_same_day(day):
    objects = [day, dt.datetime.combine(day, dt.time()), np.datetime64(day), int(f"{day:%Y%m%d}")]
    forms = [*objects, f"{day:%Y%m%d}", f"{day:%Y-%m-%d}", f"{day:%Y-%j}"]
    assert {canonical_value("date", form) for form in forms} == {f"{day:%Y%m%d}"}


@given(st.integers(0, 3000))
def test_relative_dates_count_back_from_today(days):
    expected = f"{TODAY - dt.timedelta(days=days):%Y%m%d}"
    assert canonical_value("date", f"-{days}" if days else "0", today=TODAY) == expected


@given(st.text(st.characters(codec="ascii", categories=["Nd", "Pd"]), max_size=10))
def test_a_date_is_a_day_of_the_calendar_or_refused(text):
    try:
        canonical = canonical_value("date", text, today=TODAY)
    except InvalidValueError:
        return
    assert dt.date(int(canonical[:4]), int(canonical[4:6]), int(canonical[6:] or "01"))


@given(st.integers(0, 23), st.integers(0, 59))
def test_all_forms_of_a_time_are_the_same_minute(hour, minute):
    forms = [f"{hour:02d}{minute:02d}", f"{hour}:{minute:02d}", f"{hour:02d}:{minute:02d}:00", dt.time(hour, minute)]
    forms += [hour, f"{hour:02d}"] if minute == 0 else []
    assert {canonical_value("time", form) for form in forms} == {f"{hour:02d}{minute:02d}"}


@pytest.mark.parametrize(
    ("key", "value", "canonical"),
    [
        ("step", dt.timedelta(minutes=90), "90m"),
        ("step", np.timedelta64(6 * 3600 * 10**9, "ns"), "6"),
        ("step", np.int64(12), "12"),
        ("time", 600, "0600"),
        ("time", "1200", "1200"),
        ("date", "202406", "202406"),
        ("date", "2024-06", "202406"),
        ("level", 500.0, "500"),
        ("levelist", "1E3", "1000"),
        ("levelist", ".50", "0.5"),
        ("expver", 1, "0001"),
        ("expver", "ABCD", "abcd"),
        ("class", "ERA5", "ea"),
        ("stream", "da", "oper"),
        ("type", "Forecast", "fc"),
        ("param", "2T", "167"),
        ("param", "Temperature", "t"),
        ("param", "129.128", "129"),
        ("param", "112.1", "3112"),
        ("param", "228.228", "228228"),
        ("param", "192.1.2", "192.1.2"),
        ("grid", "0.25/0.250", "0.25x0.25"),
        ("timespan", "360m", "6h"),
        ("domain", "globe", "g"),
        ("step", "ALL", "all"),
    ],
)
def test_a_value_has_the_canonical_form_of_fdb(key, value, canonical):
    assert canonical_value(key, value) == canonical


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("date", "20240230", "Did you mean '20240229'?"),
        ("date", "202413", "Did you mean '202412'?"),
        ("date", "2023-366", "Did you mean '2023-365'?"),
        ("date", "tomorrow", "A date is"),
        ("date", dt.datetime(2024, 6, 3, 12, tzinfo=dt.UTC), "Give date=20240603 and time=1200."),
        ("time", "2560", "Did you mean '2359'?"),
        ("time", "12:75", "Did you mean '1259'?"),
        ("time", "noon", "A time is"),
        ("number", "x", "It is a whole number"),
        ("number", "1.5", "Did you mean '1'?"),
        ("levelist", "5OO", "Did you mean '500'?"),
        ("class", "odd", "Did you mean 'od'?"),
        ("type", "fcc", "Did you mean 'fc'?"),
        ("stream", "opre", "Did you mean 'oper'?"),
        ("levtype", "generalVerticalLyer", "Did you mean 'generalVerticalLayer'?"),
        ("param", "temprature", "Did you mean"),
        ("param", 0, "Give a short name"),
        ("grid", "640", "Did you mean 'F640'?"),
        ("expver", "a b", "four letters"),
        ("quantile", "6:5", "first of five"),
        ("param", "", "Leave 'param' out"),
        ("param", "off", "Leave 'param' out"),
        ("param", None, "leave it out"),
        ("number", True, "leave it out"),
        ("origin", "a/b", "a meaning in MARS"),
    ],
)
def test_an_impossible_value_is_refused_with_the_nearest_legal_one(key, value, hint):
    with pytest.raises(InvalidValueError, match=rf"key '{key}'|parameter '{value}'") as caught:
        canonical_value(key, value)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("stepp", "Did you mean 'step'?"),
        ("shortName", "Did you mean 'param'?"),
        ("levelst", "Did you mean 'levelist'?"),
        ("area", "it selects"),
        ("xyzzy", "Keys are those of MARS"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_one(key, hint):
    with pytest.raises(UnknownKeyError, match=key) as caught:
        canonical_value(key, "1")
    assert hint in caught.value.hint


def test_keys_of_a_message_lose_what_does_not_tell_fields_apart():
    keys = {"levtyp": "PL", "level": 500, "_leg_number": 1, "domain": "g", "timespan": "none", "param": "130.128"}
    assert canonical_keys(keys) == {"levtype": "pl", "levelist": "500", "param": "130"}


def test_a_key_and_its_alias_together_are_refused():
    with pytest.raises(RequestError, match="'levelist' is given twice"):
        canonical_keys({"levelist": 1, "level": 1})


def test_the_lowest_param_id_keeps_the_short_name():
    assert parameter_ids("tp")[:2] == ("228", "228228")
    assert variable_name("228", "tp") == "tp"
    assert variable_name("228228", "tp") == "tp_228228"


@given(st.sampled_from(["t", "tp", "tcc", "2t", "z", "pres", "TOT_PREC"]))
def test_parameters_of_one_short_name_have_different_variables(name):
    ids = parameter_ids(name)
    assert len({variable_name(number, name) for number in ids}) == len(ids)
    assert list(ids) == sorted(ids, key=int)


@pytest.mark.parametrize("short_name", ["", "~", "unknown"])
def test_a_nameless_parameter_is_called_by_its_number(short_name):
    assert variable_name("0.1.2", short_name) == "p0_1_2"


def test_a_name_that_the_vocabulary_does_not_know_carries_its_number():
    assert variable_name("999001", "brandnew") == "brandnew_999001"


def test_a_parameter_is_found_by_number_and_by_name():
    assert parameter(130) == parameter("t") == parameter("130")
    assert (parameter("2t").name, parameter("2t").units) == ("2 metre temperature", "K")


def test_an_ambiguous_name_says_its_param_ids():
    with pytest.raises(InvalidValueError, match=r"Several parameters are called 'tp'. Give one paramId of 228, 228228"):
        parameter("tp")


def test_an_unknown_param_id_is_refused_by_the_table_only():
    with pytest.raises(InvalidValueError, match="Unknown paramId '999001'"):
        parameter(999001)
    assert canonical_value("param", 999001) == "999001"
