import pickle
import subprocess
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dtedask.request import Request, canonical_value, parameter_ids

values = {
    "class": st.sampled_from(["od", "ea", "no", "lssw", "c96"]),
    "stream": st.sampled_from(["oper", "enfo"]),
    "expver": st.sampled_from(["0001", "abcd"]),
    "type": st.sampled_from(["an", "fc", "cf", "pf"]),
    "levtype": st.sampled_from(["pl", "sfc", "generalVerticalLayer"]),
    "date": st.dates().map(lambda day: canonical_value("date", day)) | st.sampled_from(["202406", "199901"]),
    "time": st.times().map(lambda time: f"{time:%H%M}"),
    "step": st.integers(0, 600).map(lambda minutes: canonical_value("step", f"{minutes}m")) | st.just("0-24"),
    "number": st.integers(0, 50).map(str),
    "levelist": st.decimals(0, 1000, places=1).map(lambda level: canonical_value("levelist", level)),
    "param": st.sampled_from(["130", "t", "tp", "228", "167", "0.1.2", "TOT_PREC"]),
    "grid": st.sampled_from(["O320", "0.25x0.25", "3x3", "lambert-0123abcd"]),
    "model": st.sampled_from(["aifs-single", "none"]),
}
keys = st.fixed_dictionaries({}, optional=values)
lists = {key: st.lists(one, min_size=1, max_size=4) | st.just("all") for key, one in values.items()}
requests = st.builds(Request, st.fixed_dictionaries({}, optional=lists), verb=st.sampled_from(["", "retrieve", "list"]))


@pytest.mark.slow
@given(requests)
def test_a_printed_request_is_read_back(request):
    assert Request.parse(str(request)) == request
    assert hash(Request.parse(str(request))) == hash(request)


@pytest.mark.slow
@given(requests)
def test_a_request_survives_pickle_and_a_dict(request):
    copy = pickle.loads(pickle.dumps(request))
    assert copy == request
    assert copy.matches({}) == request.matches({})
    assert Request(dict(request), verb=request.verb) == request


@pytest.mark.slow
@given(keys)
def test_the_keys_of_a_field_are_a_request_that_matches_it(field):
    assume("t" not in field.values())
    assume(field.get("param", "0")[0].isdigit())
    assert Request(field).matches(field)


def takes(request, key, value):
    """Whether a value is asked for, said as slowly and plainly as can be."""
    if key not in request or request[key] == ("all",):
        return True
    for one in request[key]:
        ids = parameter_ids(one) + parameter_ids(one.lower()) if key == "param" and not one.isdigit() else ()
        if value == one or value in ids or (key == "date" and value[:6] == one):
            return True
    return False


@pytest.mark.slow
@given(requests, keys)
def test_a_field_matches_when_every_named_key_takes_its_value(request, field):
    field.setdefault("number", "0") if field.get("type") == "cf" else None
    field.setdefault("model", "none")
    expected = all(key in field and takes(request, key, field[key]) for key in request if request[key] != ("all",))
    assert request.matches(field) == expected
    assert (request.failing_key(field) is None) == expected


@pytest.mark.slow
@given(requests, st.sampled_from(sorted(values)), st.data())
def test_select_takes_the_values_that_match(request, key, data):
    existing = data.draw(st.lists(values[key], unique=True))
    alone = Request({key: request[key]}) if key in request else Request({})
    assert request.select(key, existing) == [value for value in existing if alone.matches({key: value})]
    assert request.select(key, existing) == [value for value in existing if takes(request, key, value)]


@pytest.mark.slow
@given(requests, st.sampled_from(sorted(values)), st.data())
def test_missing_values_are_the_named_ones_that_select_nothing(request, key, data):
    existing = data.draw(st.lists(values[key], unique=True))
    expected = [one for one in request.named(key) if not Request({key: one}).select(key, existing)]
    assert request.missing(key, existing) == expected


def test_a_control_forecast_is_member_0():
    assert Request.parse("number=0/1").matches({"type": "cf"})
    assert Request.parse("number=1").failing_key({"type": "cf"}) == "number"
    assert Request.parse("type=pf,number=all").failing_key({"type": "cf"}) == "type"


def test_the_failing_key_is_named():
    assert Request.parse("class=od,step=6,param=z").failing_key({"class": "od", "step": "12", "param": "130"}) == "step"


def test_a_field_answers_to_its_aliases_too():
    field = {"step": "24", "param": "228"}
    assert Request.parse("step=0-24").failing_key(field) == "step"
    assert Request.parse("step=0-24,param=tp").matches(field, aliases={"step": ("0-24",)})


def test_a_short_name_of_one_param_id_becomes_it_and_one_of_several_stays():
    request = Request.parse("param=2t/tp")
    assert request["param"] == ("167", "tp")
    assert request.select("param", ["228", "130", "228228", "167"]) == ["228", "228228", "167"]


def test_capitals_mean_the_common_parameter_too():
    assert Request.parse("PARAM=T").matches({"param": "130"})


def test_a_month_takes_its_days():
    assert Request.parse("date=202406").select("date", ["20240531", "20240601", "20240630"]) == ["20240601", "20240630"]


def test_a_request_lists_what_it_names():
    request = Request.parse("step=all,param=2t,class=od")
    assert (request.is_all("step"), request.is_all("number"), request.is_all("param")) == (True, True, False)
    assert (request.named("step"), request.named("number"), request.named("param")) == ((), (), ("167",))
    assert list(request) == ["class", "step", "param"]
    assert repr(request) == "<Request class=od,step=all,param=167>"


def test_pairs_of_a_grid_are_one_value():
    assert Request.parse("grid=0.25/0.25")["grid"] == ("0.25x0.25",)
    assert Request.parse("grid=O320/1/1/3")["grid"] == ("O320", "1x1", "3x3")
    assert Request({"grid": [0.25, 0.25]})["grid"] == ("0.25x0.25",)


def test_domain_g_selects_nothing():
    assert Request.parse("domain=g") == Request({})


def test_a_request_is_equal_to_requests_only():
    assert Request({"class": "od"}) != {"class": ("od",)}
    assert Request({"class": "od"}) != Request({"class": "od"}, verb="list")


@pytest.mark.parametrize("name", ["numpy", "xarray", "dask", "eccodes", "yaml", "gzip", "difflib", "json"])
def test_importing_requests_loads_nothing_heavy(name):
    code = f"import sys, dtedask.request; sys.exit({name!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
