"""What is told follows from which fields are there when, whatever the order of commits, batches and restarts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.notify.completeness import load_expectations
from dtedask.notify.completeness.expected import Expected
from dtedask.notify.completeness.tracker import Progress, Tracker
from dtedask.request import Request

BEGIN = datetime(2024, 6, 3, tzinfo=UTC)
RUNS = [("20240603", "0000"), ("20240603", "1200")]
DEADLINES = {"0": 3, "6": 3, "12": 4, None: 6}


def frozen(keys):
    return frozenset(keys.items())


@dataclass
class Oracle:
    """What is to be told, found out by looking at everything each time."""

    runs: dict
    present: set = field(default_factory=set)
    completions: dict = field(default_factory=dict)
    late: dict = field(default_factory=dict)
    watermark: datetime = BEGIN

    def expected(self, reference, step):
        return {keys for keys in self.runs[reference] if step in (None, dict(keys)["step"])}

    def places(self):
        return [(reference, step) for reference in self.runs for step in ("0", "6", "12", None)]

    def is_complete(self, place):
        return self.expected(*place) <= self.present

    def change(self, added, wiped):
        before = {place: self.is_complete(place) for place in self.places()}
        self.present = (self.present - wiped) | added
        told = set()
        for place in self.places():
            if before[place] or not self.is_complete(place):
                continue
            self.completions[place] = self.completions.get(place, 0) + 1
            kind = "run-complete" if place[1] is None else "step-complete"
            told.add((kind, *place, self.completions[place], frozenset()))
            if self.late.get(place) == 1:
                told.add(("complete-after-late", *place, 1, frozenset()))
                self.late[place] = 2
        return told

    def tick(self, now):
        told = set()
        for place in self.places():
            deadline = place[0] + timedelta(hours=DEADLINES[place[1]])
            if self.watermark < deadline <= now and not self.is_complete(place) and place not in self.late:
                self.late[place] = 1
                told.add(("late", *place, 1, frozenset(self.expected(*place) - self.present)))
        self.watermark = max(self.watermark, now)
        return told

    def progress(self, reference):
        found = {}
        for place in self.places():
            if place[0] == reference and (place in self.completions or place in self.late):
                found[place[1]] = Progress(self.completions.get(place, 0), self.late.get(place, 0))
        return found


def canonical(tracker, news, universe):
    """News as the oracle says it; what is missing by the requests that people read."""
    requests = [Request.parse(one) for one in tracker.expected.requests_of(news.missing, news.reference)]
    missing = {keys for keys in universe if any(request.matches(dict(keys)) for request in requests)}
    return (news.kind, news.reference, news.step, news.count, frozenset(missing))


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_is_told_is_what_looking_at_everything_tells(data, run, commit_of, document):
    runs = {BEGIN + timedelta(hours=int(time[:2])): frozenset(map(frozen, run(date, time))) for date, time in RUNS}
    universe = sorted(frozenset.union(*runs.values()), key=sorted)
    others = [frozen({**dict(universe[0]), "param": "99"}), frozen({**dict(universe[0]), "time": "0600"})]
    expected = Expected(load_expectations(document).expect[0])
    oracle, tracker, now = Oracle(runs), Tracker(expected, BEGIN), BEGIN
    parts = st.integers(0, len(universe)).flatmap(
        lambda first: st.integers(first, len(universe)).map(lambda end: slice(first, end))
    )
    for number in range(data.draw(st.integers(1, 14))):
        what = data.draw(st.sampled_from(["all", "some", "wipe", "tick", "restart"]))
        if what == "tick":
            now += timedelta(minutes=data.draw(st.sampled_from([1, 90, 180, 181, 600])))
            for reference in tracker.due(now):
                tracker.learn(reference, map(dict, oracle.present), oracle.progress(reference))
            found, wanted = tracker.tick(now), oracle.tick(now)
        elif what == "restart":
            tracker = Tracker(expected, tracker.watermark)
            continue
        else:
            picked = (
                set(universe[data.draw(parts)])
                if what != "some"
                else set(data.draw(st.lists(st.sampled_from(universe), max_size=20)))
            )
            wiped = picked & oracle.present if what == "wipe" else set()
            added = set() if what == "wipe" else picked
            commit = commit_of(
                map(dict, [*added, *others[: number % 3]]), map(dict, wiped), time=now, sequence=number + 1
            )
            for reference in tracker.unknown(commit):
                tracker.learn(reference, map(dict, oracle.present), oracle.progress(reference))
            found, wanted = tracker.handle(commit), oracle.change(added, wiped)
        assert {canonical(tracker, news, universe) for news in found} == wanted
        assert len(found) == len(wanted)


def test_steps_are_told_in_order_and_the_run_last(run, commit_of, document):
    tracker = Tracker(Expected(load_expectations(document).expect[0]), BEGIN)
    commit = commit_of(run())
    for reference in tracker.unknown(commit):
        tracker.learn(reference, (), {})
    told = [(news.kind, news.step, news.fields) for news in tracker.handle(commit)]
    assert told == [
        ("step-complete", "0", 12),
        ("step-complete", "6", 13),
        ("step-complete", "12", 13),
        ("run-complete", None, 38),
    ]
    assert tracker.handle(commit) == []


def test_deadlines_are_of_every_run_also_of_one_that_never_came(document):
    tracker = Tracker(Expected(load_expectations(document).expect[0]), BEGIN)
    times = []
    while (deadline := tracker.next_deadline()) and deadline < BEGIN + timedelta(days=3):
        for reference in tracker.due(deadline):
            tracker.learn(reference, (), {})
        times += [(deadline, news.reference, news.step) for news in tracker.tick(deadline)]
    runs = [BEGIN + timedelta(hours=12 * number) for number in range(-1, 6)]
    wanted = [(run + timedelta(hours=hours), run, step) for run in runs for step, hours in DEADLINES.items()]
    assert times == sorted(
        (one for one in wanted if BEGIN < one[0] < BEGIN + timedelta(days=3)), key=lambda one: one[0]
    )


def test_parameters_are_named_alike(document):
    for written, shown in (("2t/msl", "2t/msl"), ("167/151", "2t/msl"), ("t/99999999", "t/99999999")):
        request = {"class": "od", "time": 0, "param": written}
        expected = Expected(load_expectations({"expect": [{"name": "run", "request": request}]}).expect[0])
        (found,) = expected.requests_of(expected.shape(BEGIN).items(), BEGIN)
        assert found["param"] == shown


@pytest.mark.parametrize("missing", [[], [0], [0, 1, 2], [3, 17, 36], range(38)])
def test_what_is_missing_is_few_requests(run, commit_of, document, missing):
    expected = Expected(load_expectations(document).expect[0])
    tracker = Tracker(expected, BEGIN)
    fields = list(run())
    tracker.learn(BEGIN, [keys for number, keys in enumerate(fields) if number not in missing], {})
    requests = expected.requests_of(tracker.missing(BEGIN).items(), BEGIN)
    parsed = [Request.parse(one) for one in requests]
    taken = [number for number, keys in enumerate(fields) if any(one.matches(keys) for one in parsed)]
    assert taken == list(missing)
    assert len(requests) <= max(3, len(missing) // 10)
