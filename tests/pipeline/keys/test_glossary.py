"""What plans mean by keys: every way to write a value names the same fields."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import DocumentError, InvalidValueError
from dtedask.pipeline import Kind, Message
from dtedask.pipeline.keys.glossary import accepted_texts, check_key, concept_of, texts_of, value_of
from tests.pipeline.fields import field


def means(message, key, value):
    return not accepted_texts(key, value).isdisjoint(texts_of(message, key))


@pytest.mark.parametrize("written", ["10u", 165, "165", "165.128", "10U", "10 metre U wind component"])
@pytest.mark.parametrize("key", ["param", "paramId"])
def test_a_parameter_is_meant_by_its_number_table_and_names(key, written):
    assert means(field(param="165"), key, written)
    assert not means(field(param="166"), key, written)


def test_a_short_name_of_several_parameters_means_each_of_them():
    assert means(field(param="228"), "param", "tp")
    assert means(field(param="228228"), "param", "tp")
    assert not means(field(param="228"), "param", "228228")


def test_a_model_may_name_its_parameter_as_it_likes():
    assert means(Message(Kind.FIELD, {"paramId": 167}), "param", "2t")
    assert means(Message(Kind.FIELD, {"param": "2t"}), "paramId", 167)
    assert means(Message(Kind.FIELD, {"shortName": "2t"}), "param", "167.128")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("shortName", "2t"),
        ("name", "2 metre temperature"),
        ("units", "K"),
        ("levelist", 500.0),
        ("level", "500"),
        ("levtype", "PL"),
        ("date", "2024-06-01"),
        ("startDate", 20240601),
        ("time", 600),
        ("time", "06:00"),
        ("startTime", 60000),
        ("step", 24),
        ("step", "1d"),
        ("step", "0-24"),
        ("stepRange", "0-24"),
        ("startStep", 0),
        ("endStep", "24h"),
        ("stepType", "avg"),
        ("timespan", "24h"),
        ("stattype", "none"),
        ("gridType", "regular_ll"),
        ("grid", "90/90"),
        ("number", "03"),
        ("member", 3),
        ("expver", 1),
        ("validDate", "2024-06-02"),
        ("validTime", 6),
        ("typeOfLevel", "surface"),
        ("gribEdition", 2),
        ("category", "ocean-2d"),
    ],
)
def test_a_field_is_named_by_every_key_that_it_has(key, value):
    said = {"step_type": "avg", "interval": (0, 86400)}
    message = field(described=said, time="0600", step="24", levtype="pl", levelist="500", number="3", timespan="24h")
    assert means(message.with_keys(category="ocean-2d"), key, value)
    assert value_of(message.with_keys(category="ocean-2d"), key) is not None or value == "none"


def test_canonical_values_are_given_for_file_names():
    message = field(time="0600", param="167", step="6")
    got = {
        key: value_of(message, key)
        for key in ("param", "shortName", "time", "stepRange", "validTime", "grid", "number")
    }
    assert got == {
        "param": "167",
        "shortName": "2t",
        "time": "0600",
        "stepRange": "6",
        "validTime": "1200",
        "grid": "90x90",
        "number": None,
    }


def test_names_and_units_are_those_that_an_action_gave_the_field():
    message = field(param="167")
    scaled = message.replaced(description=replace(message.description, units="degC", short_name="t2m"))
    assert (value_of(scaled, "units"), value_of(scaled, "shortName")) == ("degC", "t2m")


def test_the_control_forecast_is_member_0():
    assert means(field(type="cf"), "number", 0)
    assert not means(field(type="fc"), "number", 0)


def test_levelist_is_the_key_of_mars_and_level_what_the_field_says():
    message = field(described={"level_type": "heightAboveGround", "level": 2.0})
    assert (value_of(message, "level"), value_of(message, "levelist")) == ("2", None)
    assert value_of(field(levelist="500"), "level") == "500"


@pytest.mark.slow
@given(st.integers(0, 2400), st.integers(0, 2400))
def test_an_interval_is_named_by_its_end_and_by_both_ends(first, second):
    start, end = sorted((first, second))
    message = field(step=str(end), described={"interval": (start * 3600, end * 3600)})
    assert means(message, "step", end)
    assert means(message, "step", f"{start}-{end}")
    assert not means(message, "step", f"{start}-{end + 1}")
    assert means(field(step=f"{start}-{end}"), "step", end)


def test_a_step_range_that_was_left_behind_does_not_count():
    assert texts_of(field(step="24").with_keys(stepRange="0-6"), "stepRange") == ("24",)


def test_a_key_that_no_field_has_is_refused_with_the_nearest():
    with pytest.raises(DocumentError, match=r"No field has a key 'levlist'\. Did you mean 'levelist'\?"):
        check_key("levlist")
    check_key("levlist", ["levlist"])
    check_key("unstructuredGridType")


def test_a_value_that_a_key_cannot_have_is_refused():
    with pytest.raises(InvalidValueError, match=r"Unknown parameter '10uu'\. Did you mean '10u"):
        accepted_texts("param", "10uu")


def test_a_table_that_may_have_lost_a_zero_is_refused():
    assert accepted_texts("param", 130.128) == {"130"}
    with pytest.raises(InvalidValueError, match=r"The parameter 228.14 may be of table 14 or 140\. Write it in quotes"):
        accepted_texts("param", 228.140)


def test_names_of_one_thing_are_one_concept():
    assert {concept_of(key) for key in ("level", "levelist", "levellist")} == {"levelist"}
    assert concept_of("anything") == "anything"
