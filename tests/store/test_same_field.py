"""What makes two messages the same field, and which requests find it: DESIGN's table, line by line."""

import dataclasses

import numpy as np
import pytest

import dtedask
from dtedask.core.errors import (
    FieldError,
    KeyCollisionError,
    MissingFieldsError,
    NoMatchError,
    RequestError,
    SeveralGroupsError,
)
from dtedask.grib import scan
from dtedask.store.identity import address_of
from dtedask.store.schema import default_schema


def found(store, request):
    return [(record.keys["type"], record.keys.get("number")) for record in store.list(request)]


@pytest.fixture
def ensemble(store, make_field):
    """A control forecast and three perturbed members."""
    for number in ("3", "1", "2"):
        store.archive(*make_field(float(number), number=number, levelist="500"))
    store.archive(*make_field(0.0, levelist="500", type="cf"))
    store.flush()
    return store


def test_control_and_perturbed_members_share_one_axis(ensemble):
    assert ensemble.groups("rd/enfo/test")[0].startswith("pf/pl/")
    assert ensemble.retrieve({})["member"].to_numpy().tolist() == [0, 1, 2, 3]


def test_a_commit_of_control_and_members_is_one_change_whose_request_gives_exactly_them(ensemble):
    (change,) = ensemble.history()[0].changes
    assert (change.keys["type"], change.keys["number"], change.fields) == ("cf/pf", "0/1/2/3", 4)
    assert len(list(ensemble.list(change.keys))) == 4


@pytest.mark.parametrize(
    ("request_text", "expected"),
    [
        ("type=cf", [("cf", None)]),
        ("type=pf", [("pf", "1"), ("pf", "2"), ("pf", "3")]),
        ("type=pf,number=all", [("pf", "1"), ("pf", "2"), ("pf", "3")]),
        ("number=2", [("pf", "2")]),
        ("type=cf/pf", [("cf", None), ("pf", "1"), ("pf", "2"), ("pf", "3")]),
        ("", [("cf", None), ("pf", "1"), ("pf", "2"), ("pf", "3")]),
        ("type=fc", []),
        ("type=cf,number=2", []),
    ],
)
def test_requests_take_control_and_members_by_type(ensemble, request_text, expected):
    assert found(ensemble, request_text or None) == expected


def test_a_perturbed_member_zero_is_refused(store, make_field):
    with pytest.raises(FieldError, match="cannot be told from the control"):
        store.archive(*make_field(0.0, number="0", levelist="500"))


def test_a_message_that_lacks_a_dimension_names_it(store, make_field):
    store.archive(*make_field(0.0, type="fc", number="1", levelist="500"))
    store.archive(*make_field(0.0, type="fc", levelist="500", step="6"))
    with pytest.raises(FieldError, match=r"dimensions forecast_reference_time, member, step, level: it lacks member"):
        store.flush()
    assert list(dtedask.open(store.root).cubes()) in ([], ["rd/enfo/test"])


def test_a_message_with_one_dimension_more_names_it(store, make_field):
    store.archive(*make_field(0.0, type="fc", levelist="500"))
    store.flush()
    store.archive(*make_field(0.0, type="fc", number="1", levelist="500", step="6"))
    with pytest.raises(FieldError, match="it has member in addition"):
        store.flush()


def test_an_accumulation_is_found_by_its_end_and_by_its_interval(store, make_field):
    for end in ("24", "48"):
        store.archive(*make_field(1.0, param="176", levtype="sfc", type="fc", step=f"0-{end}"))
    store.flush()
    assert [len(list(store.list(f"step={step}"))) for step in ("24", "0-24", "0-48", "24-48", "6")] == [1, 1, 1, 0, 0]


def test_intervals_that_start_later_are_variables_of_their_own(store, make_field):
    store.archive(*make_field(1.0, param="176", levtype="sfc", type="fc", step="0-24"))
    store.archive(*make_field(2.0, param="176", levtype="sfc", type="fc", step="24-48"))
    store.flush()
    dataset = store.retrieve({})
    assert sorted(dataset.data_vars) == ["ssr", "ssr_24h"]
    bounds = dataset["step_bounds_24h"].to_numpy().astype("timedelta64[h]").astype(int).tolist()
    assert bounds == [[0, 24], [24, 48]]
    assert {record.keys["step"] for record in store.list()} == {"0-24", "24-48"}


