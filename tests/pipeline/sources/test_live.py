"""Fields as they arrive: commits of a root, files of a folder, what a program hands over; and going on."""

import threading

import dask.config
import numpy as np
import pytest

import dtedask
from dtedask.core.errors import FieldError, NotFoundError
from dtedask.grib import scan
from dtedask.pipeline import Message
from dtedask.pipeline.sources import follow_root, messages_of, open_source, watch_folder
from dtedask.testing import make_field


@pytest.fixture(autouse=True)
def _quick():
    with dask.config.set({"dtedask.ingest.poll-interval": "20 ms", "dtedask.ingest.settle-time": "20 ms"}):
        yield


def said(messages):
    return [
        (
            m.kind,
            *(m.keys.get(key) for key in ("step", "number", "param")),
            None if m.values is None else m.values.tobytes(),
        )
        for m in messages
    ]


def commit(store, *steps, params=("t",)):
    for step in steps:
        for param in params:
            store.archive(*make_field(float(step), step=str(step), param=param))
    return store.flush()


def steps_of(messages):
    return [m.keys["step"] if m.is_field else f"flush {m.keys['step']}" for m in messages]


class TestCommits:
    """A root that is followed."""

    def test_each_commit_gives_its_own_fields_and_a_flush_for_each_step(self, tmp_path):
        store = dtedask.open(tmp_path / "data")
        commit(store, 6, 0)
        commit(store, 12)
        found = list(follow_root(str(tmp_path / "data"), after={}, timeout_s=0).messages())
        assert steps_of(found) == ["0", "flush 0", "6", "flush 6", "12", "flush 12"]

    def test_fields_are_those_of_the_commit_whatever_replaced_them_later(self, tmp_path):
        store = dtedask.open(tmp_path / "data")
        commit(store, 0)
        array, keys = make_field(99.0, step="0")
        store.archive(array, keys)
        store.flush()
        first, _, second, _ = follow_root(str(tmp_path / "data"), after={}, timeout_s=0).messages()
        assert first.values.flat[0] == 0
        np.testing.assert_array_equal(second.values, array.to_numpy().astype("f8"))

    def test_only_what_is_committed_from_now_on_and_agrees_with_the_request(self, tmp_path):
        store = dtedask.open(tmp_path / "data")
        commit(store, 0, params=("t", "u"))
        source = follow_root(str(tmp_path / "data"), "param=u", timeout_s=0)
        commit(store, 6, params=("t", "u"))
        assert [(m.keys["param"], m.keys["step"]) for m in source.messages() if m.is_field] == [("131", "6")]

    @pytest.mark.parametrize("count", [0, 2, 6])
    def test_a_position_goes_on_with_the_next_message(self, tmp_path, count):
        store = dtedask.open(tmp_path / "data")
        commit(store, 0, 6, params=("t", "u"))
        commit(store, 12)
        whole = said(follow_root(str(tmp_path / "data"), after={}, timeout_s=0).messages())
        source = follow_root(str(tmp_path / "data"), after={}, timeout_s=0)
        stream = source.messages()
        before = [next(stream) for _ in range(count)]
        again = follow_root(str(tmp_path / "data"), timeout_s=0)
        assert again.identity == source.identity
        assert said(before + list(again.messages(source.position))) == whole


