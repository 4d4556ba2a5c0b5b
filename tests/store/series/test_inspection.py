"""What looks at a root tells of time series, and counts each field once."""

ALL = "class=rd,expver=test"


def test_time_series_are_no_fields(store, archive_run):
    archive_run(store)
    before = [record.keys for record in store.list()], store.stats().fields, store.info().fields
    (commit,) = store.rechunk(ALL).commits
    assert ([record.keys for record in store.list()], store.stats().fields, store.info().fields) == before
    assert store.diff(commit.parent, commit.snapshot).cubes == ()
    assert (commit.changes, commit.new) == ((), 0)


def test_status_and_dump_tell_of_them(store, archive_run):
    archive_run(store)
    assert store.status().cubes[0].series == 0
    store.rechunk(ALL)
    assert store.status().cubes[0].series == 1
    (array,) = (one for one in store.dump("rd/enfo/test").groups[0].arrays if one.role == "series")
    assert (array.name, array.references, array.chunks) == ("series/t", 1, (1, 1, 4, 64, 64))


def test_followers_hear_of_the_commit_in_its_place(store, archive_run):
    archive_run(store)
    store.rechunk(ALL)
    archive_run(store, date="20240102")
    found = list(store.follow(after={}, timeout_s=0))
    assert [(commit.sequence, commit.fields) for commit in found] == [(1, 4), (2, 0), (3, 4)]
    assert found[1].message == "time series of 4 fields"