def test_steps_in_minutes_and_hours_share_one_axis_in_order(store, make_field):
    for step in ("1", "30m", "90m", "0"):
        store.archive(*make_field(1.0, type="fc", levelist="500", step=step))
    store.flush()
    assert store.axes()["step"] == ["0", "30m", "1", "90m"]
    steps = store.retrieve("step=30m/90m")["step"].to_numpy().astype("timedelta64[m]").astype(int)
    assert steps.tolist() == [30, 90]


def test_a_short_name_of_several_parameters_keeps_them_apart(store, make_field):
    store.archive(*make_field(1.0, param="228", levtype="sfc", type="fc", step="0-6"))
    store.archive(*make_field(2.0, param="228228", levtype="sfc", type="fc", step="0-6"))
    store.flush()
    assert sorted(store.retrieve({})) == ["tp", "tp_228228"]
    with pytest.raises(RequestError, match=r"param=tp stands for several parameters that exist: 228, 228228"):
        list(store.list("param=tp"))
    assert len(list(store.list("param=228228"))) == 1


def test_hindcasts_are_ordered_by_the_date_they_started_from(store, make_field):
    for hdate in ("20230601", "20220601"):
        store.archive(*make_field(1.0, type="cf", levelist="500", hdate=hdate, date="20240601"))
    store.flush()
    dataset = store.retrieve({})
    years = dataset["forecast_reference_time"].dt.year.to_numpy().tolist()
    assert (years, dataset["date"].dt.year.to_numpy().tolist()) == ([2022, 2023], [2024])
    assert store.axes()["hdate"] == ["20220601", "20230601"]
    assert len(list(store.list("date=20240601,hdate=20220601"))) == 1


def test_qualifiers_follow_the_cube_when_a_field_has_them(store, make_field):
    array, keys = make_field(1.0, type="fc", levelist="500")
    store.archive(array, {**keys, "class": "ai", "stream": "oper", "expver": "0001", "model": "aifs-single"})
    store.flush()
    assert store.cubes() == ["ai/oper/0001,model=aifs-single"]
    assert len(list(store.list("model=aifs-single"))) == 1
    assert list(store.list("model=other")) == []


def test_fields_on_two_grids_stand_in_two_groups(store, make_field):
    store.archive(*make_field(1.0, type="fc", levelist="500"))
    store.archive(*make_field(1.0, type="fc", levelist="500", shape=(2, 2)))
    store.flush()
    labels = store.axes()["grid"]
    assert len(labels) == 2
    with pytest.raises(SeveralGroupsError, match="fields of 2 groups.*Name one grid"):
        store.retrieve("levelist=500")
    assert store.retrieve(f"grid={labels[0]}")["t"].size in (12, 4)
    assert len(list(store.retrieve_tree({}).leaves)) == 2


def test_a_value_that_is_named_and_missing_is_an_error_that_says_what_exists(ensemble):
    with pytest.raises(MissingFieldsError, match=r"number=7.*What exists is number=1/2/3"):
        ensemble.retrieve("type=pf,number=1/7")
    assert ensemble.retrieve("type=pf,number=1/7", allow_missing=True)["member"].to_numpy().tolist() == [1]


def test_a_combination_that_is_named_and_missing_is_an_error(store, make_field):
    store.archive(*make_field(1.0, type="fc", levelist="500", step="0"))
    store.archive(*make_field(1.0, type="fc", levelist="850", step="6"))
    store.flush()
    with pytest.raises(MissingFieldsError, match="step=0,levelist=850"):
        store.retrieve("step=0/6,levelist=500/850")
    gaps = store.retrieve({})["t"].isnull().any(["latitude", "longitude"]).to_numpy().ravel().tolist()
    assert gaps == [False, True, True, False]


def test_retrieving_nothing_names_the_key_without_a_match(ensemble):
    with pytest.raises(NoMatchError, match=r"Nothing matches levelist=850.*What exists is levelist=500"):
        ensemble.retrieve("class=rd,levelist=850")


def test_keys_that_match_alone_and_not_together_are_named(store, make_field):
    store.archive(*make_field(1.0, type="fc", levelist="500", step="0"))
    store.archive(*make_field(1.0, type="fc", levelist="850", step="6"))
    store.flush()
    with pytest.raises(NoMatchError, match=r"levelist=850 together with step=0.*there is levelist=500"):
        store.retrieve("step=0,levelist=850")


