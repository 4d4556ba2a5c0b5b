"""The action sink: several sinks, one notice, and what happens where one of them fails."""

import json

import pytest
from google_crc32c import value as crc32c

import dtedask
from dtedask.core.commit import checksum_of
from dtedask.core.errors import DocumentError, FieldError, SinkError
from dtedask.notify import open_log
from dtedask.pipeline import Context, Kind, Message, Plan
from dtedask.pipeline.action import make_action
from dtedask.pipeline.compute import Eager
from dtedask.pipeline.sinks import memory
from dtedask.pipeline.sinks.file import FileSink
from dtedask.pipeline.sinks.memory import kept
from dtedask.testing import ActionSuite, make_message


@pytest.fixture(autouse=True)
def _empty():
    yield
    memory.forget()
    memory.forget("debug")


def flush(step="0"):
    return Message.flush("step", date="20240101", time="0000", step=step)


@pytest.fixture
def run(tmp_path):
    """Messages through one action whose sinks write into a folder."""

    def run(*sinks, messages=None, state=None, action=None):
        action = action or made(tmp_path, *sinks)
        state = state or action.start()
        given = messages or [make_message(1), flush()]
        return [out for message in given for out in action.handle(message, state, Eager())]

    return run


def made(folder, *sinks):
    context = Context("daily", 0, folder, str(folder / "data"), "f" * 64)
    return make_action({"type": "sink", "sinks": list(sinks)}, context)


ALL = [
    {"type": "cube"},
    {"type": "file", "path": "{step}.grib2"},
    {"type": "netcdf", "path": "all.nc"},
    {"type": "zarr", "path": "all.zarr"},
    {"type": "memory"},
]


def test_one_notice_tells_of_all_sinks(run, tmp_path):
    notice, after = run(*ALL)
    assert (notice.kind, after.kind) == (Kind.NOTICE, Kind.FLUSH)
    assert [one.sink for one in notice.values] == ["0:cube", "1:file", "2:netcdf", "3:zarr", "4:memory"]
    assert (notice.values.plan_hash, notice.values.pipeline, notice.values.new) == ("f" * 64, "daily", 5)
    document = json.loads(json.dumps(notice.values.as_dict()))
    assert document["fields"][1] | {"checksum": "", "length": 0, "keys": {}} == {
        "keys": {},
        "sink": "1:file",
        "location": str(tmp_path / "0.grib2"),
        "offset": 0,
        "length": 0,
        "checksum": "",
        "new": True,
    }


def test_a_flush_without_fields_gives_no_notice(run):
    assert [out.kind for out in run(*ALL, messages=[flush()])] == [Kind.FLUSH]


def test_the_same_flush_again_gives_no_second_notice(run):
    sinks = [sink for sink in ALL if sink["type"] != "memory"]
    (first, _) = run(*sinks)
    assert first.values.new == 4
    assert [out.kind for out in run(*sinks)] == [Kind.FLUSH]


def test_what_is_new_in_one_sink_is_worth_a_notice(run):
    run({"type": "cube"})
    notice, _ = run({"type": "cube"}, {"type": "file", "path": "all.grib2"})
    assert [one.is_new for one in notice.values] == [False, True]


def test_a_sink_that_fails_is_named_and_the_others_keep_what_they_did(run, tmp_path):
    (tmp_path / "blocked").write_text("in the way of a folder")
    action = made(tmp_path, {"type": "cube"}, {"type": "file", "path": "blocked/all.grib2"}, {"type": "memory"})
    state = action.start()
    with pytest.raises(SinkError, match=r"Sink 1:file: The file '.*all.grib2' cannot be written: .*"):
        run(action=action, state=state)
    assert len(kept()) == 1
    (tmp_path / "blocked").unlink()
    notice, _ = run(action=action, state=state, messages=[flush()])
    assert sorted(one.sink for one in notice.values) == ["0:cube", "1:file", "2:memory"]
    assert len(kept()) == 1


def test_a_field_that_one_sink_refuses_is_not_given_to_the_others_twice(run, tmp_path, monkeypatch):
    action = made(tmp_path, {"type": "memory"}, {"type": "file", "path": "all.grib2"})
    state, message = action.start(), make_message(1)
    take = FileSink.take
    monkeypatch.setattr(FileSink, "take", lambda *_: 1 / 0)
    with pytest.raises(SinkError, match="A sink failed: 1:file: division by zero"):
        run(action=action, state=state, messages=[message])
    monkeypatch.setattr(FileSink, "take", take)
    notice, _ = run(action=action, state=state, messages=[message, flush()])
    assert [one.sink for one in notice.values] == ["0:memory", "1:file"]


def test_commits_say_by_which_plan_and_flush_they_were_made(run, tmp_path):
    run({"type": "cube", "message": "daily means"})
    (commit,) = dtedask.open(tmp_path / "data").history()
    notes = dict(commit.notes)
    assert commit.message == "daily means"
    assert (notes["plan"], notes["pipeline"]) == ("f" * 64, "daily")
    assert json.loads(notes["flush"]) == {"flushKind": "step", "date": "20240101", "time": "0000", "step": "0"}


def test_all_fields_of_a_flush_are_one_commit(run, tmp_path):
    run({"type": "cube"}, messages=[make_message(1), make_message(2, levelist="850"), flush()])
    assert [commit.new for commit in dtedask.open(tmp_path / "data").history()] == [2]


def test_a_new_root_gets_the_schema_and_layout_of_the_sink(run, tmp_path):
    (tmp_path / "schema.yaml").write_text("values: {dtype: float64}\n")
    run({"type": "cube", "schema": "schema.yaml"}, {"type": "cube", "url": "other", "layout": "messages"})
    assert dtedask.open(tmp_path / "data").schema().values.dtype == "float64"
    assert dtedask.open(tmp_path / "other").schema().layout == "messages"


