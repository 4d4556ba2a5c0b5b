"""Run reports: written however a run ends, and right about it."""

import json
import os
import re
import stat
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import dask.config
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import DocumentError, FieldError, NotFoundError
from dtedask.recipe import load_recipe, run_recipe
from dtedask.recipe.report.document import Report
from dtedask.recipe.report.files import list_reports, read_report, report_folder, write_report
from dtedask.recipe.report.html import report_body, report_page, seconds_text
from dtedask.store.writing import WriteTransaction

BEGIN = datetime(2026, 6, 3, 12, 0, 0, tzinfo=UTC)
DEMO = {"steps": [0, 6], "members": 1, "levels": [500], "degrees": 30}
FIELDS = 2 * 10


def recipe(root, **more):
    return load_recipe({"name": "small", "input": {"demo": DEMO}, "root": str(root), **more})


def report(*, name="small", begin=BEGIN, seconds=100.0, workers=(), **more):
    """A report of a run that wrote nothing."""
    spans = [{"name": "write", "begin_s": 10, "end_s": 90}]
    return Report.model_validate(
        {
            "recipe": {"name": name, "sha256": "0" * 64, "root": "r"},
            "status": "done",
            "begin": begin,
            "end": begin + timedelta(seconds=seconds),
            "seconds": seconds,
            "host": "here",
            "user": "me",
            "pid": 1,
            "versions": {"dtedask": "1"},
            "cluster": {"profile": "slurm", "kind": "slurm", "workers_wanted": 2, "workers": list(workers)},
            "work": {},
            "stages": [{"name": "write", "seconds": seconds, "count": 1}],
            "spans": spans,
            "memory": {"driver_peak_bytes": 1},
            **more,
        }
    )


def worker(**more):
    where = {"address": "tcp://n1:1", "host": "n1", "threads": 2, "joined": BEGIN + timedelta(seconds=5)}
    return {"name": "w-0", **where, **more}


def newest(folder):
    return list_reports(folder)[0].read()


@pytest.mark.slow
def test_a_run_leaves_a_report_beside_its_catalog(tmp_path):
    done = run_recipe(recipe(tmp_path / "r"))
    (file,) = list_reports(tmp_path / "r" / "runs")
    assert (str(file.path), file.page.is_file()) == (done.report, True)
    found = file.read()
    assert (found.status, found.error, found.recipe.name) == ("done", None, "small")
    assert (found.work.new, found.work.fields, found.work.units, found.work.commit_count) == (FIELDS, FIELDS, 2, 2)
    assert found.work.bytes == done.summary.bytes > 0
    assert [commit.snapshot for commit in found.work.commits] == [one.snapshot for one in done.summary.commits]
    assert {"survey", "write", "commit", "announce", "catalog", "other"} <= {stage.name for stage in found.stages}
    assert sum(stage.seconds for stage in found.stages) == pytest.approx(found.seconds, abs=0.05)
    assert found.cluster.kind == "threads"
    assert found.memory.driver_peak_bytes > 1_000_000
    assert {"dtedask", "ecCodes", "icechunk", "zarr", "dask"} <= set(found.versions)


