import os
from itertools import chain

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.cluster import Profile, client_for
from dtedask.core.errors import DamagedError, GribError, NoMatchError, NotFoundError, WorkersMissingError
from dtedask.ingest import ingest
from dtedask.store import Schema
from dtedask.store.write import WriteItem

UNITS = ("all", "file", "step")


def write(folder, **files):
    for name, data in files.items():
        (folder / f"{name}.grib").write_bytes(data)
    return folder


@pytest.fixture
def encoded(monkeypatch):
    """Names of the fields that are decoded."""
    seen, real = [], WriteItem.encoded
    monkeypatch.setattr(WriteItem, "encoded", lambda item: (seen.append(item.origin), real(item))[1])
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("first", UNITS)
@pytest.mark.parametrize("second", UNITS)
def test_the_same_again_decodes_nothing_whatever_is_committed_at_once(
    folder, store, grib_bytes, encoded, first, second
):
    write(folder, a=grib_bytes(), b=grib_bytes(params=(157,)), c=grib_bytes(stream="enda"))
    ingest(folder, store, unit=first)
    encoded.clear()
    summary = ingest(folder, store, unit=second)
    assert (encoded, summary.unchanged, summary.known, summary.commits) == ([], 20, 20, ())
    assert "20 unchanged (20 known)" in str(summary)
    assert summary.to_dict()["known"] == 20


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
def test_only_what_is_missing_is_decoded(folder, store, grib_bytes, encoded, unit):
    write(folder, a=grib_bytes())
    ingest(folder, store, unit=unit)
    write(folder, b=grib_bytes(params=(157,), steps=(0,)))
    store.wipe("class=od,stream=oper,expver=0001,date=20240603,time=0000,param=130,levelist=850,step=6", doit=True)
    encoded.clear()
    summary = ingest(folder, store, unit=unit)
    assert (len(encoded), summary.new, summary.known) == (3, 3, 7)
    encoded.clear()
    assert ingest(folder, store, unit=unit).known == 10
    assert encoded == []


def test_everything_is_compared_on_request(folder, store, grib_bytes, encoded):
    ingest(write(folder, a=grib_bytes()), store)
    encoded.clear()
    summary = ingest(folder, store, again=True)
    assert (len(encoded), summary.unchanged, summary.known) == (8, 8, 0)


def test_a_file_that_changed_is_read(folder, store, grib_bytes):
    ingest(write(folder, a=grib_bytes()), store)
    path = folder / "a.grib"
    path.write_bytes(grib_bytes(value=3.0))
    os.utime(path, ns=(1, 1))
    assert ingest(folder, store).replaced == 8


@pytest.mark.slow
def test_fields_that_another_file_replaced_come_back(folder, store, grib_bytes):
    a, b = folder / "a.grib", folder / "b.grib"
    write(folder, a=grib_bytes(), b=grib_bytes(value=3.0, steps=(6,)))
    ingest(a, store)
    ingest(b, store)
    summary = ingest(a, store)
    assert (summary.replaced, summary.known) == (4, 4)


@pytest.mark.slow
def test_a_field_of_two_files_is_that_of_the_last_one_however_it_is_run_again(folder, store, grib_bytes):
    a, b = folder / "a.grib", folder / "b.grib"
    write(folder, a=grib_bytes(), b=grib_bytes(value=3.0, steps=(6,)))
    ingest([a, b], store)
    assert ingest([a, b], store).known == 8
    summary = ingest(a, store)  # what b had replaced
    assert (summary.replaced, summary.known) == (4, 4)
    assert ingest([a, b], store).replaced == 4


def test_a_file_with_bad_messages_tells_of_them_each_time(folder, store, grib_bytes, undecodable):
    write(folder, a=grib_bytes(steps=(0,)) + undecodable(grib_bytes(steps=(6,))), b=grib_bytes(steps=(12,)))
    for known in (0, 4):
        summary = ingest(folder, store, on_error="skip")
        assert (len(summary.skipped), summary.known) == (1, known)
    with pytest.raises(GribError, match="a.grib"):
        ingest(folder, store)


def test_a_file_that_was_referred_to_is_copied_all_the_same(folder, tmp_path, grib_bytes):
    root = tmp_path / "root"
    store = dtedask.open(root, schema=Schema(values={"layout": "messages"}))
    write(folder, a=grib_bytes())
    assert ingest(folder, store, refers=True).new == 8
    assert ingest(folder, store, refers=True).unchanged == 8
    assert ingest(folder, store).known == 0


def test_a_history_that_cannot_be_read_only_costs_time(folder, store, grib_bytes, monkeypatch):
    ingest(write(folder, a=grib_bytes()), store)

    def damaged(*_arguments, **_options):
        raise DamagedError("a snapshot is gone")

    monkeypatch.setattr("dtedask.store.past.field_history.commits_of", damaged)
    summary = ingest(folder, store)
    assert (summary.unchanged, summary.known) == (8, 0)