def test_a_sink_without_the_option_on_error_says_where_it_belongs(run):
    with pytest.raises(ValueError, match=r"A sink has no on-error\. Write it under the action 'sink'"):
        run({"type": "memory", "on-error": "skip"})


def test_listeners_hear_once_of_what_files_were_written(run, tmp_path):
    sinks = [{"type": "file", "path": "{step}.grib2"}, {"type": "notification"}]
    for _ in range(2):
        run(*sinks)
    (event,) = open_log(tmp_path / "data").events()
    assert (event.cube, event.group, event.variable, event.fields) == (
        "plan/daily",
        str(tmp_path / "0.grib2"),
        "t",
        1,
    )
    assert dict(event.request)["step"] == "0"
    data = (tmp_path / "0.grib2").read_bytes()
    assert (event.size_bytes, event.checksum) == (len(data), checksum_of([crc32c(data)]))
    run(*sinks, messages=[make_message(7), flush()])
    assert len(list(open_log(tmp_path / "data").events())) == 2


def test_nobody_hears_of_a_step_that_a_sink_has_not_taken(run, tmp_path):
    (tmp_path / "blocked").write_text("in the way of a folder")
    with pytest.raises(SinkError, match="1:file"):
        run({"type": "notification"}, {"type": "file", "path": "blocked/all.grib2"}, {"type": "cube"})
    assert [event.cube for event in open_log(tmp_path / "data").events()] == ["rd/oper/test"]


def test_a_cube_takes_the_place_of_an_fdb(tmp_path):
    document = {"actions": [{"type": "sink", "sinks": [{"type": "fdb5", "config": {"spaces": []}}]}]}
    plan = Plan.from_yaml(document, output=str(tmp_path / "data"))
    assert plan.pipelines[0].actions[0].explain() == (
        "fdb5: a cube takes the place of the FDB, into the root of --output"
    )
    plan.run([make_message(1)])
    assert len(list(dtedask.open(tmp_path / "data").list())) == 1


def test_each_field_goes_into_a_file_of_its_own(tmp_path):
    action = make_action(
        {"type": "single-field-sink", "root_path": "one/"}, Context("daily", 0, tmp_path, "", "f" * 64)
    )
    state = action.start()
    for message in (make_message(1), make_message(2, levelist="850"), flush()):
        list(action.handle(message, state, Eager()))
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["500::130::0", "850::130::0"]


def test_a_debug_sink_keeps_every_message():
    action = make_action({"type": "debug-sink"}, Context())
    given = [make_message(1), flush()]
    assert [list(action.handle(message, None, Eager())) for message in given] == [[], []]
    assert kept("debug") == given


def test_a_name_that_asks_for_a_key_without_a_value_is_an_error_with_the_nearest(run):
    with pytest.raises(
        FieldError, match=r"no key 'stp', which the name '\{stp\}.grib2' asks for\. Did you mean 'step'"
    ):
        run({"type": "file", "path": "{stp}.grib2"})


def test_a_field_of_another_grid_is_refused_by_a_file_of_one(run):
    other = make_message(1, shape=(6, 18), step="6")
    with pytest.raises(FieldError, match="which holds fields of another grid"):
        run({"type": "netcdf", "path": "all.nc"}, messages=[make_message(1), other, flush()])


def test_an_unknown_sink_is_named_with_the_nearest(tmp_path):
    with pytest.raises(DocumentError, match="Did you mean 'netcdf'"):
        Plan.from_yaml({"actions": [{"type": "sink", "sinks": [{"type": "netdcf", "path": "a"}]}]})


def test_a_kill_between_the_acknowledgement_and_the_notice_loses_none_and_gives_no_second(run, tmp_path, monkeypatch):
    sinks = [{"type": "cube"}, {"type": "file", "path": "all.grib2"}, {"type": "notification"}]
    action = made(tmp_path, *sinks)
    state = action.start()
    run(action=action, state=state, messages=[make_message(1), flush()])
    saved = action.save(state)
    step = [make_message(2, step="6"), flush("6")]
    with monkeypatch.context() as patch:
        patch.setattr("dtedask.pipeline.sinks.notification.run_after_notices", lambda _: 1 / 0)  # stands for the kill
        with pytest.raises(SinkError, match="2:notification"):
            run(action=action, state=state, messages=step)
    for _ in range(2):
        going_on = action.load(saved)
        assert [out.kind for out in run(action=action, state=going_on, messages=step)] == [Kind.FLUSH]
    told = [dict(event.request)["step"] for event in open_log(tmp_path / "data").events() if "plan/" in event.cube]
    assert sorted(told) == ["0", "0", "6", "6"]  # of the cube and of the file
    assert len({event.snapshot for event in open_log(tmp_path / "data").events() if "plan/" in event.cube}) == 2
    assert len(dtedask.open(tmp_path / "data").history()) == 2


def test_raw_numbers_are_archived_as_what_they_are(run, tmp_path):
    message = make_message(3)
    run({"type": "cube"}, messages=[message.replaced(data=message.values.tobytes(), values=None), flush()])
    ((_, values),) = dtedask.open(tmp_path / "data").values({})
    assert (values == message.values).all()


class TestDebugSink(ActionSuite):
    hands_on_flushes = False

    @pytest.fixture
    def action(self):
        return make_action({"type": "debug-sink"}, Context())

    @pytest.fixture
    def messages(self):
        return [make_message(1), make_message(2, step="6")]