class TestFolder:
    """A folder that is watched."""

    @pytest.fixture
    def folder(self, tmp_path):
        """Three files of one step each; the second one holds a field twice as many."""
        made = dtedask.open(tmp_path / "made")
        commit(made, 0, 6, 12, params=("t", "u"))
        folder = tmp_path / "in"
        folder.mkdir()
        for step in ("0", "6", "12"):
            (folder / f"step-{int(step):03d}.grib2").write_bytes(b"".join(made.to_grib({"step": step})))
        return folder

    def taken(self, folder, count, position=None, **options):
        stop = threading.Event()
        source = watch_folder(folder, stop=stop, poll=True, **options)
        found = []
        for message in source.messages(position):
            found.append(message)
            if len(found) == count:
                stop.set()
        return source, found

    @pytest.mark.parametrize("unit", ["file", "step"])
    def test_what_stands_there_comes_as_from_files_at_rest(self, folder, unit):
        _, found = self.taken(folder, 9 if unit == "file" else 6, unit=unit)
        assert said(found) == said(open_source(folder).messages())

    @pytest.mark.parametrize("count", [1, 3, 5])
    def test_a_position_goes_on_with_the_next_message(self, folder, count):
        whole = said(self.taken(folder, 9)[1])
        stop = threading.Event()
        source = watch_folder(folder, stop=stop, poll=True)
        stream = source.messages()
        before = [next(stream) for _ in range(count)]
        position = source.position
        stream.close()
        again, after = self.taken(folder, 9 - count, position)
        assert again.identity == source.identity
        assert said(before + after) == whole

    def test_a_file_that_is_cut_waits_and_a_bad_one_is_reported(self, folder):
        whole = (folder / "step-012.grib2").read_bytes()
        (folder / "step-012.grib2").write_bytes(whole[:-10])
        (folder / "bad.grib").write_bytes(b"no grib at all")
        stop = threading.Event()
        source = watch_folder(folder, stop=stop, poll=True)
        found = []
        for message in source.messages():
            found.append(message)
            if len(found) == 6:
                (folder / "step-012.grib2").write_bytes(whole)
            if len(found) == 9:
                stop.set()
        assert steps_of(found)[-1] == "flush 12"
        assert [path.rsplit("/", 1)[-1] for path in source.failed] == ["bad.grib"]

    def test_a_folder_must_be_there(self, tmp_path):
        with pytest.raises(NotFoundError, match="There is no folder"):
            watch_folder(tmp_path / "none")


class TestHandedOver:
    """What a program gives."""

    def test_arrays_bytes_and_messages_of_a_scan_are_fields(self, tmp_path):
        store = dtedask.open(tmp_path / "data")
        commit(store, 0, 6)
        data = b"".join(store.to_grib({}))
        (tmp_path / "a.grib2").write_bytes(data)
        from_bytes = said(messages_of([data]))
        assert (
            from_bytes
            == said(messages_of(scan(tmp_path / "a.grib2")))
            == said(open_source(tmp_path / "a.grib2").messages())
        )
        dataset = said(messages_of([store.retrieve({})]))
        assert dataset == said(open_source(tmp_path / "data").messages())

    def test_messages_pass_as_they_are(self):
        message = Message.flush("step")
        assert list(messages_of([message])) == [message]

    def test_something_else_is_named(self):
        with pytest.raises(FieldError, match="A int is no field"):
            list(messages_of([3]))


@pytest.mark.slow
@pytest.mark.parametrize("stops_after", [1, 4])
def test_a_run_that_is_stopped_goes_on_with_open_windows(tmp_path, stops_after):
    from dtedask.pipeline import Plan
    from dtedask.pipeline.runs.running import run_plan

    document = {
        "name": "days",
        "actions": [
            {"type": "statistics", "operations": ["average", "stddev"], "output-frequency": "1d"},
            {"type": "sink", "sinks": [{"type": "cube"}]},
        ],
    }
    store = dtedask.open(tmp_path / "in")
    commit(store, 0, 6, 12)

    def run(output, stop=None, count=0):
        source = follow_root(str(tmp_path / "in"), after={}, stop=stop, timeout_s=0)
        seen = []

        def came(message):
            seen.append(message)
            if len(seen) == count:
                stop.set()

        return run_plan(Plan.from_yaml(document, output=str(tmp_path / output)), source, on_message=came)

    assert run("parts", threading.Event(), stops_after).written == 0
    commit(store, 18, 24)
    assert run("parts").written == 2
    run("whole")
    whole, parts = (
        [(dict(r.keys), v.tobytes()) for r, v in dtedask.open(tmp_path / name).values({})]
        for name in ("whole", "parts")
    )
    assert whole == parts
    assert len(whole) == 2
