"""Finding fields against a dictionary of them: list, axes, inspect, compact, and the order of what is retrieved."""

import itertools
import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import MissingFieldsError, NoMatchError, RequestError
from dtedask.grib import scan
from dtedask.request import Request
from dtedask.store.compact import compact_keys
from dtedask.store.folding import fold, fold_gaps

SHAPE = (2, 3)
VALUES = {
    "date": ["20240101", "20231231", "20240215"],
    "time": ["0000", "1230"],
    "step": ["0", "6", "90m"],
    "number": ["1", "2", "11"],
    "levelist": ["500", "1000", "0.5"],
    "param": ["131", "130"],
}
FIXED = {"class": "rd", "stream": "enfo", "expver": "test", "levtype": "pl"}
_NAMES = itertools.count()

fields = st.fixed_dictionaries({key: st.sampled_from(values) for key, values in VALUES.items()})
members = st.sampled_from(["pf", "pf", "cf"])
stored = st.lists(st.tuples(fields, members), min_size=1, max_size=20)


def beginnings(values):
    return st.integers(1, len(values)).map(lambda count: list(values)[:count])


requests = st.fixed_dictionaries(
    {}, optional={key: st.permutations(values).flatmap(beginnings) for key, values in VALUES.items()}
)
full_requests = st.fixed_dictionaries(
    {key: st.permutations(values).flatmap(beginnings) for key, values in VALUES.items()}
)


def keys_of(field, type_):
    keys = {**FIXED, "type": type_, **field}
    if type_ == "cf":
        del keys["number"]
    return keys


def build(make_field, stored):
    store = dtedask.open(f"memory://find-{next(_NAMES)}")
    model = []
    for field, type_ in stored:
        keys = keys_of(field, type_)
        array, key = make_field(0, shape=SHAPE, **{**keys, **({"number": "0"} if type_ == "cf" else {})})
        if type_ == "cf":
            del key["number"]
        store.archive(array, key)
        if keys not in model:
            model.append(keys)
    store.flush()
    return store, model


def takes(request, keys):
    return all(keys.get(key) in values for key, values in request.items())


def frozen(keys):
    return frozenset(keys.items())


def product_of(request):
    names = list(Request(request))
    for values in itertools.product(*(request[name] for name in names)):
        yield dict(zip(names, values, strict=True))


@pytest.mark.slow
@settings(max_examples=10)
@given(stored, st.lists(requests, min_size=1, max_size=4))
def test_list_and_axes_are_those_of_a_dictionary(make_field, stored, requests):
    store, model = build(make_field, stored)
    for request in requests:
        expected = [keys for keys in model if takes(request, keys)]
        found = [record.keys for record in store.list(request)]
        assert len(found) == len(expected)
        assert set(map(frozen, found)) == set(map(frozen, expected))
        axes = {key: set(values) for key, values in store.axes(request).items() if key != "grid"}
        names = {key for keys in expected for key in keys}
        assert axes == {key: {keys[key] for keys in expected if key in keys} for key in names}


@pytest.mark.slow
@settings(max_examples=10)
@given(stored, st.lists(full_requests, min_size=1, max_size=3))
def test_inspect_gives_the_product_of_a_request_in_its_order_or_names_exactly_what_is_missing(
    make_field, stored, requests
):
    store, model = build(make_field, stored)
    there = set(map(frozen, model))
    for request in requests:
        full = {**{key: [value] for key, value in FIXED.items()}, "type": ["pf"], **request}
        wanted = list(product_of(full))
        missing = [frozen(keys) for keys in wanted if frozen(keys) not in there]
        try:
            found = [record.keys for record in store.inspect(full)]
        except MissingFieldsError as error:
            named = [frozen(keys) for one in error.missing for keys in product_of(one)]
            assert len(named) == len(missing)
            assert set(named) == set(missing)
        else:
            assert found == wanted
            assert not missing


