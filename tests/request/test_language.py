"""Keys and types of a root: one canonical form, on archive and on request."""

import pickle
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dtedask.core.errors import InvalidValueError, UnknownKeyError
from dtedask.request import TYPES, Language, Request, are_compatible, canonical_keys, canonical_text, own_type

DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))
WORDS = st.text("abcXYZ019_-.", min_size=1, max_size=8)
SPELLINGS = {
    "date": DAYS.flatmap(lambda d: st.sampled_from([f"{d.year:04d}{d:%m%d}", f"{d.year:04d}-{d:%m-%d}"])),
    "year": DAYS.flatmap(lambda d: st.sampled_from([f"{d.year:04d}", f"{d.year:04d}{d:%m%d}", f"{d.year:04d}-{d:%m}"])),
    "year-month": DAYS.flatmap(lambda d: st.sampled_from([f"{d.year:04d}{d:%m}", f"{d.year:04d}-{d:%m-%d}"])),
    "month": DAYS.flatmap(lambda d: st.sampled_from([str(d.month), f"{d:%m}", f"{d:%b}", f"{d:%B}", f"2020{d:%m}03"])),
    "climate-daily": DAYS.flatmap(lambda d: st.sampled_from([f"{d:%m%d}", f"{d:%b}-{d.day}", f"{d:%m-%d}"])),
    "climate-monthly": DAYS.flatmap(lambda d: st.sampled_from([str(d.month), f"{d:%b}".upper(), f"1999{d:%m}01"])),
    "time": st.times().flatmap(lambda t: st.sampled_from([f"{t:%H%M}", f"{t:%H:%M}", f"{t:%H}", str(t.hour)])),
    "step": st.integers(0, 10_000).flatmap(lambda n: st.sampled_from([str(n), f"{n}m", f"{n}h", f"0-{n}", f"{n}h30m"])),
    "param": st.sampled_from(["130", "t", "T", "tp", "2t", "130.128", "0.1.222"]),
    "expver": st.integers(0, 99_999).map(str) | st.text("abXY01", min_size=1, max_size=4),
    "grid": st.sampled_from(["o320", "O320", "0.25/0.25", "0.250x.25", "N32", "1", "f48"]),
    "integer": st.integers(-(10**6), 10**6).flatmap(lambda n: st.sampled_from([str(n), f"{n:+05d}", f"{n}.0"])),
    "double": st.decimals(-(10**6), 10**6, places=3).flatmap(lambda n: st.sampled_from([str(n), f"{n:.6f}", f"{n:e}"])),
    "string": WORDS | WORDS.map(lambda word: f" {word}  b "),
    "lowercase": WORDS,
    "first3": WORDS,
}
FAMILIES = [
    ("date", "year", "year-month", "month", "climate-daily", "climate-monthly"),
    ("integer", "double", "string"),
    ("string", "lowercase", "first3", "step"),
]


def typed(names):
    """A type of some, and a spelling of one of its values."""
    return st.sampled_from(names).flatmap(lambda name: st.tuples(st.just(name), SPELLINGS[name]))


TYPED = typed(TYPES)


def language_of(*types):
    return Language.of({"own"}, {"own": types})


def is_value(text):
    return text.strip().lower() not in ("all", "off", "none", "null", "")


def test_every_type_has_spellings_here():
    assert SPELLINGS.keys() == set(TYPES)


@pytest.mark.slow
@given(TYPED)
def test_a_canonical_form_is_its_own_canonical_form(one):
    name, text = one
    once = canonical_text(name, "own", text)
    assert canonical_text(name, "own", once) == once


@pytest.mark.slow
@given(TYPED.filter(lambda one: is_value(one[1])))
def test_archive_and_request_have_one_form_of_every_type(one):
    name, text = one
    language = language_of(name)
    archived = canonical_keys({"own": text}, language=language)
    assert Request({"own": [text]}, language=language)["own"] == (archived["own"],)
    assert Request({"own": [archived["own"]]}, language=language).matches(archived)


@pytest.mark.slow
@given(st.sampled_from(FAMILIES).flatmap(lambda names: st.lists(TYPED.filter(lambda one: one[0] in names), min_size=1)))
def test_a_request_takes_a_value_in_each_form_that_a_rule_gives_it(all_of):
    types = [name for name, _ in all_of]
    assume(are_compatible(types) and all(is_value(text) for _, text in all_of))
    language = language_of(*types)
    for name, text in all_of:
        written = canonical_keys({"own": text}, language=language)  # as archive reads it, before it knows the rule
        archived = {"own": canonical_text(name, "own", written["own"])}
        assert Request({"own": [text]}, language=language).matches(archived)
        assert Request({"own": [archived["own"]]}, language=language).matches(archived)


