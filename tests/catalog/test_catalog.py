"""The catalog file follows the cubes, keeps what is not ours, and says what is wrong with it."""

import itertools
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import dask.config
import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import given

import dtedask
from dtedask.catalog import entries, find_entry, rebuild, search, update_catalog
from dtedask.catalog.entry import mars_text
from dtedask.catalog.plugin import after_commit
from dtedask.core.errors import DocumentError, NotFoundError, StoreError
from dtedask.request import Request


@pytest.fixture
def file(tmp_path):
    return tmp_path / "root" / "catalog.yaml"


def entry(file):
    (found,) = entries(file)
    return found


@pytest.mark.slow
def test_a_commit_enters_its_groups(forecast, file):
    assert entry(file).name == f"od/enfo/0001/{forecast.groups('od/enfo/0001')[0]}"
    assert entry(file).cube_url == f"{forecast.root}/od/enfo/0001"


@pytest.mark.slow
def test_an_entry_says_what_the_group_holds(forecast, file):
    found = entry(file)
    assert found.metadata["axes"] == {
        "date": "20240601/20240602", "time": "0000", "number": "1/2/3", "step": "0/6/12", "levelist": "500/1000"
    }  # fmt: skip
    assert (found.metadata["first"], found.metadata["last"]) == ("2024-06-01T00:00", "2024-06-02T00:00")
    assert found.metadata["sizes"]["member"] == 3
    assert found.metadata["variables"]["t"]["param"] == "130"
    assert "Ensemble forecasts on pressure levels" in found.description
    assert found.time == "reference"


@pytest.mark.slow
def test_axes_of_an_entry_are_those_of_the_store(forecast, file):
    expected = forecast.axes()
    for key, text in entry(file).metadata["axes"].items():
        assert list(Request.parse({key: text})[key]) == expected[key]


def test_an_analysis_is_entered_with_one_time_axis(analysis, file):
    assert entry(file).time == "valid"


@pytest.mark.slow
def test_a_commit_that_grows_an_axis_changes_the_entry(forecast, file, make_field, archive):
    archive(forecast, make_field(1, number="7", levelist="500"))
    assert entry(file).metadata["axes"]["number"] == "1/2/3/7"


@pytest.mark.slow
def test_a_commit_of_fields_at_known_places_leaves_the_file_alone(forecast, file, make_field, archive, monkeypatch):
    before = file.stat().st_mtime_ns
    monkeypatch.setattr("dtedask.catalog.update._write", lambda *_: pytest.fail("the file was written"))
    archive(forecast, make_field(77, number="1", levelist="500"))
    assert forecast.hook_failures == []
    assert file.stat().st_mtime_ns == before


@pytest.mark.slow
def test_an_entry_follows_wipes_and_goes_and_comes_with_its_group(forecast, file):
    name, before = entry(file).name, forecast.history()[-1].snapshot
    forecast.wipe("class=od,expver=1,step=12", doit=True)
    assert (entry(file).metadata["axes"]["step"], entry(file).metadata["sizes"]["step"]) == ("0/6", 2)
    forecast.wipe("class=od,expver=1", doit=True)
    assert entries(file) == []
    forecast.rollback(before, doit=True)
    assert (entry(file).name, entry(file).metadata["axes"]["step"]) == (name, "0/6/12")
    assert forecast.hook_failures == []


@pytest.mark.slow
def test_a_catalog_that_was_deleted_comes_back_with_the_next_commit(forecast, file, make_field, archive):
    file.unlink()
    archive(forecast, make_field(77, number="1", levelist="500"))
    assert entry(file).metadata["sizes"]["member"] == 3


@pytest.mark.slow
def test_a_hook_that_comes_late_does_not_bring_back_the_past(forecast, file, make_field, archive):
    (late,) = forecast.history()
    archive(forecast, make_field(1, number="7", levelist="500"))
    after_commit(late)
    assert entry(file).metadata["axes"]["number"] == "1/2/3/7"


def test_a_setting_names_another_file(tmp_path, make_field, archive):
    other = tmp_path / "catalogs" / "mine.yaml"
    with dask.config.set({"dtedask.catalog.path": str(other)}):
        store = dtedask.open(tmp_path / "root")
        archive(store, make_field(1, number="1", levelist="500"))
    assert entry(other).cube_url == f"{store.root}/od/enfo/0001"
    assert "{{ CATALOG_DIR }}/../root/od/enfo/0001" in other.read_text()
    assert not (tmp_path / "root" / "catalog.yaml").exists()