@pytest.mark.slow
@settings(max_examples=10)
@given(stored, requests)
def test_what_is_retrieved_stands_in_the_order_of_the_request(make_field, stored, request):
    store, model = build(make_field, stored)
    expected = [keys for keys in model if takes(request, keys)]
    if not expected:
        with pytest.raises(NoMatchError, match="Nothing matches"):
            store.retrieve(request)
        return
    dataset = store.retrieve(request, allow_missing=True)
    if "param" in request:
        have = {keys["param"] for keys in expected}
        found = [variable.attrs["GRIB_paramId"] for variable in dataset.data_vars.values()]
        assert found == [value for value in request["param"] if value in have]
    levels = [f"{value:.10g}" for value in dataset["level"].to_numpy()]
    have = {keys["levelist"] for keys in expected}
    assert levels == [value for value in request.get("levelist", sorted(have, key=float)) if value in have]
    times = [f"{time:%Y%m%d %H%M}" for time in dataset.indexes["forecast_reference_time"]]
    have = {(keys["date"], keys["time"]) for keys in expected}
    order = itertools.product(request.get("date", sorted(VALUES["date"])), request.get("time", sorted(VALUES["time"])))
    assert times == [" ".join(one) for one in order if one in have]


@pytest.mark.slow
@settings(max_examples=10)
@given(stored)
def test_compact_requests_take_each_field_once_and_no_other(make_field, stored):
    store, model = build(make_field, stored)
    folded = store.list().compact()
    found = [frozen(record.keys) for request in folded for record in store.list(request)]
    assert len(found) == len(model)
    assert set(found) == set(map(frozen, model))


points = st.integers(1, 4).flatmap(lambda axes: st.lists(st.tuples(*[st.integers(0, 3)] * axes), min_size=1))


@pytest.mark.slow
@given(points)
def test_boxes_hold_exactly_the_points_and_gaps_exactly_the_others(points):
    array = np.array(points)
    inside = [point for box in fold(array) for point in itertools.product(*box)]
    outside = [point for box in fold_gaps(array, [4] * array.shape[1]) for point in itertools.product(*box)]
    assert sorted(inside) == sorted(set(points))
    assert sorted(outside) == sorted(set(itertools.product(*[range(4)] * array.shape[1])) - set(points))


def test_a_full_grid_of_fields_is_one_request():
    keys = [
        {"param": param, "step": step, "levelist": level}
        for param in ("130", "131")
        for step in ("0", "6")
        for level in ("1", "2")
    ]
    assert compact_keys(keys) == [Request({"param": ["130", "131"], "step": ["0", "6"], "levelist": ["1", "2"]})]


@pytest.fixture
def filled(memory_store, make_field):
    """Two parameters, three steps, two levels; in two groups, since one parameter has no level."""
    for param, step, level in itertools.product(("t", "u"), ("0", "6", "12"), ("500", "850")):
        memory_store.archive(*make_field(int(step), param=param, step=step, levelist=level, number="1"))
    memory_store.archive(*make_field(7, param="2t", levtype="sfc", number="1"))
    memory_store.flush()
    return memory_store


def test_messages_come_in_the_order_of_the_request_and_nested_in_that_of_mars(filled):
    request = {"param": ["131", "130"], "step": ["12", "0"], "levelist": ["850", "500"]}
    found = [message.field for data in filled.to_grib(request) for message in scan(data)]
    told = [tuple(one.keys[key] for key in ("step", "levelist", "param")) for one in found]
    assert told == list(itertools.product(request["step"], request["levelist"], request["param"]))


def test_missing_fields_are_listed_as_requests_that_survive_pickling(filled):
    with pytest.raises(MissingFieldsError, match=r"step=18.*What exists is step=0/6/12") as caught:
        filled.retrieve("param=t/u,step=0/18,levelist=500/850")
    error = pickle.loads(pickle.dumps(caught.value))
    assert [str(one) for one in error.missing] == ["step=18,levelist=500/850,param=t/u"]
    assert str(error) == str(caught.value)


def test_a_request_that_is_not_full_is_refused_with_what_there_is(filled):
    with pytest.raises(RequestError, match=r"names none of .*levelist.*There is .*levelist=500/850.*use list"):
        filled.inspect(
            "class=rd,stream=enfo,expver=test,type=pf,levtype=pl,date=20240101,time=0,number=1,step=0,param=t"
        )


def test_a_full_request_of_which_nothing_exists_is_no_empty_answer(filled):
    keys = (
        "class=rd,stream=enfo,expver=test,type=pf,levtype=pl,date=20240101,time=0,number=1,step=9,levelist=500,param=t"
    )
    with pytest.raises(
        MissingFieldsError, match=r"None of the fields exists.*step=9.*What exists is step=0/6/12"
    ) as caught:
        filled.inspect(keys)
    assert list(caught.value.missing) == [Request.parse(keys)]


