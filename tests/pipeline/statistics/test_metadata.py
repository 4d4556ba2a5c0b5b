"""What results are called: in their keys, in a cube, and in GRIB as ecCodes reads it."""

from datetime import UTC, datetime
from pathlib import Path

import multiolib
import numpy as np
import pytest
import yaml

import dtedask
from dtedask.core.errors import FieldError
from dtedask.grib import encode
from dtedask.grib.library import eccodes
from dtedask.pipeline import Plan
from dtedask.pipeline.statistics.parameters import result_parameter
from dtedask.request import is_key, parameter
from tests.pipeline.fields import field
from tests.pipeline.statistics.runs import END, analyses, forecast, run, statistics

BACKWARD = {"window-type": "backward-offset"}


def archived(folder, fields, operations, frequency, **options):
    action = {"type": "statistics", "operations": operations, "output-frequency": frequency, **options}
    plan = {"actions": [action, {"type": "sink", "sinks": [{"type": "cube"}]}]}
    Plan.from_yaml(plan, output=str(folder)).run([*fields, END])
    return dtedask.open(str(folder))


def asked(message, *keys):
    handle = eccodes.codes_new_from_message(bytes(message))
    try:
        kinds = {key: int if key == "typeOfStatisticalProcessing" else None for key in keys}
        return tuple(eccodes.codes_get(handle, key, kind) for key, kind in kinds.items())
    finally:
        eccodes.codes_release(handle)


def test_a_daily_maximum_is_an_interval_of_that_type_in_grib(tmp_path):
    store = archived(tmp_path, forecast(range(49)), ["maximum"], "1d")
    keys = ("productDefinitionTemplateNumber", "typeOfStatisticalProcessing", "stepRange", "shortName", "stepType")
    keys += ("lengthOfTimeRange", "yearOfEndOfOverallTimeInterval", "dayOfEndOfOverallTimeInterval")
    told = [asked(message, *keys) for message in store.to_grib({})]
    assert told == [(8, 2, "0-24", "max_2t", "max", 24, 2024, 2), (8, 2, "24-48", "max_2t", "max", 24, 2024, 3)]


@pytest.mark.parametrize(
    ("operation", "grib_type", "step_type"),
    [("average", 0, "avg"), ("accumulate", 1, "accum"), ("maximum", 2, "max"), ("minimum", 3, "min"),
     ("difference", 4, "diff"), ("stddev", 6, "sd"), ("variance", 7, "cov"), ("inverse-difference", 8, "sdiff")],
)  # fmt: skip
def test_every_operation_that_grib_knows_comes_back_from_grib(operation, grib_type, step_type):
    (found,) = run(statistics([operation], "6h"), forecast(range(7)))
    keys = {key: str(value) for key, value in found.keys.items() if is_key(key)}
    told = found.description
    message = encode(found.values, keys, told.grid, attributes=told.attributes, interval=told.interval)
    assert asked(message, "typeOfStatisticalProcessing", "stepType", "stepRange") == (grib_type, step_type, "0-6")


def test_operations_and_lengths_of_one_parameter_are_variables_of_their_own(tmp_path):
    fields = forecast(range(25))
    archived(tmp_path, fields, ["average", "maximum", "difference", "count"], "1d")
    store = archived(tmp_path, fields, ["maximum", {"operation": "exceedance", "threshold": 273.15}], "6h")
    found = store.retrieve({})
    assert set(found) == {
        *("avg_2t_24h", "max_2t_24h", "diff_2t_24h", "count_2t_24h", "max_2t_6h", "above273.15_2t_6h")
    }
    assert (found["above273.15_2t_6h"].attrs["units"], found["max_2t_6h"].attrs["units"]) == ("1", "K")


def test_the_cube_has_bounds_and_methods_of_the_intervals(tmp_path):
    store = archived(tmp_path, forecast(range(49)), ["average"], "1d")
    found = store.retrieve({})
    assert found["avg_2t_24h"].attrs["cell_methods"] == "step: mean"
    hours = found["step_bounds"].to_numpy() / np.timedelta64(1, "h")
    np.testing.assert_array_equal(hours, [[0, 24], [24, 48]])


def test_means_over_months_of_analyses_have_the_first_of_the_month_and_bounds(tmp_path):
    fields = analyses(datetime(2024, 1, 1, tzinfo=UTC), 4 * 60, 6)
    store = archived(tmp_path, fields, ["average"], "1m", options=BACKWARD)
    found = store.retrieve({})
    assert found["avg_2t_month"].attrs["cell_methods"] == "forecast_reference_time: mean"
    bounds = found["forecast_reference_time_bounds"].to_numpy().astype("datetime64[D]").astype(str)
    assert bounds.tolist() == [["2024-01-01", "2024-02-01"], ["2024-02-01", "2024-03-01"]]
    january = np.mean([one.values for one in fields[: 4 * 31]], axis=0)
    np.testing.assert_allclose(found["avg_2t_month"][0], january, rtol=1e-6)
    told = [asked(message, "dataDate", "stepRange", "stepType") for message in store.to_grib({})]
    assert told == [(20240101, "0-744", "avg"), (20240201, "0-696", "avg")]


