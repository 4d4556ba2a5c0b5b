"""Time series are made of complete runs, hold what the fields hold, and go with the fields that change."""

import numpy as np
import pytest
import zarr

import dtedask
from dtedask.core.errors import NoMatchError, PlanError
from dtedask.store.location import Location
from dtedask.store.repository import head, open_repository
from dtedask.store.series import read as reading

ALL = "class=rd,expver=test"
CUBE = "rd/enfo/test"


@pytest.fixture(params=["disk", "memory"])
def either(request, store, memory_store):
    return store if request.param == "disk" else memory_store


@pytest.fixture
def reads(monkeypatch):
    """Counts reads of time series."""
    found = []
    true = reading._read
    monkeypatch.setattr(reading, "_read", lambda *arguments: (found.append(arguments), true(*arguments)))
    return found


def test_plain_zarr_reads_from_the_time_series_what_it_reads_from_the_fields(either, archive_run, blocks, is_true):
    archive_run(either, date="20240101", levelist="500")
    archive_run(either, date="20240102", levelist="500", value=7)
    done = either.rechunk(ALL)
    assert (done.fields, done.runs, done.chunks, len(done.commits)) == (8, 2, 2, 1)
    assert len(blocks(either)) == 2
    assert is_true(either)


def test_a_point_is_read_from_time_series_and_a_map_is_not(either, archive_run, reads):
    archive_run(either)
    expected = either.retrieve({})["t"].to_numpy()
    either.rechunk(ALL)
    array = either.retrieve({})["t"]
    assert np.array_equal(array.isel(latitude=33, longitude=[33, 36]).to_numpy(), expected[..., 33, :][..., [33, 36]])
    assert len(reads) == 1
    assert np.array_equal(array.isel(step=2).to_numpy(), expected[:, :, 2])
    assert len(reads) == 1


def test_runs_that_are_not_in_time_series_are_read_from_their_fields_in_the_same_request(either, archive_run, reads):
    archive_run(either, date="20240101")
    either.rechunk(ALL)
    archive_run(either, date="20240102", value=9)
    expected = either.retrieve({}).load()["t"].isel(latitude=0, longitude=0)
    assert np.array_equal(either.retrieve({})["t"].isel(latitude=0, longitude=0).to_numpy(), expected.to_numpy())
    assert len(reads) == 1


def test_a_run_that_lacks_a_step_which_another_of_its_hour_has_is_left_until_it_is_complete(either, archive_run):
    archive_run(either, date="20240101")
    archive_run(either, date="20240102", steps=("0", "6", "12"))
    archive_run(either, date="20240102", time="1200", steps=("0", "6"))
    done = either.rechunk(ALL)
    assert (done.runs, done.fields, done.incomplete) == (2, 6, 3)
    archive_run(either, date="20240102", steps=("18",))
    again = either.rechunk(ALL)
    assert (again.runs, again.fields, again.there, again.incomplete) == (1, 4, 6, 0)


def test_steps_that_the_request_names_say_when_a_run_is_complete(either, archive_run):
    archive_run(either, steps=("0", "6"))
    assert either.rechunk(f"{ALL},step=0/to/18/by/6").incomplete == 2
    archive_run(either, steps=("12", "18", "24"))
    assert either.rechunk(f"{ALL},step=0/to/18/by/6").fields == 5


@pytest.mark.parametrize("change", ["replace", "add", "wipe"])
def test_whoever_changes_a_field_takes_its_time_series_away_and_no_others(
    either, archive_run, make_field, change, blocks, is_true
):
    archive_run(either, date="20240101", steps=("0", "6", "12"))
    archive_run(either, date="20240102")
    either.rechunk(f"{ALL},step=0/6/12")
    if change == "wipe":
        either.wipe(f"{ALL},date=20240101,step=6", doit=True)
    else:
        step = "6" if change == "replace" else "18"
        either.archive(*make_field(77, shape=(40, 37), number="1", date="20240101", step=step))
        either.flush()
    assert len(blocks(either)) == 1
    assert is_true(either)


def test_the_same_fields_again_leave_time_series_alone(either, archive_run):
    archive_run(either)
    either.rechunk(ALL)
    assert archive_run(either) == []
    assert either.rechunk(ALL, dry_run=True).there == 4


@pytest.mark.slow
def test_a_variable_that_goes_and_comes_again_has_no_old_time_series(either, archive_run, blocks, is_true):
    archive_run(either)
    either.rechunk(ALL)
    either.wipe(ALL, doit=True)
    archive_run(either, value=3, levelist="500")
    assert blocks(either) == []
    assert either.rechunk(ALL).fields == 4
    assert is_true(either)