def test_cubes_and_groups_are_listed_by_depth(filled):
    (cube,) = filled.list(depth=1)
    assert dict(cube.keys) == {"class": "rd", "stream": "enfo", "expver": "test"}
    groups = [place.to_dict() for place in filled.list("param=t/2t", depth=2)]
    assert [(one["type"], one["levtype"]) for one in groups] == [("pf", "pl"), ("pf", "sfc")]
    assert {one["grid"] for one in groups} == set(filled.axes()["grid"])
    assert len(list(filled.list("param=t", depth=2))) == 1
    assert list(filled.list("step=99", depth=1)) == []


def test_a_record_says_where_its_bytes_are_and_how_many(filled):
    from dtedask.store.location import Location

    records = list(filled.list())
    for record in records:
        (data,) = record.selection.snapshot.read_chunks([record.chunk])
        assert record.size_bytes == len(data)
        assert record.location == f"{Location(filled.root).cube_url(record.cube)}/{record.chunk}"
    assert {record.snapshot for record in records} == {filled.history()[-1].snapshot}
    assert not any(record.is_masked for record in records)


def test_a_listing_becomes_a_table_with_a_column_a_key(filled):
    table = filled.list("param=t/2t").to_dataframe(location=True, size=True)
    assert list(table.columns[:6]) == ["class", "stream", "expver", "type", "levtype", "date"]
    assert len(table) == 7
    assert table["levelist"].isna().sum() == 1
    assert set(table.loc[table["param"] == "130", "step"]) == {"0", "6", "12"}
    assert table["size_bytes"].dtype.kind == "i"
    assert list(filled.list("step=99").to_dataframe().columns) == []


def test_a_listing_shows_itself_without_losing_anything(filled):
    listing = filled.list("param=t")
    first = next(listing)
    assert "levelist" in listing._repr_html_()
    lines = [json.loads(line) for line in listing.to_json_lines()]
    assert len(lines) == 5
    assert first.to_dict() not in lines
    assert list(listing) == []


@pytest.mark.slow
def test_replaced_fields_are_listed_with_the_snapshot_that_holds_them(filled, make_field):
    filled.archive(*make_field(100, param="t", step="6", levelist="500", number="1"))
    (second,) = filled.flush()
    filled.archive(*make_field(200, param="t", step="6", levelist="500", number="1"))
    filled.archive(*make_field(0, param="t", step="18", levelist="500", number="1"))
    (third,) = filled.flush()
    first = filled.history()[0]
    now, *masked = filled.list("param=t,step=6,levelist=500", masked=True)
    assert not now.is_masked
    assert [(one.snapshot, one.replaced.snapshot) for one in masked] == [
        (second.snapshot, third.snapshot),
        (first.snapshot, second.snapshot),
    ]
    assert all(one.is_masked and one.keys == now.keys for one in masked)
    for record, value in zip((now, *masked), (200, 100, 6), strict=True):
        assert filled.at(record.snapshot).retrieve(dict(record.keys))["t"].values.ravel()[0] == value
    assert not [one for one in filled.list("step=18", masked=True) if one.is_masked]
    assert not [one for one in filled.at(first.snapshot).list(masked=True) if one.is_masked]


def test_wiped_fields_are_listed_as_what_they_were_though_their_slot_is_used_again(filled, make_field):
    (before,) = filled.list("step=12,param=t,levelist=500")
    filled.wipe({**FIXED, "type": "pf", "date": "20240101", "step": "12"}, doit=True)
    filled.archive(*make_field(0, param="t", step="24", levelist="500", number="1"))
    filled.flush()
    masked = list(filled.list(masked=True))
    gone = [one for one in masked if one.is_masked]
    assert {one.keys["step"] for one in gone} == {"12"}
    assert len(gone) == 4
    assert before.keys in [one.keys for one in gone]
    assert {one.keys["step"] for one in masked if not one.is_masked} == {"0", "6", "24"}
    assert all("replaced" in one.to_dict() for one in gone)


