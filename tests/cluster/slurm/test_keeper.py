"""The keeper of worker jobs: whatever happens in whatever order, the wanted number is reached and never exceeded."""

import random
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.cluster.slurm.commands import Job
from dtedask.cluster.slurm.keeper import Keeper
from dtedask.cluster.slurm.keeper_events import (
    Ask,
    Came,
    Cancel,
    Forget,
    GiveUp,
    Limits,
    Listed,
    Note,
    NotListed,
    Refused,
    Submit,
    Submitted,
    Tick,
    Wanted,
    Went,
)

LIMITS = Limits(lost_s=30, silent_s=300, away_s=120, failures=3)


@dataclass
class Bench:
    """A keeper and what it said."""

    keeper: Keeper = field(default_factory=lambda: Keeper("w", LIMITS))
    now: float = 0.0

    def tell(self, event, after=0.0):
        self.now += after
        return [one for one in self.keeper.handle(event, self.now) if not isinstance(one, Note | Ask)]

    def listed(self, **states):
        jobs = {name.replace("_", "-"): Job(name[2:], state) for name, state in states.items()}
        return self.tell(Listed(self.now + 0.5, jobs), after=1)

    def running(self, number):
        """Have so many jobs that run and have a worker."""
        for name in [one.name for one in self.tell(Wanted(number)) if isinstance(one, Submit)]:
            self.tell(Submitted(name, name[2:]))
            self.tell(Came(name))
        return self


@pytest.fixture
def bench():
    return Bench()


def test_as_many_jobs_as_wanted_are_submitted_once(bench):
    assert bench.tell(Wanted(2)) == [Submit("w-0"), Submit("w-1")]
    assert bench.tell(Tick(), after=100) == []


def test_a_job_that_waits_in_the_queue_is_not_lost_however_long(bench):
    bench.tell(Wanted(1))
    bench.tell(Submitted("w-0", "0"))
    for _ in range(100):
        assert bench.listed(w_0="PENDING") == []
        assert bench.tell(Tick(), after=1000) == []