@given(DAYS)
def test_parts_of_a_date_are_those_of_the_calendar(day):
    text = f"{day.year:04d}{day:%m%d}"
    forms = [canonical_text(name, "date", text) for name in ("year", "year-month", "month", "climate-daily")]
    assert forms == [f"{day.year:04d}", f"{day.year:04d}{day:%m}", str(day.month), f"{day:%m%d}"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("date", text) for text in ("notadate", "20240230", "2024-13-01", "jan-15", "00000101")),
        *(("climate-daily", text) for text in ("feb-30", "0230", "1301", "jan", "xxx-01", "202401", "jan-0")),
        *(("climate-monthly", text) for text in ("13", "0", "janu", "xxx")),
        *(("year", text) for text in ("99", "0000", "year", "20240230")),
        *(("year-month", text) for text in ("202413", "2024", "jan")),
        *(("time", text) for text in ("2400", "1260", "noon", "12:00:30")),
        *(("step", text) for text in ("six", "24-12", "6 h", "1.5")),
        *(("integer", text) for text in ("1.5", "one", "1e400", "nan")),
        *(("double", text) for text in ("one", "nan", "inf", "1.2.3")),
        *((name, text) for name in ("string", "lowercase", "first3") for text in ("a/b", "a,b", "a=b", "", "a#b")),
        *(("expver", text) for text in ("a b", "0" * 13)),
        *(("grid", text) for text in ("0.25x", "Z32")),
        *(("param", text) for text in ("nosuchparam", "-1")),
    ],
)
def test_what_is_no_value_of_a_type_is_refused(name, text):
    with pytest.raises(InvalidValueError, match="of key '(own|step|expver|grid)'|Unknown parameter"):
        canonical_text(name, "own", text)


def test_ranges_go_by_the_type_of_the_key():
    language = Language.of({"quality"}, {"quality": ["integer"], "date": ["date", "climate-daily"]})
    assert Request({"quality": "8/to/12/by/2"}, language=language)["quality"] == ("8", "10", "12")
    assert Request({"date": "feb-27/to/mar-02"}, language=language)["date"] == ("0227", "0228", "0229", "0301", "0302")
    assert Request({"date": "20240228/to/20240301"}, language=language)["date"] == ("20240228", "20240229", "20240301")
    years = Language.of((), {"date": ["year"]})
    assert Request({"date": "1999/to/2001"}, language=years)["date"] == ("1999", "2000", "2001")
    months = Language.of((), {"date": ["climate-monthly"]})
    assert Request({"date": "nov/to/dec"}, language=months)["date"] == ("11", "12")


def test_days_count_from_today_each_time_they_are_read():
    language = Language.of((), {"date": ["date", "year"]})
    first = Request({"date": "-1"}, today=date(2024, 1, 1), language=language)
    assert first["date"] == ("20231231",)
    assert Request({"date": "-1"}, today=date(2025, 1, 1), language=language)["date"] == ("20241231",)
    assert Request({"date": "-1"}, language=language)["date"] == Request({"date": "-1"})["date"]


def test_a_language_that_is_as_mars_is_none():
    assert Language.of((), {key: ["", own_type(key)] for key in ("date", "step", "class", "param", "expver")}) is None


def test_a_request_can_be_read_in_another_language():
    language = Language.of({"own"}, {"date": ["date", "climate-daily"]})
    request = Request.parse("class=od,date=20240115/to/20240117")
    read = Request.parse(request, language=language)
    assert read != request
    assert read.matches({"class": "od", "date": "0116"})
    assert not request.matches({"class": "od", "date": "0116"})
    assert read.in_language(None) == request
    assert pickle.loads(pickle.dumps(read)) == read
    assert str(Request({"own": "b", "class": "od"}, language=language)) == "class=od,own=b"
    assert read.without("date") == Request({"class": "od"}, language=language)


def test_a_key_of_neither_mars_nor_the_root_names_the_nearest_of_both():
    language = Language.of({"quality"}, {"quality": ["integer"]})
    assert language.key("QUALITY") == "quality"
    with pytest.raises(UnknownKeyError, match="Did you mean 'quality'"):
        language.key("qality")
    with pytest.raises(UnknownKeyError, match="Did you mean 'levelist'"):
        language.key("levelis")


def test_the_days_of_a_leap_year_are_all_there_are():
    days = [date(2000, 1, 1) + timedelta(days=place) for place in range(366)]
    texts = [canonical_text("climate-daily", "date", f"{day:%b}-{day.day}") for day in days]
    assert texts == sorted(set(texts)) == [f"{day:%m%d}" for day in days]