@pytest.mark.slow
def test_what_a_rollback_left_behind_is_masked_with_its_own_past(filled, make_field):
    first = filled.history()[0]
    for value in (100, 200):
        filled.archive(*make_field(value, param="t", step="6", levelist="500", number="1"))
        filled.archive(*make_field(value, param="t", step=str(value), levelist="500", number="1"))
        filled.flush()
    _, second, third = filled.history()
    filled.rollback(first.snapshot, doit=True)
    back = filled.history()[-1]
    gone = [
        (one.keys["step"], one.snapshot, one.replaced.snapshot) for one in filled.list(masked=True) if one.is_masked
    ]
    assert sorted(gone) == sorted(
        [
            ("6", first.snapshot, second.snapshot),
            ("6", second.snapshot, third.snapshot),
            ("6", third.snapshot, back.snapshot),
            ("100", third.snapshot, back.snapshot),
            ("200", third.snapshot, back.snapshot),
        ]
    )


def test_cubes_that_a_request_cannot_mean_are_not_opened(store, make_field, monkeypatch):
    for expver in ("aaaa", "bbbb"):
        store.archive(*make_field(0, expver=expver, number="1"))
    store.flush()
    opened = []
    snapshot = type(store)._snapshot
    monkeypatch.setattr(type(store), "_snapshot", lambda self, cube: opened.append(cube) or snapshot(self, cube))
    assert len(list(store.list("class=rd,stream=enfo,expver=bbbb"))) == 1
    assert opened == ["rd/enfo/bbbb"]
    assert list(store.list("class=od")) == []
    assert store.cubes() == ["rd/enfo/aaaa", "rd/enfo/bbbb"]


def test_foreign_folders_in_a_root_are_no_cubes(store, make_field, tmp_path):
    store.archive(*make_field(0, number="1"))
    store.flush()
    (tmp_path / "root" / "a" / "b" / "c,d").mkdir(parents=True)
    (tmp_path / "root" / "file").write_text("")
    assert store.cubes() == ["rd/enfo/test"]
    assert len(list(store.list())) == len(list(store.list("class=rd"))) == 1


def test_a_handle_sees_commits_of_others_and_a_root_that_was_made_anew(tmp_path, make_field):
    import shutil

    reader = dtedask.open(tmp_path / "root")
    for step in ("0", "6"):
        writer = dtedask.open(tmp_path / "root")
        writer.archive(*make_field(0, step=step, number="1"))
        writer.flush()
        assert step in reader.axes()["step"]
    shutil.rmtree(tmp_path / "root" / "rd")
    assert list(reader.list()) == []
    writer = dtedask.open(tmp_path / "root")
    writer.archive(*make_field(0, step="12", number="1"))
    writer.flush()
    assert reader.axes()["step"] == ["12"]


def test_values_follow_their_labels_into_the_order_of_the_request(filled):
    wanted = filled.retrieve("param=u/t,step=12/0/6,levelist=850/500")
    plain = filled.retrieve("param=t/u,levtype=pl")
    assert list(wanted.data_vars) == ["u", "t"]
    hours = (wanted["step"].to_numpy() / np.timedelta64(1, "h")).tolist()
    assert (hours, wanted["level"].to_numpy().tolist()) == ([12, 0, 6], [850, 500])
    back = wanted.sortby(["step", "level"])
    for name in ("t", "u"):
        assert np.array_equal(back[name].to_numpy(), plain[name].to_numpy())
        first = wanted[name].isel(latitude=0, longitude=0, level=0).squeeze().to_numpy()
        assert first.tolist() == [12, 0, 6]


def test_a_control_forecast_stands_where_the_request_names_its_type(memory_store, make_field):
    for number in ("1", "2"):
        memory_store.archive(*make_field(int(number), number=number, levelist="500"))
    memory_store.archive(*make_field(0, type="cf", levelist="500"))
    memory_store.flush()
    assert memory_store.retrieve("type=pf/cf")["member"].to_numpy().tolist() == [1, 2, 0]
    assert memory_store.retrieve("type=cf/pf")["member"].to_numpy().tolist() == [0, 1, 2]
    assert memory_store.retrieve("number=2/0/1")["member"].to_numpy().tolist() == [2, 0, 1]
    found = list(memory_store.read("number=2/0/1"))
    assert [record.keys.get("number", "0") for record, _ in found] == ["2", "0", "1"]
    folded = sorted(str(request["type"]) for request in memory_store.list().compact())
    assert folded == ["('cf',)", "('pf',)"]