def test_months_of_a_forecast_end_at_their_step(tmp_path):
    store = archived(tmp_path, forecast(range(62), seconds=86400), ["average"], "1m")
    assert [record.keys["step"] for record in store.list()] == ["720", "1464"]
    days = store.retrieve({})["step_bounds"].to_numpy() / np.timedelta64(1, "D")
    np.testing.assert_array_equal(days, [[0, 30], [30, 61]])
    assert [asked(message, "stepRange")[0] for message in store.to_grib({})] == ["0-720", "720-1464"]


def test_members_of_an_ensemble_stay_members(tmp_path):
    store = archived(tmp_path, forecast(range(7), type="pf", stream="enfo", number="3"), ["maximum"], "6h")
    (message,) = store.to_grib({})
    keys = ("productDefinitionTemplateNumber", "perturbationNumber", "stepRange")
    assert asked(message, *keys) == (11, 3, "0-6")


def test_a_maximum_of_maxima_is_the_same_parameter_over_a_longer_time():
    daily = run(statistics(["maximum"]), forecast(range(24 * 30 + 1)))
    (monthly,) = run(statistics(["maximum"], "1m"), daily)
    wanted = {"param": "237167", "timespan": "month", "step": "720"}
    assert {key: monthly.keys.get(key) for key in (*wanted, "stattype")} == {**wanted, "stattype": None}
    assert monthly.description.interval == (0, 720 * 3600)


def test_a_mean_of_maxima_is_a_statistic_of_a_statistic_as_mars_says_it():
    daily = run(statistics(["maximum"]), forecast(range(24 * 30 + 1)))
    (monthly,) = run(statistics(["average"], "1m"), daily)
    wanted = {"param": "237167", "timespan": "24h", "stattype": "moav"}
    assert {key: monthly.keys[key] for key in wanted} == wanted


def test_what_a_day_adds_to_an_accumulation_is_the_accumulation_of_the_day():
    fields = [field(np.full((3, 4), 2.0 * step), step=str(step), param="228",
                    described={"step_type": "accum", "interval": (0, 3600 * step)} if step else {"step_type": "accum"})
              for step in range(49)]  # fmt: skip
    found = run(statistics(["de-accumulate", "difference"]), fields)
    assert [(one.keys["step"], one.keys["timespan"]) for one in found] == [("24", "24h")] * 2 + [("48", "24h")] * 2
    assert all(one.keys["param"] == "228" and "stattype" not in one.keys for one in found)
    assert all((one.values == 48).all() for one in found)


def test_the_mean_rate_of_an_accumulation_has_the_parameter_and_units_of_a_rate():
    fields = forecast(range(1, 25), param="228228", described={"step_type": "accum", "interval": (0, 3600)})
    (found,) = run(statistics(["flux-average"]), fields)
    assert (found.keys["param"], found.description.short_name) == ("235055", "avg_tprate")
    assert (found.description.units, found.description.step_type) == ("kg m**-2 s**-1", "avg")


def test_a_plan_can_say_the_parameter_of_a_result():
    operation = {"operation": "exceedance", "threshold": 300, "param": 131073}
    (found,) = run(statistics([operation], "6h"), forecast(range(7), shortName="2t", paramId="167"))
    assert (found.keys["param"], found.keys["paramId"], "shortName" in found.keys) == ("131073", "131073", False)
    assert "stattype" not in found.keys


def test_an_instant_keeps_parameter_and_time_of_the_last_field():
    (found,) = run(statistics(["instant"]), forecast(range(25)))
    assert (found.keys["param"], found.keys["step"], found.description.interval) == ("167", "24", None)
    assert "timespan" not in found.keys


def test_a_parameter_that_the_plan_insists_on_and_is_not_there_is_an_error():
    action = statistics(["accumulate"], "6h", details={"disable-strict-mapping": False})
    with pytest.raises(FieldError, match=r"no parameter for the sum of param=167 \(operation 'accumulate'\)\. Set dis"):
        run(action, forecast(range(7)))


@pytest.mark.slow
def test_parameters_of_results_are_those_of_multio():
    share = Path(multiolib.__file__).parent / "share/multio/mappings/statistics_param_mappings.yaml"
    table = yaml.safe_load(share.read_text())
    pairs = [(str(one["paramIn"]), each) for one in table for each in one["mappings"]]
    known = [(param, each) for param, each in pairs if each["typeOfStatisticalProcessing"] < 10]
    assert len(known) > 1900
    for param, each in known:
        assert result_parameter(param, each["typeOfStatisticalProcessing"]) == str(each["paramOut"])


@pytest.mark.parametrize(("operation", "name"), [(0, "avg_{}"), (2, "max_{}"), (3, "min_{}"), (6, "std_{}")])
def test_parameters_that_multio_does_not_map_are_found_by_their_name(operation, name):
    assert parameter(result_parameter("130", operation)).short_name == name.format("t")
    assert result_parameter("130", 4) is None


def test_fields_of_a_model_that_say_no_grid_have_results_that_say_none():
    fields = [one.replaced(description=None) for one in forecast(range(1, 7))]
    fields = [one.with_keys(param=None, shortName="2t") for one in fields]
    (found,) = run(statistics(["maximum"], "6h"), fields)
    assert (found.description, found.keys["timespan"], found.keys["stattype"]) == (None, "6h", "max")
    assert "param" not in found.keys
