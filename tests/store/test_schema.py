"""Schemas with rules: which fields are taken, and that archive and request speak one language."""

import pytest

import dtedask
from dtedask.core.errors import FieldError, InvalidValueError, NoRuleError, UnknownKeyError
from dtedask.store.schema import Schema, load_schema

ANY = {"class": "rd", "expver": "any", "type": "any", "levtype": "any", "param": "any", "number": "optional"}
RULES = {
    "keys": {"centre": "string", "quality": "integer", "weight": "double"},
    "rules": [
        {"name": "days", "keys": {**ANY, "stream": "dacl", "date": {"type": "climate-daily"}, "time": "any"}},
        {"name": "months", "keys": {**ANY, "stream": "mnth", "date": {"type": "climate-monthly"}, "time": "hidden"}},
        {"name": "split", "keys": {**ANY, "stream": "clmn", "year": "any", "month": "any"}},
        {"name": "years", "keys": {**ANY, "stream": "moda", "date": {"type": "year"}}},
        {
            "name": "others",
            "keys": {
                **ANY,
                "type": {"exclude": ["im", "ob"]},
                "stream": {"exclude": ["dacl", "mnth", "clmn", "moda"]},
                "date": "any",
                "time": "any",
                "step": "any",
                "levelist": "optional",
                "centre": {"default": "de"},
                "quality": "optional",
                "weight": "optional",
            },
        },
    ],
}


@pytest.fixture
def rules():
    return Schema.model_validate(RULES)


@pytest.fixture
def ruled(memory_store, rules):
    return dtedask.open(memory_store.root, schema=rules)


@pytest.fixture
def archive(ruled, make_field):
    """Archive one field with these keys; those that are None are left out."""

    def archive_one(store=None, **keys):
        array, found = make_field(number="1", **{"step": None, "time": None, "date": None, **keys})
        store = store or ruled
        store.archive(array, {key: value for key, value in found.items() if value is not None})
        store.flush()
        return [dict(record.keys) for record in store.list({"stream": keys["stream"]})]

    return archive_one


@pytest.mark.slow
@pytest.mark.parametrize("written", ["jan-15", "0115", "01-15", "20240115", "2023-01-15", "January-15"])
def test_days_of_a_climatology_are_one_field_however_they_are_written(archive, ruled, written):
    assert [keys["date"] for keys in archive(stream="dacl", date=written, time="6")] == ["0115"]
    found = ruled.retrieve({"stream": "dacl", "date": "jan-15"})
    assert found.sizes["dayofyear"] == 1
    assert found["dayofyear"].item() == 15
    assert ruled.retrieve({"stream": "dacl", "date": written}).identical(found)


def test_a_climatology_has_no_reference_time_but_days_in_their_order_and_times_of_day(archive, ruled):
    for date, time in [("mar-01", "0000"), ("feb-29", "1200"), ("feb-28", "0000")]:
        archive(stream="dacl", date=date, time=time)
    found = ruled.retrieve("stream=dacl,date=feb-28/to/mar-01/by/1", allow_missing=True)["t"]
    assert found.dims == ("dayofyear", "time_of_day", "member", "latitude", "longitude")
    assert found["dayofyear"].values.tolist() == [59, 60, 61]
    assert found["time_of_day"].values.astype("timedelta64[h]").astype(int).tolist() == [0, 12]


def test_months_of_a_climatology_keep_no_time(archive, ruled):
    archive(stream="mnth", date="jul", time="12")
    assert archive(stream="mnth", date="20200715", time="0") == archive(stream="mnth", date="7")
    assert ruled.axes("stream=mnth,date=jul/aug")["date"] == ["7"]
    assert ruled.retrieve("stream=mnth,date=jan/to/dec", allow_missing=True).sizes["month"] == 1


def test_dates_split_in_year_and_month_are_one_axis_of_reference_times(archive, ruled):
    for month in ("oct", "2", "01"):
        archive(stream="clmn", year="2020", month=month)
    assert [keys["month"] for keys in archive(stream="clmn", year=2021, month=1)] == ["1", "2", "10", "1"]
    found = ruled.retrieve("stream=clmn,year=2020,month=1/to/10", allow_missing=True)
    times = found["forecast_reference_time"].values.astype("datetime64[D]").astype(str).tolist()
    assert times == ["2020-01-01", "2020-02-01", "2020-10-01"]


def test_a_year_is_a_date(archive, ruled):
    (keys,) = archive(stream="moda", date="20200101")
    assert (keys["date"], "time" in keys) == ("2020", False)
    assert ruled.retrieve("stream=moda,date=2020")["forecast_reference_time"].dt.year.item() == 2020


