"""Parts of fields become whole fields, whatever the decomposition and the order of arrival; mistakes are named."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import FieldError
from dtedask.pipeline import Context, Kind, Message
from dtedask.pipeline.actions.aggregate import Aggregate, AggregateOptions
from dtedask.pipeline.compute import Eager
from dtedask.testing import ActionSuite

NAME = "T grid"


def aggregate(**options):
    return Aggregate(AggregateOptions(type="aggregate", **options), Context())


def domain(source, definition, size, *, category="unstructured", **keys):
    found = {"name": NAME, "category": category, "source": source, "globalSize": size, **keys}
    return Message(Kind.DOMAIN, found, np.asarray(definition))


def part(source, values, *, step=0, kind=Kind.FIELD, **keys):
    found = {"param": "167", "step": str(step), "domain": NAME, "source": source, **keys}
    return Message(kind, found, np.asarray(values))


def flush(source, step):
    return Message.flush("step", step=str(step), source=source)


def feed(action, messages, state=None):
    state = action.start() if state is None else state
    return [out for message in messages for out in action.handle(message, state, Eager())]


@st.composite
def unstructured(draw):
    """(number of points, {source: indices}); some sources may hold nothing."""
    size = draw(st.integers(1, 30))
    order = draw(st.permutations(range(size)))
    cuts = sorted(draw(st.lists(st.integers(0, size), max_size=4)))
    pieces = np.split(np.array(order, dtype=int), cuts)
    return size, {str(number): piece for number, piece in enumerate(pieces)}


@st.composite
def structured(draw):
    """(ni_global, nj_global, {source: eleven numbers}): rectangles with halos of any width, even past the grid."""
    ni, nj = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    columns, rows = (
        [0, *sorted(draw(st.sets(st.integers(1, count), max_size=2)) - {count}), count] for count in (ni, nj)
    )
    boxes = [(i, i_end - i, j, j_end - j) for i, i_end in pairwise(columns) for j, j_end in pairwise(rows)]
    definitions = {}
    for number, (i, width, j, height) in enumerate(boxes):
        west, east, north, south = (draw(st.integers(0, 2)) for _ in range(4))
        data = (-west, width + west + east, -north, height + north + south)
        definitions[str(number)] = [ni, nj, i, width, j, height, 2, *data]
    return ni, nj, definitions


def local(definition, whole):
    """Brute force: what a source holds of a field, halo included (-1e30 where it is outside of the grid)."""
    ni, nj, ibegin, _, jbegin, _, _, i0, data_ni, j0, data_nj = definition
    values = np.full((data_nj, data_ni), -1e30)
    for row in range(data_nj):
        for column in range(data_ni):
            j, i = jbegin + j0 + row, ibegin + i0 + column
            if 0 <= j < nj and 0 <= i < ni:
                values[row, column] = whole[j, i]
    return values.ravel()


@st.composite
def merged(draw, streams):
    """Any interleaving of streams, each of which keeps its order."""
    left = [list(stream) for stream in streams if stream]
    out = []
    while left:
        at = draw(st.integers(0, len(left) - 1))
        out.append(left[at].pop(0))
        left = [stream for stream in left if stream]
    return out


def streams_of(size, indices, steps=2, params=("167", "168")):
    """What each source of an unstructured decomposition sends, and the whole fields by (step, param)."""
    random = np.random.default_rng(size)
    wholes = {(step, param): random.standard_normal(size) for step in range(steps) for param in params}
    streams = []
    for source, mine in indices.items():
        stream = [domain(source, mine, size, domainCount=len(indices))]
        for step in range(steps):
            stream += [part(source, wholes[step, param][mine], step=step, param=param) for param in params]
            stream.append(flush(source, step))
        streams.append(stream)
    return streams, wholes


@settings(max_examples=30)
@given(unstructured(), st.data())
def test_any_interleaving_of_parts_and_flushes_gives_the_whole_fields_before_their_flush(decomposition, data):
    streams, wholes = streams_of(*decomposition)
    outs = feed(aggregate(), data.draw(merged(streams)))
    found = [("flush" if out.kind is Kind.FLUSH else out.keys["param"], out.keys["step"]) for out in outs]
    steps = [found[:3], found[3:]]
    assert [sorted(step) for step in steps] == [[("167", s), ("168", s), ("flush", s)] for s in ("0", "1")]
    assert all(step[-1][0] == "flush" for step in steps)
    for out in outs:
        assert "source" not in out.keys
        if out.is_field:
            assert out.values.tobytes() == wholes[int(out.keys["step"]), out.keys["param"]].tobytes()


@settings(max_examples=30)
@given(structured(), st.randoms(use_true_random=False))
def test_rectangles_with_halos_become_the_whole_field(decomposition, random):
    ni, nj, definitions = decomposition
    whole = np.arange(ni * nj, dtype=float).reshape(nj, ni)
    messages = [domain(source, numbers, ni * nj, category="structured") for source, numbers in definitions.items()]
    parts = [part(source, local(numbers, whole)) for source, numbers in definitions.items()]
    random.shuffle(messages)
    random.shuffle(parts)
    (out,) = feed(aggregate(), messages + parts)
    np.testing.assert_array_equal(out.values.reshape(nj, ni), whole)


@settings(max_examples=20)
@given(unstructured(), st.data())
def test_a_state_that_is_saved_and_loaded_anywhere_goes_on_as_if_nothing_had_been(decomposition, data):
    streams, _ = streams_of(*decomposition)
    messages = data.draw(merged(streams))
    stop = data.draw(st.integers(0, len(messages)))
    action = aggregate()
    state = action.start()
    outs = feed(action, messages[:stop], state) + feed(action, messages[stop:], action.load(action.save(state)))
    for found, wanted in zip(outs, feed(action, messages), strict=True):
        assert (found.kind, found.keys) == (wanted.kind, wanted.keys)
        assert not found.is_field or found.values.tobytes() == wanted.values.tobytes()


@settings(max_examples=30)
@given(unstructured(), st.data())
def test_an_overlap_is_found_when_the_domain_comes_and_named_by_sources_and_points(decomposition, data):
    size, indices = decomposition
    taken = sorted(data.draw(st.sets(st.sampled_from(range(size)), min_size=1, max_size=3)))
    owner = {int(point): source for source, mine in indices.items() for point in mine}
    action = aggregate()
    state = action.start()
    feed(action, [domain(source, mine, size) for source, mine in indices.items() if len(mine)], state)
    with pytest.raises(FieldError, match="overlap in") as error:
        feed(action, [domain("99", taken, size)], state)
    first = min((owner[point] for point in taken), key=int)
    both = [point for point in taken if owner[point] == first]
    assert f"sources {first} and 99 overlap in {len(both)} point" in str(error.value)
    assert {int(point) for point in re.findall(r"\d+", str(error.value).split(": ")[1])} <= set(both)


@settings(max_examples=30)
@given(unstructured(), st.data())
def test_holes_are_found_when_the_last_domain_comes_and_named(decomposition, data):
    size, indices = decomposition
    lost = data.draw(st.sampled_from(range(size)))
    parts = {source: mine[mine != lost] for source, mine in indices.items()}
    messages = [domain(source, mine, size, domainCount=len(parts)) for source, mine in parts.items()]
    with pytest.raises(FieldError, match=rf"leave 1 point of {size} to nobody: {lost}\."):
        feed(aggregate(), messages)


@settings(max_examples=30)
@given(unstructured(), st.data())
def test_a_point_named_twice_by_one_domain_is_named(decomposition, data):
    size, _ = decomposition
    twice = data.draw(st.sampled_from(range(size)))
    with pytest.raises(FieldError, match=rf"source 7 names 1 point more than once: {twice}\."):
        feed(aggregate(), [domain("7", [*range(size), twice], size)])


def test_holes_can_be_missing_points_where_the_number_of_parts_is_known():
    action = aggregate(parts=2, holes="missing")
    messages = [domain("0", [4, 0], 5), domain("1", [2], 5), part("1", [7.0]), part("0", [1.0, 2.0])]
    (out,) = feed(action, messages)
    np.testing.assert_array_equal(out.values, [2.0, np.nan, 7.0, np.nan, 1.0])


def columns(held):
    """Two of the three columns of a grid of 2 rows, as structured domains that say how many points are held."""
    return [domain(str(i), [3, 2, 2 * i, 1, 0, 2, 2, 0, 1, 0, 2, *held], 6, category="structured") for i in range(2)]


def test_a_twelfth_number_says_how_many_points_are_held_at_all():
    parts = [part("0", [1.0, 2.0]), part("1", [3.0, 4.0])]
    (out,) = feed(aggregate(), [*columns([4]), *parts])
    np.testing.assert_array_equal(out.values, [1, np.nan, 3, 2, np.nan, 4])
    with pytest.raises(FieldError, match=r"leave 2 points of 6 to nobody: 1, 4\."):
        feed(aggregate(), [*columns([]), Message.flush("step", step="0")])
    with pytest.raises(FieldError, match=r"leave 2 points of 6 to nobody, where 1 may be: 1, 4\."):
        feed(aggregate(), [*columns([5]), Message.flush("step", step="0")])
    with pytest.raises(FieldError, match="all sources hold 4 points of the domain 'T grid'; others say 5"):
        feed(aggregate(), [columns([5])[0], columns([4])[1]])
    with pytest.raises(FieldError, match="all sources together hold 7 of 6 points"):
        feed(aggregate(), columns([7]))


def test_holes_that_nobody_counted_are_named_when_the_step_is_flushed():
    messages = [domain("0", range(5), 12), domain("1", [9, 10], 12), Message.flush("step", step="0")]
    with pytest.raises(FieldError, match=r"of the sources 0, 1 leave 5 points of 12 to nobody: 5-8, 11\."):
        feed(aggregate(), messages)


def test_holes_that_may_be_need_the_number_of_sources():
    messages = [domain("0", [0, 1], 4), Message.flush("step", step="0")]
    with pytest.raises(FieldError, match=r"to nobody: 2-3\. Say how many sources there are, by domainCount or `parts`"):
        feed(aggregate(holes="missing"), messages)


def two_sources(*messages):
    return [domain("0", [0, 2], 4), domain("1", [1, 3], 4), *messages]


def test_a_step_that_is_flushed_with_parts_missing_is_an_error_that_names_them_and_lets_them_go():
    action = aggregate()
    state = action.start()
    feed(action, two_sources(part("0", [1.0, 2.0]), part("1", [1.0, 2.0], param="168"), flush("0", 0)), state)
    with pytest.raises(FieldError, match=r"param=167,step=0 lacks the parts of 1; .*param=168,step=0 lacks .* of 0\."):
        feed(action, [flush("1", 0)], state)
    assert not state.waiting


def test_parts_of_later_steps_do_not_hinder_a_flush():
    fields = [part("0", [1.0, 2.0]), part("1", [3.0, 4.0]), part("0", [5.0, 6.0], step=1)]
    outs = feed(aggregate(), two_sources(*fields, Message.flush("step", step="0")))
    assert [out.kind for out in outs] == [Kind.FIELD, Kind.FLUSH]


def test_a_source_that_is_behind_at_the_end_is_named():
    messages = two_sources(flush("0", 3), Message.flush("end-of-simulation"))
    with pytest.raises(FieldError, match=r"flushKind=step,step=3 was sent by 0 only, and not by 1\."):
        feed(aggregate(), messages)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (part("0", [1.0, 2.0]), r"source 0 sends its part of the field .*param=167,step=0 twice"),
        (part("1", [1.0]), r"source 1 sends 1 point of a field; its domain has 2 points\."),
        (part("2", [1.0]), r"source 2 sends a field before it says which points of the domain 'T grid' it holds"),
        (part("1", [1.0], domain="U grid"), r"domain 'U grid' is not known; known are: 'T grid'"),
        (domain("1", [3, 1], 4), r"source 1 gives another domain 'T grid' than before"),
        (domain("2", [4], 4), r"domain 'T grid' of the source 2 names points outside of 0 to 3: 4\."),
        (domain("2", [4], 5), r"source 2 gives the domain 'T grid' 5 points in all; others say 4\."),
        (domain("2", [1], 4, category="spectral"), r"of the representation 'spectral'\. There are 'structured' and"),
        (domain("2", [1], 4, category="structured"), r"has 1 numbers; a structured one has 11: ni_global, nj_global,"),
        (domain("2", [1], 4, domainCount="two"), r"number of sources, domainCount, is 'two'\. Give a number"),
        (domain("2", [], 4), r"source 2 holds no point of the domain 'T grid', and nobody says how many sources"),
        (domain("2", [2, 2, 1, 2, 0, 2, 2, 0, 2, 0, 2], 4, category="structured"), r"ends at i = 3, outside of ni_glo"),
        (domain("2", [2, 2, 0, -1, 0, 2, 2, 0, 2, 0, 2], 4, category="structured"), r"has a negative ni: -1"),
    ],
)
def test_what_does_not_fit_is_an_error_that_says_who_sent_what(message, words):
    with pytest.raises(FieldError, match=words):
        feed(aggregate(), two_sources(part("0", [1.0, 2.0]), message))


def test_it_says_what_it_waits_for():
    assert aggregate().explain() == "the parts of all sources of each field become one; a flush waits for all of them"
    assert aggregate(parts=3, holes="missing").explain().endswith("; points without a source are missing")
    assert aggregate().memory_bytes(10, 800) == 8000


def test_the_same_domain_again_changes_nothing():
    messages = two_sources(domain("1", [1, 3], 4), part("0", [1.0, 2.0]), part("1", [3.0, 4.0]))
    (out,) = feed(aggregate(), messages)
    np.testing.assert_array_equal(out.values, [1.0, 3.0, 2.0, 4.0])


def test_partial_masks_become_a_whole_mask():
    parts = [part("1", [True, False], kind=Kind.MASK), part("0", [False, True], kind=Kind.MASK)]
    (out,) = feed(aggregate(), two_sources(*parts))
    assert out.kind is Kind.MASK
    assert out.values.dtype == bool
    assert out.values.tolist() == [False, True, True, False]


def test_fields_that_are_whole_already_pass():
    whole = Message(Kind.FIELD, {"param": "167", "domain": "g"}, np.zeros(3))
    assert feed(aggregate(), [whole]) == [whole]


def test_float32_stays_float32_and_mixed_parts_become_float64():
    parts = [part("0", np.float32([1, 2])), part("1", np.float32([3, 4])), part("0", [0.1, 0.2], step=1)]
    first, second = feed(aggregate(), two_sources(*parts, part("1", np.float32([3, 4]), step=1)))
    assert (first.values.dtype, second.values.dtype) == (np.float32, np.float64)


class TestAggregateIsAnAction(ActionSuite):
    @pytest.fixture
    def action(self):
        return aggregate()

    @pytest.fixture
    def messages(self):
        steps = [
            [part("0", [1.5, 2.5], step=step), part("1", [step, 4.0], step=step), Message.flush("step", step=str(step))]
            for step in range(3)
        ]
        return two_sources(*(message for step in steps for message in step))
