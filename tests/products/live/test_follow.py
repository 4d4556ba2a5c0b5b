"""Products come as the fields of a model are committed."""

from __future__ import annotations

from tests.products.live.runs import Desk, archive, requirement


def test_what_was_committed_before_is_made_first_and_only_once(tmp_path):
    desk = Desk(tmp_path)
    archive(desk.root, {"step": "0"}, {"step": "6"})
    wanted = requirement("t", step="0/6/12")
    done = desk.follow(wanted)
    assert list(desk.files) == ["t-20240101-0.grib2", "t-20240101-6.grib2"]
    assert (done.delivered, done.failed, done.late) == (2, 0, 0)
    assert desk.follow(wanted).delivered == 0


def test_each_step_is_made_when_it_is_committed(tmp_path):
    desk = Desk(tmp_path)
    archive(desk.root, {"step": "0"})
    steps = iter(["6", "12"])

    def model(note):
        if note.kind == "delivered" and (step := next(steps, None)):
            archive(desk.root, {"step": step})

    desk.follow(requirement("t", step="0/6/12"), on_event=model)
    assert [note.about["product"].split("-")[-1] for note in desk.kinds("delivered")] == [
        "0.grib2",
        "6.grib2",
        "12.grib2",
    ]
