"""Names of products: templates, and ECMWF's conventions."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import DocumentError, ProductError
from dtedask.products import Cycle, FormatOptions, PostProcessing, Requirement
from dtedask.products.requirements import file_name, template_keys
from dtedask.products.requirements.conventions import template_of
from dtedask.products.requirements.names import check_template

CYCLE = Cycle(datetime(2025, 7, 25, tzinfo=UTC))
KEYS = {
    "class": "od",
    "stream": "oper",
    "expver": "0001",
    "type": "fc",
    "date": "20250725",
    "time": "0000",
    "step": "354",
    "param": "167",
    "levtype": "sfc",
}
ORDER = Requirement("wind", "me", {}, PostProcessing(grid="0.1x0.1"), FormatOptions(type="grib2"))


def named(template, requirement=ORDER, **keys):
    return file_name(template, KEYS | keys, requirement, CYCLE, suffix=".grib2")


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{owner}/{name}-{shortName}{suffix}", "me/wind-2t.grib2"),
        ("{date}{time}-{step:04}-{grid}", "202507250000-0354-0.1x0.1"),
        ("{base:%Y/%m/%d}/{valid:%d%H}", "2025/07/25/0818"),
        ("{validDate}{validTime}_{stepUnit}_{param}", "202508081800_354h_167"),
        ("{date:%Y-%m-%d}T{time:%H}", "2025-07-25T00"),
        ("{{{step}}}", "{354}"),
    ],
)
def test_templates_are_filled_in(template, name):
    assert named(template) == name


def test_names_of_ecmwf_are_those_of_its_documentation():
    legacy = template_of("legacy", feed="A1")
    assert named(legacy) == "A1D07250000080818001"
    ai = {"class": "ai", "stream": "enfo", "type": "pf"}
    assert (
        named(template_of("ecmwf", feed="a1", destination="abc"), **ai)
        == "abc_a1_aifs-ens_ai_enfo_pf_20250725T000000Z_20250808T180000Z_354h"
    )
    assert named(template_of("wmo", feed="a1", destination="abc", model="aifs-single"), **ai) == (
        "W_xx-ecmwf-reading,aifs+single,abc+a1+ai+enfo+pf+0001_C_ECMF_20250725T000000Z_20250808T180000Z_354h_grib.bin"
    )


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ({"step": "0"}, "A1D072500000725000" + "11"),
        ({"step": "0", "stream": "enfo", "type": "cf"}, "A1E07250000072500001"),
        ({"step": "0-24", "stream": "enfo", "type": "ep"}, "A1Y07250000072600001"),
        ({"stream": "mmsf", "step": "744", "expver": "0002"}, "A1L0725000008______2"),
        ({"stream": "oper", "type": "tf", "step": "0"}, "A1C07250000072500001"),
    ],
)
def test_legacy_names_say_the_stream_and_mark_the_first_step(keys, name):
    assert named(template_of("legacy", feed="A1"), **keys) == name


def test_a_version_that_is_not_operational_stands_in_the_name():
    assert named(template_of("ecmwf", feed="a1", destination="abc"), expver="0079").endswith("_354h_0079")


def test_what_a_convention_needs_and_is_not_given_is_said():
    with pytest.raises(DocumentError, match="need a feed"):
        template_of("legacy")
    with pytest.raises(DocumentError, match="cannot stand in a name"):
        template_of("legacy", feed="a/b")


@pytest.mark.parametrize(
    ("template", "keys"),
    [
        ("{owner}/{name}", ()),
        ("{validDate}", ("date", "time", "step")),
        ("{shortName}-{param}-{step}", ("param", "step")),
        ("{indicator}", ("stream", "type")),
    ],
)
def test_a_template_says_which_keys_tell_products_apart(template, keys):
    assert template_keys(template) == keys


@given(
    st.lists(st.sampled_from(["step", "shortName", "validDate", "stepUnit", "number", "indicator"]), min_size=1),
    st.data(),
)
def test_fields_that_agree_in_the_keys_of_a_template_have_one_name(names, data):
    template = "-".join(f"{{{name}}}" for name in names)
    values = {"step": ["0", "6", "24-48"], "param": ["167", "168"], "number": ["1", "2"], "stream": ["oper", "enfo"]}
    fields = [KEYS | {key: data.draw(st.sampled_from(those)) for key, those in values.items()} for _ in range(2)]
    first, second = ({key: field.get(key) for key in template_keys(template)} for field in fields)
    if first == second:
        one, two = (file_name(template, field, ORDER, CYCLE) for field in fields)
        assert one == two


@pytest.mark.parametrize(
    "template", ["/a/{step}", "../{step}", "a/../b", "", "a//b", "~/x", "s3://b/{step}", "a\\b", "a/./b"]
)
def test_templates_that_lead_out_of_the_place_of_delivery_are_refused(template):
    with pytest.raises(DocumentError, match="template of names"):
        check_template(template)


@pytest.mark.parametrize(
    ("template", "match"),
    [("{stepp}", "Did you mean 'step'"), ("{step", "no other"), ("{a b}", "is no key"), ("{step:x}", "unknown")],
)
def test_templates_that_cannot_be_filled_in_are_refused(template, match):
    with pytest.raises(DocumentError, match=match):
        check_template(template)


def test_a_key_that_may_be_absent_is_left_out_with_the_separator_in_front():
    assert named("{shortName}-{levelist?}_{number?}{suffix}") == "2t.grib2"
    assert named("{shortName}-{levelist?}_{number?:03}", levelist="500", number="7") == "2t-500_007"
    assert template_keys("{shortName}-{levelist?}") == ("param", "levelist")


def test_a_field_without_the_key_is_an_error_that_names_it():
    with pytest.raises(ProductError, match="has no 'levelist'"):
        named("{levelist}")


@given(st.text(max_size=20))
def test_no_value_leads_out_of_the_place_of_delivery(owner):
    order = Requirement("a", owner, {}, PostProcessing(), FormatOptions(type="grib2"))
    try:
        name = named("{owner}/x{owner}", order)
    except ProductError:
        return
    parts = name.split("/")
    assert len(parts) == 2
    assert not {"", ".", ".."} & set(parts)