def test_steps_that_come_later_get_blocks_of_their_own(either, archive_run, reads, is_true):
    archive_run(either, date="20240101", steps=("0", "6"))
    either.rechunk(ALL)
    archive_run(either, date="20240102")
    assert either.rechunk(ALL).chunks == 2
    assert is_true(either)
    expected = either.retrieve("date=20240102").load()["t"][..., 5, 5]
    assert np.array_equal(either.retrieve("date=20240102")["t"][..., 5, 5].to_numpy(), expected.to_numpy())
    assert len(reads) == 1


@pytest.mark.slow
def test_a_rebuild_of_all_runs_lays_blocks_out_for_the_longer_axis_and_one_of_some_does_not(
    either, archive_run, blocks, is_true
):
    for date in ("20240101", "20240102"):
        archive_run(either, date=date, steps=("0", "6"))
    either.rechunk(ALL)
    for date in ("20240101", "20240102"):
        archive_run(either, date=date, steps=("12", "18"))
    either.rechunk(f"{ALL},date=20240101", rebuild=True)
    assert len(blocks(either)) == 3
    assert is_true(either)
    assert either.rechunk(ALL, rebuild=True).chunks == 2
    assert len(blocks(either)) == 2
    assert is_true(either)


def test_a_dry_run_says_what_would_be_made_and_makes_nothing(either, archive_run):
    archive_run(either)
    planned = either.rechunk(ALL, dry_run=True)
    assert not planned.is_done
    assert (planned.fields, planned.runs, planned.chunks) == (4, 1, 1)
    assert planned.size_bytes == 4 * 40 * 37 * 4
    assert "would make time series of 4 fields of 1 runs" in repr(planned)
    assert "memory_bytes" in planned._repr_html_()
    assert len(either.history()) == 1


def test_a_plan_that_does_not_fit_into_memory_is_refused_with_both_numbers(either, archive_run):
    archive_run(either)
    with pytest.raises(PlanError, match=r"needs about \d+ MB.*the limit is 100 MB.*memory='\d+MB'"):
        either.rechunk(ALL, memory="100MB")
    either.rechunk(ALL)
    assert either.rechunk(ALL, memory="100MB").there == 4  # nothing is to be made


def test_nothing_to_rechunk_is_an_error_that_says_what_exists(either, archive_run):
    archive_run(either)
    with pytest.raises(NoMatchError, match=r"date=20200101.*20240101"):
        either.rechunk("date=20200101")


def test_an_older_state_has_the_time_series_of_its_fields(store, archive_run, blocks, is_true):
    archive_run(store)
    store.rechunk(ALL)
    good = store.history()[-1].snapshot
    archive_run(store, value=5)
    store.rollback(to=good, doit=True)
    assert len(blocks(store)) == 1
    assert is_true(store)


@pytest.mark.slow
def test_undoing_a_commit_takes_the_time_series_of_its_fields_away(store, archive_run, blocks, is_true):
    archive_run(store)
    (commit,) = archive_run(store, value=5)
    store.rechunk(ALL)
    store.rollback(commit=commit, doit=True)
    assert blocks(store) == []
    assert store.rechunk(ALL).fields == 4
    assert is_true(dtedask.open(store.root))


def test_fields_under_two_keys_are_made_once_and_read_from_time_series_under_both(store, archive_run, reads):
    archive_run(store)
    source = {"class": "rd", "stream": "enfo", "expver": "test"}
    store.overlay(source, "class=rd,expver=copy", doit=True)
    assert store.rechunk({}).fields == 4
    array = store.retrieve("expver=copy")["t"]
    assert np.array_equal(array[..., 0, 0].to_numpy(), store.retrieve("expver=test").load()["t"][..., 0, 0].to_numpy())
    assert len(reads) == 1


def test_what_others_put_beside_the_time_series_stays(store, archive_run):
    archive_run(store)
    group = store.groups(CUBE)[0]
    session = open_repository(Location.parse(store.root), CUBE).writable_session("main")
    zarr.create_array(session.store, name=f"{group}/series/t2", shape=(2,), dtype="int8")
    zarr.create_group(session.store, path=f"{group}/series/notes", attributes={"by": "others"})
    session.commit("notes")
    assert store.rechunk(ALL).fields == 4
    store.wipe(ALL, doit=True)
    left = zarr.open_group(head(Location.parse(store.root), CUBE).session.store, path=f"{group}/series", mode="r")
    assert sorted(left) == ["notes", "t2"]
