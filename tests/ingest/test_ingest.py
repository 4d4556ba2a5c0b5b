import io
import itertools
import sys

import dask.config
import numpy as np
import pytest

from dtedask.core.errors import GribError, PlanError, StoreError
from dtedask.ingest import IngestError, ingest, plan_ingest


def present(store):
    return sorted((r.keys["step"], r.keys["param"], r.keys["levelist"]) for r in store.list())


def write(folder, **files):
    for name, data in files.items():
        (folder / f"{name}.grib").write_bytes(data)
    return folder


@pytest.mark.parametrize("unit", ["all", "file", "step"])
def test_every_unit_gives_the_same_cube(folder, store, grib_bytes, unit):
    write(folder, a=grib_bytes(params=(130,)), b=grib_bytes(params=(131,)))
    summary = ingest(folder, store, unit=unit)
    expected = itertools.product(("0", "6"), ("130", "131"), ("500", "850"))
    assert present(store) == sorted(expected)
    assert (summary.new, summary.files, len(summary.commits)) == (8, 2, {"all": 1, "file": 2, "step": 2}[unit])


@pytest.mark.parametrize("unit", ["all", "file", "step"])
def test_the_same_input_twice_changes_nothing_and_says_so(folder, store, grib_bytes, unit):
    write(folder, a=grib_bytes())
    ingest(folder, store, unit=unit)
    before = [commit.snapshot for commit in store.history()]
    summary = ingest(folder, store, unit=unit)
    assert (summary.new, summary.replaced, summary.unchanged, summary.commits) == (0, 0, 8, ())
    assert "nothing has changed" in str(summary)
    assert [commit.snapshot for commit in store.history()] == before


def test_other_values_replace_the_fields(folder, store, grib_bytes):
    ingest(write(folder, a=grib_bytes()), store)
    summary = ingest(write(folder, a=grib_bytes(value=3.0)), store)
    assert (summary.new, summary.replaced) == (0, 8)
    assert store.retrieve("param=t,levelist=500,step=6").t.values.flat[0] == np.float32(3 + 6 + 130 + 500)


def test_a_step_is_one_commit_over_all_files_and_names_whole_files_with_size_and_time(folder, store, grib_bytes):
    write(folder, a=grib_bytes(params=(130,)), b=grib_bytes(params=(131,), steps=(6,)))
    first, second = ingest(folder, store, unit="step", message="trial").commits
    assert (first.message, first.new, first.sources) == (
        "trial: 20240603 0000 step 0", 2, (second.sources[0].replace(" (fields 3-4 of 4)", " (fields 1-2 of 4)"),),
    )  # fmt: skip
    assert second.new == 4
    assert [source.partition(" [")[0] for source in second.sources] == [f"{folder}/a.grib", f"{folder}/b.grib"]


def test_standard_input_is_ingested(store, grib_bytes, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(grib_bytes())))
    assert ingest("-", store).new == 8
    assert store.history()[0].sources[0].startswith("standard input [")


def test_of_a_file_with_a_bad_message_nothing_is_taken(folder, store, grib_bytes, undecodable):
    good = grib_bytes()
    write(folder, a=good + good[:40])
    with pytest.raises(GribError, match=r"a\.grib, offset \d+"):
        ingest(folder, store)
    write(folder, a=grib_bytes(steps=(0,)) + undecodable(grib_bytes(steps=(6,))))
    with pytest.raises(GribError, match=r"a\.grib"):
        ingest(folder, store)
    assert present_or_nothing(store) == []


def present_or_nothing(store):
    try:
        return present(store)
    except StoreError:
        return []


def test_with_one_commit_a_file_the_good_files_go_in_and_an_error_lists_the_bad_ones(
    folder, store, grib_bytes, undecodable
):
    write(
        folder,
        a=grib_bytes(steps=(0,)),
        b=grib_bytes(steps=(6,))[:-9],
        c=undecodable(grib_bytes(steps=(12,))),
        d=grib_bytes(steps=(18,)),
    )
    with pytest.raises(IngestError, match=r"(?s)2 of 4 files could not be ingested:.*b\.grib.*c\.grib") as caught:
        ingest(folder, store, unit="file")
    assert {step for step, _, _ in present(store)} == {"0", "18"}
    assert caught.value.summary.new == 8
    assert [name for name, _ in caught.value.summary.failed] == [f"{folder}/b.grib", f"{folder}/c.grib"]


@pytest.mark.parametrize("unit", ["all", "file", "step"])
def test_bad_messages_are_skipped_counted_and_listed(folder, store, grib_bytes, undecodable, unit):
    bad = undecodable(grib_bytes(steps=(6,), levels=(500, 850)))
    write(folder, a=grib_bytes(steps=(0,)) + b"garbage" + bad + b"GRIB")
    summary = ingest(folder, store, unit=unit, on_error="skip")
    assert summary.new == 7
    assert len(summary.skipped) == 3
    assert len(present(store)) == 7
    assert {part["length"] for part in summary.to_dict()["skipped"]} >= {7, 4}
    assert str(summary).count("skipped ") == 3


def test_fields_that_wait_in_the_store_are_not_committed_with_others(folder, store, grib_bytes):
    store.archive(grib_bytes(steps=(12,)))
    with pytest.raises(StoreError, match=r"flush\(\) or discard\(\)"):
        ingest(write(folder, a=grib_bytes()), store)
    assert store.dirty


@pytest.mark.parametrize("unit", ["all", "file", "step"])
def test_progress_rises_to_the_end(folder, store, grib_bytes, unit):
    write(folder, a=grib_bytes(params=(130,)), b=grib_bytes(params=(131,)))
    seen = []
    ingest(folder, store, unit=unit, on_progress=seen.append)
    counts = [(part.fields_done, part.bytes_done) for part in seen]
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert counts == sorted(counts)
    assert counts[-1] == (seen[-1].fields_total, seen[-1].bytes_total) == (8, size)
    assert seen[-1].seconds_left == 0
    assert seen[-1].bytes_per_s == pytest.approx(size / seen[-1].seconds)


def test_the_plan_counts_what_ingest_does(folder, store, grib_bytes):
    write(folder, a=grib_bytes(), b=grib_bytes(steps=(6, 12)))
    plan = plan_ingest(folder, store, unit="file")
    assert (plan.files, plan.fields, plan.chunks, plan.commits) == (2, 16, 12, 2)
    assert plan.bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert plan.check() is plan
    summary = ingest(folder, store, unit="file")
    assert (summary.new, summary.unchanged) == (12, 4)


def test_a_plan_that_does_not_fit_into_memory_is_refused_with_both_numbers(folder, store, grib_bytes):
    write(folder, a=grib_bytes())
    small = {"dtedask.ingest.memory-limit": "1 kiB", "dtedask.ingest.threads": 2}
    numbers = r"about [345]\.\d+ kiB in 2 threads, more than its limit of 1\.00 kiB"
    with dask.config.set(small), pytest.raises(PlanError, match=numbers) as caught:
        ingest(folder, store)
    assert "dtedask.ingest.memory-limit" in caught.value.hint
    assert present_or_nothing(store) == []


def test_fewer_threads_are_taken_where_memory_is_short(folder, store, grib_bytes):
    write(folder, a=grib_bytes())
    one = plan_ingest(folder, store).memory_bytes // plan_ingest(folder, store).threads
    with dask.config.set({"dtedask.ingest.memory-limit": one}):
        assert plan_ingest(folder, store).check().threads == 1