def test_a_root_in_memory_is_entered_by_its_url(tmp_path, make_field, archive, caplog):
    store = dtedask.open("memory://catalog")
    with caplog.at_level(logging.INFO, "dtedask.catalog"):
        archive(store, make_field(1, number="1", levelist="500"))
    assert "has no catalog file" in caplog.text
    assert update_catalog(store) is None
    with pytest.raises(StoreError, match=r"is not on local disk.*Give a path"):
        rebuild(store)
    assert entry(rebuild(store, tmp_path / "c.yaml")).cube_url == "memory://catalog/od/enfo/0001"


def test_a_catalog_that_cannot_be_written_is_passed_over_with_a_log_line(tmp_path, make_field, archive, caplog):
    (tmp_path / "file").write_text("")
    with dask.config.set({"dtedask.catalog.path": str(tmp_path / "file" / "c.yaml")}):
        store = dtedask.open(tmp_path / "root")
        (commit,) = archive(store, make_field(1, number="1", levelist="500"))
    assert store.hook_failures == []
    assert f"{commit.snapshot} of {commit.url} is not in the catalog" in caplog.text


@pytest.mark.slow
def test_entries_of_others_keep_their_meaning(forecast, file):
    others = "  mine:\n    driver: csv\n    args: {urlpath: a.csv, hour: 0600, yes: no, when: 2024-01-01}\n"
    file.write_text(f"metadata: {{owner: me}}\nsources:\n{others}")
    before = yaml.safe_load(file.read_text())
    rebuild(forecast)
    after = yaml.safe_load(file.read_text())
    assert after["sources"].pop("mine") == before["sources"]["mine"]
    assert after["metadata"] == {"owner": "me"}
    assert list(after["sources"]) == [entry(file).name]


@pytest.mark.slow
def test_rebuild_forgets_cubes_that_are_gone(forecast, file):
    document = yaml.safe_load(file.read_text())
    (source,) = document["sources"].values()
    document["sources"]["od/gone/0001/an/pl"] = {**source, "args": {"urlpath": "{{ CATALOG_DIR }}/od/gone/0001"}}
    file.write_text(yaml.safe_dump(document))
    assert len(entries(file)) == 2
    rebuild(forecast)
    assert entry(file).name.startswith("od/enfo")


@pytest.mark.slow
def test_a_name_of_ones_own_for_a_cube_stays(forecast, file, make_field, archive):
    document = yaml.safe_load(file.read_text())
    (source,) = document["sources"].values()
    document["sources"]["mine"] = source
    file.write_text(yaml.safe_dump(document))
    archive(forecast, make_field(1, number="7", levelist="500"))
    rebuild(forecast)
    members = {found.name[:4]: found.metadata["sizes"]["member"] for found in entries(file)}
    assert members == {"mine": 3, "od/e": 4}


@pytest.mark.slow
def test_a_second_root_does_not_take_the_entry_of_the_first(tmp_path, forecast, file, make_field, archive):
    other = dtedask.open(tmp_path / "other")
    archive(other, *(make_field(n, number=str(n), levelist="500") for n in (1, 2)))
    with pytest.raises(DocumentError, match=r"has an entry .* for the cube .* already\. Give each root a catalog"):
        update_catalog(other, file)
    assert entry(file).metadata["sizes"]["member"] == 3


@pytest.mark.slow
def test_a_root_that_moved_takes_its_entries_along(tmp_path, forecast, file):
    elsewhere = tmp_path / "elsewhere.yaml"
    rebuild(forecast, elsewhere)
    moved = Path(forecast.root).rename(tmp_path / "moved")
    store = dtedask.open(moved)
    assert entry(moved / "catalog.yaml").cube_url == f"{moved}/od/enfo/0001"
    rebuild(store, elsewhere)
    assert entry(elsewhere).cube_url == f"{moved}/od/enfo/0001"


@pytest.mark.slow
def test_many_writers_lose_no_entry(tmp_path, make_field, archive):
    root = tmp_path / "root"

    def write(number):
        store = dtedask.open(root)
        archive(store, make_field(number, number="1", levelist="500", expver=f"x{number:03d}"))
        return store.hook_failures

    with ThreadPoolExecutor(8) as pool:
        assert list(itertools.chain(*pool.map(write, range(16)))) == []
    assert len(entries(root / "catalog.yaml")) == 16
    assert [path.name for path in root.iterdir() if path.name.startswith(".catalog")] == []


