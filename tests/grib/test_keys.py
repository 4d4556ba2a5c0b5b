import pytest

from dtedask.core.errors import GribUnsupportedError
from dtedask.grib import describe, scan

MARS = {"setLocalDefinition": 1, "class_": "od", "stream": "oper", "type": "fc", "expver": "0001"}


def test_cf_has_no_number_and_pf_has_one(grib_folder):
    keys = [m.field.keys for m in scan(grib_folder / "ens-50.grib")]
    assert [k["type"] for k in keys].count("cf") == 1
    assert {k.get("number") for k in keys} == {None, *map(str, range(1, 51))}
    assert not any(key.startswith("_") or key == "domain" for k in keys for key in k)


def test_messages_without_mars_keys_get_them_from_centre_and_kind(grib_folder):
    icon = next(scan(grib_folder / "icon.grib")).field.keys
    assert {k: icon[k] for k in ("class", "stream", "expver", "type", "number", "levtype", "levelist")} == {
        "class": "lssw",
        "stream": "enfo",
        "expver": "0001",
        "type": "pf",
        "number": "1",
        "levtype": "generalVerticalLayer",
        "levelist": "1",
    }
    lambert = next(scan(grib_folder / "lambert.grib")).field.keys
    assert (lambert["class"], lambert["stream"], lambert["type"]) == ("c96", "oper", "fc")


def test_steps_in_minutes_and_hours_are_one_axis(grib_folder):
    fields = [m.field for m in scan(grib_folder / "step-60m.grib")]
    assert [f.keys["step"] for f in fields] == [str(step) for step in range(73)]
    assert [f.step_seconds for f in fields] == [3600 * step for step in range(73)]


@pytest.mark.slow
@pytest.mark.parametrize("level_type", ["depthBelowLandLayer", "heightAboveSea"])
def test_levels_that_sfc_would_merge_keep_their_level_type(make_message, level_type):
    found = [
        describe(make_message(centre="kwbc", paramId=130, typeOfLevel=level_type, level=level)).keys
        for level in (80, 100)
    ]
    assert [(k["levtype"], k["levelist"]) for k in found] == [(level_type, "80"), (level_type, "100")]


def test_a_level_that_the_short_name_fixes_stays_sfc(make_message):
    keys = describe(make_message(centre="kwbc", paramId=167)).keys
    assert keys["levtype"] == "sfc"
    assert "levelist" not in keys


def test_levels_of_less_than_a_hectopascal_are_fractions(make_message):
    hectopascal = describe(make_message(**MARS, typeOfLevel="isobaricInhPa", level=50)).keys
    pascal = describe(make_message(**MARS, typeOfLevel="isobaricInPa", level=50)).keys
    assert (hectopascal["levelist"], pascal["levelist"]) == ("50", "0.5")


def test_unknown_parameters_are_named_by_their_numbers_and_centre(make_message):
    field = describe(make_message(centre="ecmf", discipline=0, parameterCategory=19, parameterNumber=250))
    assert (field.keys["param"], field.short_name) == ("0.19.250", "")
    assert "ecmf" in field.name
    assert describe(make_message(1, centre=96, table2Version=250, indicatorOfParameter=200)).keys["param"] == "250.200"


def test_accumulations_carry_their_interval_and_the_end_as_step(make_message):
    field = describe(make_message(**MARS, productDefinitionTemplateNumber=8, paramId=228, stepRange="6-24"))
    assert (field.keys["step"], field.interval, field.step_type) == ("24", (21600, 86400), "accum")


def test_intervals_of_minutes_are_told(make_message):
    field = describe(make_message(**MARS, productDefinitionTemplateNumber=8, paramId=228, stepRange="30m-90m"))
    assert (field.keys["step"], field.interval) == ("90m", (1800, 5400))


def test_quantities_that_differ_in_more_than_keys_differ_in_product(make_message):
    common = MARS | {"productDefinitionTemplateNumber": 8, "stepRange": "0-6"}
    fields = [describe(make_message(**common, paramId=130, typeOfStatisticalProcessing=kind)) for kind in (0, 2)]
    assert fields[0].product != fields[1].product


def test_an_impossible_date_is_refused(make_message):
    with pytest.raises(GribUnsupportedError, match="date="):
        describe(make_message(month=13))