def test_a_field_of_missing_points_only_exists(store, make_field):
    array, keys = make_field(1.0, type="fc", levelist="500")
    store.archive(array, keys)
    store.flush()
    store.archive(array * np.nan, keys)
    (commit,) = store.flush()
    assert commit.replaced == 1
    assert len(list(store.list())) == 1
    assert store.retrieve({})["t"].isnull().all()


def described(grib_folder, name):
    return next(iter(scan(grib_folder / name))).field


def test_two_products_of_equal_keys_collide_and_name_their_places(store, grib_folder):
    path = grib_folder / "missing-values.grib"
    first = next(iter(scan(path)))
    other = dataclasses.replace(first.field, product=(("typeOfLevel", "tropopause"),))
    store.archive(first)
    with pytest.raises(KeyCollisionError, match=r"at offset 0 and .*at offset 42 .*typeOfLevel"):
        store.archive(dataclasses.replace(first, offset=42, field=other))


def test_two_editions_are_one_field_and_the_newer_describes_it(store, grib_folder):
    old = next(iter(scan(grib_folder / "missing-values.grib")))
    newer = dataclasses.replace(old.field, edition=2, level_type="heightAboveGround", level=2.0)
    new = dataclasses.replace(old, field=newer)
    for order in ((old, new), (new, old)):
        root = dtedask.open(f"{store.root}-{order[0].field.edition}")
        for message in order:
            root.archive(message)
            root.flush()
        attributes = root.retrieve({})["2t"].attrs
        assert (attributes["GRIB_edition"], attributes["GRIB_typeOfLevel"]) == (2, "heightAboveGround")


def test_other_units_of_the_same_field_are_refused(store, grib_folder):
    message = next(iter(scan(grib_folder / "missing-values.grib")))
    store.archive(message)
    store.flush()
    store.archive(dataclasses.replace(message, field=dataclasses.replace(message.field, units="C", edition=2)))
    with pytest.raises(FieldError, match="has units 'C'; the variable has 'K'"):
        store.flush()


def test_the_address_of_a_field_does_not_depend_on_its_packing(grib_folder):
    field = described(grib_folder, "aifs-single-t500.grib2")
    other = dataclasses.replace(field, packing="grid_simple", bits_per_value=24)
    assert address_of(field, default_schema()) == address_of(other, default_schema())


def test_a_wide_parameter_keeps_float64_when_the_schema_says_so(tmp_path, make_field):
    from dtedask.store import Schema

    schema = Schema(parameters={"t": {"dtype": "float64"}})
    store = dtedask.open(tmp_path, schema=schema)
    array, keys = make_field(1.0, type="fc", levelist="500")
    store.archive(array.astype("float64") + 1e-12, keys)
    store.flush()
    assert dtedask.open(tmp_path).retrieve({})["t"].to_numpy().dtype == np.float64
    assert dtedask.open(tmp_path).schema() == schema


def test_changes_of_gaps_give_exactly_what_was_written(store, make_field):
    for number, level in (("1", "500"), ("2", "500"), ("1", "850")):
        store.archive(*make_field(1.0, number=number, levelist=level))
    (commit,) = store.flush()
    listed = [{**record.keys} for change in commit.changes for record in store.list(change.keys)]
    assert len(listed) == sum(change.fields for change in commit.changes) == 3


def test_parameters_that_exist_are_shown_with_their_short_names(ensemble):
    with pytest.raises(NoMatchError, match=r"Nothing matches param=q\. What exists is param=130 \(t\)\."):
        ensemble.retrieve("param=q")


@pytest.mark.parametrize(
    ("bits", "packing", "told"), [(25, "grid_ccsds", True), (24, "grid_ccsds", False), (32, "grid_ieee", False)]
)
def test_packing_that_float32_rounds_is_counted_and_reported(store, grib_folder, caplog, bits, packing, told):
    message = next(iter(scan(grib_folder / "o32.grib2")))
    field = dataclasses.replace(message.field, bits_per_value=bits, packing=packing)
    store.archive(dataclasses.replace(message, field=field))
    store.flush()
    assert ("float32 rounds 1 of the fields, packed in more than 24 bits" in caplog.text) == told