class TestSearch:
    @pytest.fixture(autouse=True)
    def _entries(self, forecast, make_field, archive, analysis_keys):
        archive(forecast, make_field(1, analysis_keys))

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("what", "cubes"),
        [
            ("class=ea", ["ea"]),
            ("param=t", ["ea", "od"]),
            ("param=u", ["od"]),
            ("levelist=500,number=2", ["od"]),
            ("levelist=850", []),
            ("type=pf/an,step=6", ["od"]),
            ("date=20240602", ["od"]),
            ({"class": "od"}, ["od"]),
            ("ensemble PRESSURE", ["od"]),
            ("temperature", ["ea", "od"]),
            ("no such words", []),
        ],
    )
    def test_requests_and_words_find_entries(self, file, what, cubes):
        assert [found.name[:2] for found in search(file, what)] == cubes

    @pytest.mark.slow
    def test_an_entry_is_found_by_the_beginning_of_its_name(self, file):
        assert find_entry(file, "ea/oper").name.startswith("ea/oper/0001/an/sfc/")

    @pytest.mark.slow
    def test_several_entries_are_named(self, file, forecast, make_field, archive):
        archive(forecast, make_field(1, levtype="sfc", number="1"))
        with pytest.raises(NotFoundError, match=r"2 entries .* begin with 'od/enfo/0001/pf': od.*, od"):
            find_entry(file, "od/enfo/0001/pf")


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("sources:\n  a:\n    drivr: csv\n", r"catalog\.yaml:3: unknown key 'drivr' in sources\.a.*'driver'"),
            (
                "sources:\n  a:\n    driver: dtedask\n    args:\n      urlpth: b\n",
                r"catalog\.yaml:5: .*urlpth.*'urlpath'",
            ),
            ("version: 2\nentries: {}\n", r"catalog of Intake's version 2"),
            ("sources:\n  a: {driver: csv}\n  a: {driver: csv}\n", r"catalog\.yaml:3: key 'sources\.a' is there twice"),
            ("a: [\n", r"catalog\.yaml:.*no valid YAML"),
        ],
    )
    def test_a_mistake_is_named_with_file_line_and_key(self, tmp_path, text, message):
        file = tmp_path / "catalog.yaml"
        file.write_text(text)
        with pytest.raises(DocumentError, match=message):
            entries(file)

    @pytest.mark.slow
    def test_an_update_leaves_a_wrong_file_alone(self, forecast, file):
        file.write_text("sources: 7\n")
        with pytest.raises(DocumentError, match=r"catalog\.yaml:1: sources"):
            rebuild(forecast)
        assert file.read_text() == "sources: 7\n"


@given(st.sets(st.integers(0, 400), min_size=1, max_size=60))
def test_values_of_a_key_read_back_from_their_text(numbers):
    values = [str(number) for number in sorted(numbers)]
    assert list(Request.parse({"step": mars_text(values)})["step"]) == values


@pytest.mark.slow
@given(st.dates(date(1950, 1, 1), date(2050, 1, 1)), st.integers(1, 40), st.integers(1, 5))
def test_dates_read_back_from_their_text(first, count, by):
    values = [f"{first + timedelta(days=by * index):%Y%m%d}" for index in range(count)]
    assert list(Request.parse({"date": mars_text(values)})["date"]) == values


def test_many_irregular_values_are_shortened_and_still_found():
    values = [str(number * number) for number in range(100)]
    assert mars_text(values) == "0/.../9801"


def test_half_written_catalogs_of_dead_processes_go_with_a_purge_and_nothing_else(tmp_path):
    from dtedask.catalog import plugin

    old, fresh = tmp_path / ".catalog.yaml.12.34.part", tmp_path / ".catalog.yaml.12.35.part"
    foreign = tmp_path / ".catalog.yaml.mine.part"
    for path in (old, fresh, foreign):
        path.write_text("half")
    for path in (old, foreign):
        os.utime(path, (0, 0))
    plugin.after_purge(str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([fresh.name, foreign.name])


def test_the_lock_of_a_process_that_died_making_it_holds_up_nobody(tmp_path, make_field, archive, monkeypatch):
    monkeypatch.setattr("dtedask.store.lock.OWNERLESS_S", 0.2)
    store = dtedask.open(tmp_path / "root")
    lock = tmp_path / "root" / ".catalog.yaml.lock"
    lock.parent.mkdir()
    lock.touch()  # it names nobody: its maker was killed before it wrote who it is
    archive(store, make_field(1))
    assert (tmp_path / "root" / "catalog.yaml").exists()
    assert not lock.exists()