def test_defaults_are_filled_and_keys_of_a_roots_own_are_dimensions_by_their_type(archive, ruled):
    usual = {"stream": "oper", "date": "20240101", "time": "0", "step": "6"}
    archive(**usual, quality="007", weight="1.50")
    keys = archive(**usual, quality="12", weight=2, centre="Paris")
    assert [(one["centre"], one["quality"], one["weight"]) for one in keys] == [
        ("Paris", "12", "2"),
        ("de", "7", "1.5"),
    ]
    found = ruled.retrieve("stream=oper,quality=7.0,weight=15e-1")
    assert found["quality"].dtype == "int64"
    assert found["weight"].dtype == "float64"
    assert found["centre"].values.tolist() == ["de"]
    assert ruled.axes("stream=oper,quality=0/to/10")["quality"] == ["7"]


@pytest.mark.slow
def test_what_is_not_dated_by_days_can_be_retrieved_and_archived_again(archive, ruled, rules):
    archive(stream="dacl", date="feb-29", time="12")
    archive(stream="mnth", date="jul")
    archive(stream="clmn", year="2020", month="7")
    archive(stream="moda", date="2020")
    other = dtedask.open("memory://climatology-again", schema=rules)
    for stream in ("dacl", "mnth", "clmn", "moda"):
        other.archive(ruled.retrieve({"stream": stream}))
    other.flush()
    assert [dict(one.keys) for one in other.list()] == [dict(one.keys) for one in ruled.list()]


def test_a_field_that_no_rule_takes_is_told_the_nearest_rule_first(archive):
    with pytest.raises(NoRuleError, match=r"; rule 2 'months': it has step=6 in addition; rule 4"):
        archive(stream="mnth", date="jul", step="6")
    with pytest.raises(NoRuleError, match=r"; rule 5 'others': type=im is excluded; rule"):
        archive(stream="oper", date="20240101", time="0", step="0", type="im")


@pytest.mark.parametrize("date", ["notadate", "20240230", "feb-30", "13", "0000"])
def test_dates_that_are_none_of_any_form_are_refused_on_archive_and_on_request(archive, ruled, date):
    for stream in ("dacl", "mnth", "oper"):
        with pytest.raises(InvalidValueError, match=f"Invalid value '{date}' of key 'date'"):
            archive(stream=stream, date=date, time="0", step="0")
    with pytest.raises(InvalidValueError, match=f"Invalid value '{date}' of key 'date'"):
        ruled.axes({"date": date})


def test_a_request_with_a_key_of_nobody_names_the_nearest_of_the_root(archive, ruled):
    archive(stream="clmn", year="2020", month="1")
    with pytest.raises(UnknownKeyError, match="Did you mean 'quality'"):
        ruled.axes("qualty=1")


def test_a_variable_is_dated_in_one_form(memory_store, make_field):
    memory_store.archive(*make_field(date="20240101", stream="oper", type="fc"))
    memory_store.flush()
    memory_store.archive(*make_field(date="202402", stream="oper", type="fc"))
    with pytest.raises(FieldError, match="is dated by month; the variable is dated by day"):
        memory_store.flush()


def test_a_schema_of_old_is_valid_and_has_no_language_of_its_own():
    schema = load_schema("version: 1\nqualifiers: [model]\nparameters: {tp: {dtype: float64}}\n")
    assert schema.language is None
    assert schema.fit({"class": "od", "anoffset": "9"}).keys == {"class": "od", "anoffset": "9"}


@pytest.mark.slow
def test_the_catalog_says_how_fields_are_dated(tmp_path, make_field, rules):
    from dtedask.catalog import entries, rebuild

    store = dtedask.open(tmp_path / "root", schema=rules)
    named = {"number": "1", "time": None, "step": None, "date": None}
    fields = [
        {"stream": "mnth", "date": "jul"},
        {"stream": "clmn", "year": "2020", "month": "10"},
        {"stream": "clmn", "year": "2020", "month": "2"},
        {"stream": "dacl", "date": "feb-29", "time": "0000"},
        {"stream": "moda", "date": "2020"},
    ]
    for keys in fields:
        array, found = make_field(**{**named, **keys})
        store.archive(array, {key: value for key, value in found.items() if value is not None})
    store.flush()
    rebuild(store, tmp_path / "catalog.yaml")
    axes = {one.metadata["keys"]["stream"]: one.metadata["axes"] for one in entries(tmp_path / "catalog.yaml")}
    dated = {stream: {key: text for key, text in found.items() if key != "number"} for stream, found in axes.items()}
    assert dated == {
        "mnth": {"date": "7"},
        "clmn": {"year": "2020", "month": "2/10"},
        "dacl": {"date": "0229", "time": "0000"},
        "moda": {"date": "2020"},
    }