def test_hidden_fields_stay_hidden_and_do_not_keep_new_ones_out(folder, store, grib_bytes):
    ingest(write(folder, a=grib_bytes()), store)
    store.hide("param=130", doit=True)
    write(folder, b=grib_bytes(params=(157,)))
    summary = ingest(folder, store)
    assert (summary.new, summary.known) == (4, 8)
    assert {record.keys["param"] for record in store.list()} == {"131", "157"}


@pytest.mark.slow
def test_of_several_roots_the_one_counts_that_has_the_field(folder, tmp_path, grib_bytes, encoded):
    document = tmp_path / "roots.yaml"
    document.write_text("spaces:\n  - roots: [{path: one, writable: false}, {path: two}]\n")
    write(folder, a=grib_bytes(steps=(0,)), b=grib_bytes(steps=(6,), date=20240604))
    ingest(folder / "a.grib", dtedask.open(tmp_path / "one"))
    ingest(folder / "a.grib", dtedask.open(tmp_path / "two"))
    several = dtedask.open(document)
    assert ingest(folder / "b.grib", several).new == 4
    encoded.clear()
    assert ingest(folder, several).known == 8
    assert encoded == []


NAMES = ("a", "b")
ingests = st.tuples(st.just("ingest"), st.sampled_from(UNITS), st.sampled_from(["*", "a", "b"]))
changes = st.one_of(
    st.tuples(st.just("archive"), st.integers(0, 2), st.integers(1, 3)),
    st.tuples(st.just("file"), st.sampled_from(NAMES), st.integers(0, 2), st.integers(1, 3)),
    st.tuples(st.just("archive"), st.integers(0, 2), st.integers(1, 3)),
    st.tuples(st.just("wipe"), st.sampled_from(["param=130", "step=0", "step=6", "levelist=850,step=6", ""])),
    st.tuples(st.just("rollback"), st.integers(0, 5)),
    st.tuples(st.just("undo"), st.integers(0, 5)),
    st.tuples(st.just("purge"), st.integers(1, 3)),
)
STEPS = {1: (0,), 2: (6,), 3: (0, 6)}
RUN = "class=od,stream=oper,expver=0001,date=20240603,time=0000"


def history(store):
    try:
        return store.history()
    except (NoMatchError, NotFoundError):
        return []


def apply(store, operation, folder, clock, grib_bytes, *, again):
    kind, *arguments = operation
    past = history(store)
    try:
        if kind == "ingest":
            unit, names = arguments
            ingest([str(path) for path in sorted(folder.glob(f"{names}.grib"))], store, unit=unit, again=again)
        elif kind == "archive":
            value, steps = arguments
            store.archive(grib_bytes(steps=STEPS[steps], value=float(value)))
            store.flush()
        elif kind == "wipe":
            store.wipe(",".join(filter(None, (RUN, arguments[0]))), doit=True)
        elif kind == "purge":
            store.purge(keep_commits=arguments[0])
        elif past:
            commit = past[arguments[0] % len(past)].snapshot
            store.rollback(commit, doit=True) if kind == "rollback" else store.rollback(commits=[commit], doit=True)
    except (NoMatchError, NotFoundError):
        pass  # nothing to wipe, or to go back to: for both


def values(store):
    try:
        records = [dict(record.keys) for record in store.list()]
    except (NoMatchError, NotFoundError):
        return {}
    found = {}
    for keys in records:
        (variable,) = store.retrieve(keys).data_vars.values()
        found[tuple(sorted(keys.items()))] = float(np.asarray(variable).flat[0])
    return found


@pytest.mark.slow
@settings(max_examples=25, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # shrinking takes minutes
@given(st.lists(st.tuples(ingests, changes, changes), min_size=1, max_size=5))
def test_any_past_gives_the_cube_and_the_commits_that_comparing_everything_gives(
    tmp_path_factory, grib_bytes, operations
):
    place = tmp_path_factory.mktemp("known")
    folder = place / "input"
    folder.mkdir()
    clock = iter(range(1, 1000))
    stores = {again: dtedask.open(place / f"root-{again}") for again in (False, True)}
    for operation in [
        ("file", "a", 0, 3),
        ("file", "b", 1, 2),
        *chain.from_iterable(operations),
        ("ingest", "all", "*"),
    ]:
        if operation[0] == "file":
            _, name, value, steps = operation
            path = folder / f"{name}.grib"
            path.write_bytes(grib_bytes(steps=STEPS[steps], value=float(value), params=(130,)))
            os.utime(path, ns=(next(clock), next(clock)))
            continue
        for again, store in stores.items():
            apply(store, operation, folder, clock, grib_bytes, again=again)
        assert values(stores[False]) == values(stores[True])
        assert [c.changes for c in history(stores[False])] == [c.changes for c in history(stores[True])]


@pytest.mark.slow
def test_no_worker_is_waited_for_where_nothing_is_to_be_written(folder, store, grib_bytes):
    ingest(write(folder, a=grib_bytes()), store)
    none = Profile(name="none", kind="local-cluster", workers=0, threads=1, memory="500MB", start_timeout_s=0.1)
    with client_for(none) as client:
        assert ingest(folder, store, client=client).known == 8
        write(folder, b=grib_bytes(params=(157,)))
        with pytest.raises(WorkersMissingError, match=r"0\.1 s"):
            ingest(folder, store, client=client)