@pytest.mark.slow
def test_a_run_that_fails_leaves_a_report_that_says_why(tmp_path, monkeypatch):
    def refuse(self, summary):
        raise FieldError("No room.", hint="Make some.")

    monkeypatch.setattr("dtedask.recipe.run._Run._unit_came", refuse)
    with pytest.raises(FieldError, match="No room"):
        run_recipe(recipe(tmp_path / "r"))
    found = newest(tmp_path / "r" / "runs")
    assert (found.status, found.error.code, found.error.message) == ("failed", "field", "No room.")
    assert found.error.hint == "Make some."
    assert (found.work.new, found.work.units, found.work.commit_count) == (FIELDS // 2, 1, 1)  # heard from the commit


@pytest.mark.slow
def test_bytes_of_a_run_that_fails_are_those_of_its_commits(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    arrivals = list(recipe(tmp_path).input.demo.arrivals())
    for arrival in arrivals:
        (tmp_path / "in" / arrival.name).write_bytes(arrival.data)
    publish = WriteTransaction.publish

    def second_fails(self, prepared):
        if "006" in str(self.sources):
            raise KeyboardInterrupt
        return publish(self, prepared)

    monkeypatch.setattr(WriteTransaction, "publish", second_fails)
    with pytest.raises(KeyboardInterrupt):
        run_recipe(recipe(tmp_path / "r", input={"files": str(tmp_path / "in"), "unit": "file"}))
    work = newest(tmp_path / "r" / "runs").work
    assert (work.new, work.bytes) == (FIELDS // 2, len(arrivals[0].data))


@pytest.mark.slow
def test_an_interrupted_run_leaves_a_report_too(tmp_path):
    def interrupt(_unit):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_recipe(recipe(tmp_path / "r"), on_unit=interrupt)
    found = newest(tmp_path / "r" / "runs")
    assert (found.status, found.error.code) == ("interrupted", "interrupted")


@pytest.mark.slow
def test_a_recipe_of_python_objects_has_a_report_too(tmp_path):
    trigger = {"type": "function", "function": [].append}
    done = run_recipe(recipe(tmp_path / "r", listeners=[{"triggers": [trigger]}]))
    assert read_report(done.report).recipe.file is None


@pytest.mark.slow
def test_a_report_that_cannot_be_written_does_not_fail_the_run(tmp_path, caplog):
    (tmp_path / "file").touch()
    done = run_recipe(recipe(tmp_path / "r"), report=tmp_path / "file" / "below")
    assert (done.report, done.summary.new) == (None, FIELDS)
    assert "run report could not be written" in caplog.text


@pytest.mark.slow
def test_skipped_and_failed_input_and_warnings_are_listed(tmp_path):
    (tmp_path / "in").mkdir()
    (first, second) = recipe(tmp_path).input.demo.arrivals()
    (tmp_path / "in" / "a.grib2").write_bytes(first.data + b"rubbish" + second.data)
    (tmp_path / "in" / "b.grib2").write_bytes(b"GRIB but no more")
    source = {"files": str(tmp_path / "in"), "unit": "file", "on_error": "skip"}
    run_recipe(recipe(tmp_path / "r", input=source))
    found = newest(tmp_path / "r" / "runs")
    assert found.skipped_count == len(found.skipped) >= 2
    assert {one.file.rpartition("/")[2] for one in found.skipped} == {"a.grib2", "b.grib2"}
    assert found.skipped[0].offset == len(first.data)


def test_the_folder_is_that_which_is_named_nearest(tmp_path):
    plain = recipe(tmp_path / "r")
    assert report_folder(plain) == tmp_path / "r" / "runs"
    assert report_folder(recipe(tmp_path / "r", catalog=str(tmp_path / "c" / "x.yaml"))) == tmp_path / "c" / "runs"
    with dask.config.set({"dtedask.recipe.report-folder": str(tmp_path / "setting")}):
        assert report_folder(plain) == tmp_path / "setting"
        named = recipe(tmp_path / "r", report=str(tmp_path / "named"))
        assert report_folder(named) == tmp_path / "named"
        assert report_folder(named, tmp_path / "given") == tmp_path / "given"


def test_without_a_catalog_on_disk_nothing_is_written_unless_a_folder_is_named(tmp_path):
    for where in ({"root": "s3://bucket/r"}, {"root": str(tmp_path / "r"), "catalog": False}):
        one = load_recipe({"name": "x", "input": {"demo": DEMO}, **where})
        assert report_folder(one) is None
        assert report_folder(one, tmp_path) == tmp_path


def test_the_newest_are_kept_of_each_recipe(tmp_path):
    with dask.config.set({"dtedask.recipe.reports": 3}):
        for second in range(5):
            write_report(report(begin=BEGIN + timedelta(seconds=second)), tmp_path)
            write_report(report(name="other", begin=BEGIN), tmp_path)
    assert [file.begin.second for file in list_reports(tmp_path, "small")] == [4, 3, 2]
    assert len(list_reports(tmp_path, "other")) == 3
    assert len(list(tmp_path.iterdir())) == 12


def test_two_runs_of_one_second_have_two_reports(tmp_path):
    first, second = (write_report(report(), tmp_path) for _ in range(2))
    assert [file.path.name for file in list_reports(tmp_path)] == [second.path.name, first.path.name]
    assert second.path.name == "small-20260603T120000Z-2.json"


@settings(max_examples=25)
@given(name=st.text(min_size=1, max_size=30))
def test_any_name_of_a_recipe_gives_a_file_that_is_found_again(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("runs")
    written = write_report(report(name=name), folder)
    assert written.path.parent == folder
    (found,) = list_reports(folder, name)
    assert found.read().recipe.name == name


def test_a_report_reads_back_as_it_was_and_others_do_not(tmp_path):
    written = report(workers=[worker(lost=True, reason="gone")], retries=2)
    file = write_report(written, tmp_path)
    assert read_report(file.path) == written
    file.path.write_text(json.dumps({**json.loads(file.path.read_text()), "status": "odd"}))
    with pytest.raises(DocumentError, match="no run report: status"):
        read_report(file.path)
    with pytest.raises(NotFoundError, match="no run report"):
        read_report(tmp_path / "none.json")


class Page(HTMLParser):
    """Checks that tags are balanced, and collects what is there."""

    EMPTY = frozenset({"meta", "br"})  # in SVG such tags end with />

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts, self.attributes = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


EVIL = "<script>alert('&\"x')</script>"


def evil_report():
    """A report whose every text is markup."""
    one = {"file": EVIL, "reason": EVIL}
    lost = worker(name=EVIL, host=EVIL, job=EVIL, lost=True, reason=EVIL, log=EVIL, left=BEGIN + timedelta(seconds=9))
    commit = {"cube": EVIL, "snapshot": EVIL, "sequence": 1, "time": BEGIN, "message": EVIL}
    return report(
        name=EVIL,
        workers=[lost],
        status="failed",
        error={"code": EVIL, "message": EVIL, "hint": EVIL},
        recipe={"name": EVIL, "sha256": EVIL, "root": EVIL, "overrides": {EVIL: EVIL}, "file": EVIL, "catalog": EVIL},
        cluster={
            "profile": EVIL,
            "kind": EVIL,
            "scheduler": EVIL,
            "dashboard": EVIL,
            "folder": EVIL,
            "workers": [lost],
        },
        work={"commits": [commit], "commit_count": 1, "series": [EVIL], "rolled": EVIL},
        stages=[{"name": EVIL, "seconds": 1, "count": 1}],
        spans=[{"name": EVIL, "detail": EVIL, "begin_s": 0, "end_s": 1}],
        tasks=[{"name": EVIL, "done": 1}],
        skipped=[one],
        skipped_count=1,
        failed=[one],
        hook_failures=[EVIL],
        warnings=[EVIL],
        warning_count=1,
        versions={EVIL: EVIL},
        host=EVIL,
        user=EVIL,
    )


def test_a_page_is_whole_and_escapes_everything():
    page = Page(report_page(evil_report()))
    assert "script" not in page.tags
    assert sum(EVIL in text for text in page.texts) > 25


def test_a_page_needs_neither_a_network_nor_scripts():
    text = report_page(report(workers=[worker()]))
    page = Page(text)
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert not {name for name, _ in page.attributes if name.startswith("on") or name in {"src", "href"}}
    assert not re.search(r"url\(|@import|https?://", text)
    assert ("lang", "en") in page.attributes
    assert page.tags.count("h1") == 1
    assert 'role="img"' in text
    assert "prefers-color-scheme: dark" in text
    assert text.count('class="scroll"') == text.count('class="scroll" tabindex="0" role="region"')


def test_a_lost_worker_stands_out_in_timeline_and_table():
    lost = worker(lost=True, left=BEGIN + timedelta(seconds=50), reason="job 7 is CANCELLED", job="7", log="/l/7.err")
    text = report_page(report(workers=[lost, worker(name="w-1")], lost_workers=1))
    assert text.count('class="gone"') == 1
    assert "Lost</strong>: job 7 is CANCELLED" in text
    assert "Log: <code>/l/7.err</code>" in text
    bar = re.search(r'class="fill-worker" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', text)
    left, width = (float(number) for number in bar.groups())
    assert (left - 150) / 790 == pytest.approx(0.05, abs=0.002)
    assert width / 790 == pytest.approx(0.45, abs=0.002)


@given(seconds=st.floats(0.001, 1e7))
def test_the_axis_of_any_run_has_a_few_ticks_inside_the_picture(seconds):
    text = report_page(report(seconds=seconds))
    places = [float(x) for x in re.findall(r'class="tick" x="([\d.]+)"', text)]
    said = re.findall(r'class="tick" [^>]*>([^<]+)<', text)
    assert 1 <= len(places) <= 9
    assert len(set(said)) == len(said)
    assert all(150 <= x <= 940.1 for x in places)


def test_a_report_shows_itself_in_a_notebook():
    assert report()._repr_html_() == report_body(report())
    assert "<html" not in report_body(report())


def test_a_crowd_of_spans_and_workers_stays_small():
    spans = [{"name": "write", "begin_s": n / 20, "end_s": n / 20 + 0.049} for n in range(2000)]
    text = report_page(report(workers=[worker(name=f"w-{n}") for n in range(300)], spans=spans))
    assert text.count("<rect") < 300
    assert "240 more workers are in the table below" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.123, "0.12 s"), (59.96, "60.0 s"), (125, "2 min 05 s"), (7260, "2 h 01 min")]
)
def test_times_read_well(seconds, text):
    assert seconds_text(seconds) == text


def test_the_modes_of_files_are_those_of_others(tmp_path):
    file = write_report(report(), tmp_path)
    plain = tmp_path / "plain"
    plain.touch()
    modes = {stat.S_IMODE(os.stat(path).st_mode) for path in (file.path, file.page, plain)}  # noqa: PTH116
    assert len(modes) == 1