@pytest.mark.parametrize("state", ["CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "COMPLETING"])
def test_a_job_that_ended_is_replaced_at_once_when_it_has_had_workers(bench, state):
    bench.running(2)
    bench.tell(Went("w-0"))
    assert bench.listed(w_0=state, w_1="RUNNING") == [Submit("w-2")]


def test_a_loss_is_a_warning_and_the_end_of_a_walltime_is_none():
    warned = {}
    for state in ("COMPLETED", "NODE_FAIL"):
        bench = Bench().running(1)
        bench.tell(Went("w-0"))
        out = bench.keeper.handle(Listed(bench.now + 1, {"w-0": Job("0", state)}), bench.now + 2)
        warned[state] = [one.text for one in out if isinstance(one, Note) and one.is_warning]
    assert warned == {"COMPLETED": [], "NODE_FAIL": ["job 0 (w-0) ended: NODE_FAIL"]}


def test_a_job_that_slurm_does_not_know_any_more_is_replaced(bench):
    bench.running(1)
    bench.tell(Went("w-0"))
    assert bench.listed() == [Submit("w-1")]


def test_a_job_whose_workers_are_there_is_not_taken_for_lost_because_slurm_does_not_name_it(bench):
    bench.running(1)
    assert bench.listed() == []


def test_a_list_that_was_asked_for_before_a_job_was_submitted_says_nothing_of_it(bench):
    bench.tell(Wanted(1))
    bench.tell(Submitted("w-0", "0"), after=5)
    assert bench.tell(Listed(bench.now - 1, {}), after=1) == []


def test_slurm_is_asked_as_soon_as_a_worker_is_lost_and_ever_less_often_while_nothing_happens():
    keeper = Keeper("w", LIMITS)
    asked = [0.0]
    for now in range(200):
        out = keeper.handle(Wanted(1) if now == 0 else Came("w-0") if now == 1 else Tick(), now)
        if Ask() in out:
            asked.append(now)
            keeper.handle(Listed(now, {"w-0": Job("0", "RUNNING")}), now)
    gaps = [after - before for before, after in pairwise(asked)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == LIMITS.longest_pause_s
    assert Ask() in keeper.handle(Went("w-0"), asked[-1] + 1)


def test_a_running_job_whose_worker_comes_back_is_left_alone(bench):
    bench.running(1)
    assert bench.tell(Went("w-0")) == []
    assert bench.listed(w_0="RUNNING") == []
    bench.tell(Came("w-0"), after=10)
    assert bench.tell(Tick(), after=100) == []


def test_a_running_job_whose_workers_stay_away_is_cancelled_and_replaced(bench):
    bench.running(1)
    bench.tell(Went("w-0"))
    assert bench.tell(Tick(), after=29) == []
    assert bench.tell(Tick(), after=1) == [Cancel(("w-0",)), Submit("w-1")]


def test_the_scheduler_forgets_workers_of_a_job_that_ended_without_a_word(bench):
    bench.running(1)
    assert bench.listed(w_0="NODE_FAIL") == [Forget("w-0"), Submit("w-1")]


def test_a_running_job_from_which_no_worker_ever_comes_is_replaced(bench):
    bench.tell(Wanted(1))
    bench.tell(Submitted("w-0", "0"))
    bench.listed(w_0="RUNNING")
    assert bench.tell(Tick(), after=300) == [Cancel(("w-0",))]
    assert bench.tell(Tick(), after=1) == [Submit("w-1")]


def test_jobs_that_end_at_once_again_and_again_are_given_up_with_their_names(bench):
    bench.tell(Wanted(1))
    for number in range(3):
        bench.tell(Submitted(f"w-{number}", str(number)))
        bench.now += 1
        out = bench.listed(**{f"w_{number}": "FAILED"})
        if number < 2:
            assert bench.tell(Tick(), after=2**number) == [Submit(f"w-{number + 1}")]
    assert out == [GiveUp("3 jobs in a row ended before a worker of theirs connected", ("w-0", "w-1", "w-2"))]
    assert bench.tell(Tick(), after=1000) == []


def test_jobs_that_end_at_once_wait_longer_and_longer_while_others_work(bench):
    bench.running(1)
    bench.tell(Wanted(2))
    waits = []
    for number in range(1, 6):
        bench.tell(Submitted(f"w-{number}", str(number)))
        assert bench.listed(w_0="RUNNING", **{f"w_{number}": "FAILED"}) == []
        waits.append(0)
        while not bench.tell(Tick(), after=1):
            waits[-1] += 1
    assert waits == [0, 1, 3, 7, 15]


def test_a_worker_that_connects_clears_the_account(bench):
    bench.tell(Wanted(1))
    for number in range(8):
        bench.tell(Submitted(f"w-{number}", str(number)))
        if number % 2:
            bench.tell(Came(f"w-{number}"))
            bench.tell(Went(f"w-{number}"))
        assert not [one for one in bench.listed(**{f"w_{number}": "FAILED"}) if isinstance(one, GiveUp)]
        bench.tell(Tick(), after=2)


def test_a_refusal_ends_all_where_nothing_runs_and_is_a_warning_where_something_does(bench):
    bench.tell(Wanted(1))
    assert bench.tell(Refused("w-0", "no such partition", True)) == [
        GiveUp("SLURM refuses the jobs: no such partition")
    ]
    other = Bench().running(1)
    other.tell(Wanted(2))
    assert other.tell(Refused("w-1", "too many", True)) == []
    assert other.tell(Tick(), after=2) == [Submit("w-2")]


def test_a_slurm_that_is_away_for_a_moment_is_asked_again_and_given_up_later(bench):
    bench.tell(Wanted(1))
    assert bench.tell(Refused("w-0", "unable to contact", False)) == []
    assert bench.listed() == [Submit("w-1")]
    bench.tell(Refused("w-1", "unable to contact", False))
    bench.tell(NotListed("unable to contact"), after=60)
    (said,) = bench.tell(NotListed("unable to contact"), after=60)[-1:]
    assert said == GiveUp("SLURM has not answered for 120 s: unable to contact")


def test_a_job_that_slurm_took_without_saying_so_is_found_in_its_list(bench):
    bench.tell(Wanted(1))
    bench.tell(Refused("w-0", "timed out", False))
    assert bench.listed(w_0="PENDING") == []
    assert bench.keeper.jobs["w-0"].id == "0"


def test_fewer_wanted_lets_those_go_that_are_named_and_the_idlest(bench):
    bench.running(3)
    bench.tell(Wanted(4))
    assert bench.tell(Wanted(2, leaving=("w-1",))) == [Cancel(("w-1",), retire=True), Cancel(("w-3",))]
    assert sorted(bench.keeper.jobs) == ["w-0", "w-2"]


def test_a_cancelled_job_that_is_still_there_is_cancelled_again(bench):
    bench.running(1)
    bench.tell(Wanted(0))
    assert bench.listed(w_0="RUNNING") == []
    bench.now += 40
    assert bench.listed(w_0="RUNNING") == [Cancel(("w-0",))]
    assert bench.listed(w_0="CANCELLED") == []
    assert bench.keeper.leaving == {}


def test_a_job_whose_workers_will_end_soon_gets_a_successor_first():
    bench = Bench(Keeper("w", replace(LIMITS, succeeded_s=100))).running(2)
    assert bench.tell(Tick(), after=99) == []
    assert bench.tell(Tick(), after=1) == [Submit("w-2"), Submit("w-3")]
    bench.tell(Submitted("w-2", "2"))
    bench.tell(Came("w-2"))
    assert bench.keeper.workers == 3
    bench.tell(Went("w-0"))
    assert bench.listed(w_0="COMPLETED", w_1="RUNNING", w_2="RUNNING", w_3="PENDING") == []
    assert sorted(bench.tell(Wanted(0)), key=repr) == [
        Cancel(("w-1",), retire=True),
        Cancel(("w-2",), retire=True),
        Cancel(("w-3",)),
    ]


class World:
    """A SLURM that takes, runs and ends jobs as chance has it, and answers late and out of order."""

    def __init__(self, rng):
        self.rng, self.now = rng, 0.0
        self.keeper = Keeper("w", LIMITS)
        self.queue, self.jobs, self.workers = [], {}, set()
        self.is_calm = False
        self.gave_up = False

    def step(self):
        self.now += self.rng.choice([0.1, 0.5, 2.0])
        if not self.is_calm:
            self.fate()
        self.advance()
        for _ in range(len(self.queue)):
            if self.is_calm or self.rng.random() < 0.7:
                self.tell(self.next_event())
        self.tell(Tick())

    def next_event(self):
        """Answers of SLURM come in any order, but what the scheduler tells of workers comes in its order."""
        place = 0 if self.is_calm else self.rng.randrange(len(self.queue))
        if isinstance(self.queue[place], Came | Went):
            place = next(n for n, one in enumerate(self.queue) if isinstance(one, Came | Went))
        return self.queue.pop(place)

    def fate(self):
        live = [name for name, state in self.jobs.items() if state in {"PENDING", "RUNNING"}]
        if live and self.rng.random() < 0.2:
            self.end(self.rng.choice(live), self.rng.choice(["CANCELLED", "FAILED", "NODE_FAIL"]))
        if self.workers and self.rng.random() < 0.1:
            self.went(self.rng.choice(sorted(self.workers)))
        if self.rng.random() < 0.1:
            self.queue.append(Wanted(self.rng.randrange(5)))

    def advance(self):
        for name, state in list(self.jobs.items()):
            if state == "PENDING" and (self.is_calm or self.rng.random() < 0.3):
                self.jobs[name] = "RUNNING"
            elif state == "RUNNING" and name not in self.workers and (self.is_calm or self.rng.random() < 0.5):
                self.workers.add(name)
                self.queue.append(Came(name))

    def end(self, name, state):
        self.jobs[name] = state
        self.went(name)

    def went(self, name):
        if name in self.workers:
            self.workers.discard(name)
            self.queue.append(Went(name))

    def tell(self, event):
        for one in self.keeper.handle(event, self.now):
            self.obey(one)
        assert len(self.keeper.jobs) <= max(self.keeper.wanted, 0)
        live = [name for name, state in self.jobs.items() if state in {"PENDING", "RUNNING"}]
        unknown = set(live) - set(self.keeper.jobs) - set(self.keeper.leaving)
        assert not unknown, "a job runs that the keeper does not know"

    def obey(self, one):
        match one:
            case Submit(name):
                fate = 1.0 if self.is_calm else self.rng.random()
                if fate < 0.1:
                    self.queue.append(Refused(name, "away", False))
                else:
                    self.jobs[name] = "PENDING"
                    said = Refused(name, "away", False) if fate < 0.2 else Submitted(name, name[2:])
                    self.queue.append(said)
            case Cancel(names):
                for name in names:
                    heard = self.is_calm or self.rng.random() < 0.8
                    if heard and self.jobs.get(name) in {"PENDING", "RUNNING"}:
                        self.end(name, "CANCELLED")
            case Ask():
                listed = {name: Job(name[2:], state) for name, state in self.jobs.items()}
                self.queue.append(Listed(self.now, listed))
            case GiveUp():
                self.gave_up = True


@pytest.mark.slow
@given(st.integers(0, 10**9), st.integers(0, 120), st.integers(0, 4))
def test_whatever_happens_the_wanted_number_is_reached_once_it_is_calm_and_never_exceeded(seed, steps, wanted):
    world = World(random.Random(seed))
    world.tell(Wanted(3))
    for _ in range(steps):
        world.step()
    world.is_calm = True
    world.queue = [event for event in world.queue if not isinstance(event, Wanted)]
    world.tell(Wanted(wanted))
    for _ in range(400):
        world.step()
    if not world.gave_up:
        running = [name for name, state in world.jobs.items() if state == "RUNNING"]
        assert len(running) == wanted == world.keeper.workers
