"""Requirements as MARS-like text."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import DtedaskError
from dtedask.products.requirements import load_requirements

TEXT = """
# What a user ordered
disseminate, class=od, stream=oper, expver=1, type=fc, levtype=sfc,
  param=2t/tp, step=0/to/12/by/6, time=00/12,   # two runs
  grid=0.1/0.1, area=europe, target="fc-[step].grib2",
  priority=3, name=one, delivery="/out/a"
disseminate, name=two, area=off, param = 2d,
  format="{type: grib2, packing: ccsds}", formula.raw="f - 1"
retrieve, name=three, param=t, levelist=500
"""


def test_a_request_has_what_the_one_before_says_and_off_takes_it_away():
    found = load_requirements(TEXT)
    assert found.broken == ()
    one, two, three = found
    assert one.request["param"] == ("167", "tp")
    assert one.file_name == "fc-{step}.grib2"
    assert (two.request["step"], two.how.grid, two.how.area) == (("0", "6", "12"), "0.1x0.1", None)
    assert (two.format.packing, two.how.formulas[0].text, two.how.formulas[0].at) == ("ccsds", "f - 1", "raw")
    assert two.priority == 3
    assert dict(three.request) == {"levelist": ("500",), "param": ("t",)}
    assert [requirement.place for requirement in found] == [f"<requirements>:{line}" for line in (3, 7, 9)]


def test_mistakes_are_shown_where_they_were_written_also_for_those_that_have_them_from_there():
    text = "disseminate, name=a, param=2t,\n  grid=bar\ndisseminate, name=b,\n  step=6/x\n"
    text += "disseminate, name=c, step=6, grid=1/1\n"
    found = load_requirements(text)
    assert [one.name for one in found] == ["c"]
    assert [(one.name, [mistake.place for mistake in one.mistakes]) for one in found.broken] == [
        ("a", ["<requirements>:2"]),
        ("b", ["<requirements>:4", "<requirements>:2"]),
    ]


def test_the_same_in_yaml_gives_the_same():
    text = "disseminate, name=a, owner=me, param=t/u, levelist=500/850, grid=O320, accuracy=12, deadline=+7h, lsm=on"
    yaml = (
        "{name: a, owner: me, param: [t, u], levelist: [500, 850], grid: O320, accuracy: 12, deadline: +7h, lsm: true}"
    )
    one, two = load_requirements(text), load_requirements(yaml)
    assert one.digest == two.digest
    assert one.valid[0].request == two.valid[0].request


def test_another_name_of_a_key_takes_the_place_of_what_was_handed_on():
    text = "disseminate, name=a, param=2t, levellist=500, file=x, accuracy=12\n"
    text += 'disseminate, name=b, levelist=850, target="{base:%Y}/[shortName]-[step:03].csv", format=csv\n'
    text += "disseminate, name=c, parameter=tp, format=grib, use=monday\ndisseminate, name=d\n"
    found = load_requirements(text)
    assert found.broken == ()
    _, two, three, _ = found
    assert (two.request["levelist"], two.file_name) == (("850",), "{base:%Y}/{shortName}-{step:03}.csv")
    assert (three.request["param"], three.format.accuracy) == (("tp",), 12)
    assert [str(note) for note in found.notes] == ["<requirements>:3: 'use' has no effect here."]


def test_one_that_cannot_be_read_stops_no_other():
    found = load_requirements("disseminate, name=a, param=2t\ndisseminate, param 2t\ndisseminate, name=b\n")
    assert [one.name for one in found] == ["a", "b"]
    assert found.broken[0].place == "<requirements>:2"
    assert "is not 'key=value'" in found.broken[0].message


WORDS = st.sampled_from
VALUES = {
    "class": WORDS(["od", "rd"]),
    "levtype": WORDS(["sfc", "pl"]),
    "step": WORDS(["0/to/24/by/6", "3", "0-24"]),
    "grid": WORDS(["0.1/0.1", "O320", "1/1"]),
    "area": WORDS(["75/-30/30/50", "europe"]),
    "interpolation": WORDS(["nn", "linear"]),
    "accuracy": st.integers(1, 24),
    "priority": st.integers(-5, 5),
    "deadline": WORDS(["+7h", "06:30+1d"]),
    "file": WORDS(["{step}-{shortName}.grib2", "a b/{param}"]),
    "formula": WORDS(["f - 273.15", "f * 2"]),
    "lsm": WORDS(["true", "false"]),
}
PARAMS = st.lists(WORDS(["2t", "tp", "t", "u"]), min_size=1, max_size=3, unique=True)
ORDERS = st.lists(st.fixed_dictionaries({"param": PARAMS}, optional=VALUES), min_size=1, max_size=4)
GAPS = WORDS([" ", "", "\n", " # a, comment = 'x\n ", "\n! retrieve,\n"])


def as_text(order, gap, before):
    """A request with every key of the one before that it does not have taken away."""
    gone = {key: "off" for key in before if key not in order}
    said = {key: "/".join(value) if isinstance(value, list) else str(value) for key, value in {**order, **gone}.items()}
    in_quotes = [key for key in ("file", "formula", "deadline") if said.get(key, "off") != "off"]
    quoted = {key: f'"{value}"' if key in in_quotes else value for key, value in said.items()}
    return f",{gap}".join(["disseminate", *(f"{key}{gap}={gap}{value}" for key, value in quoted.items())]) + "\n"


@pytest.mark.slow
@given(ORDERS, GAPS)
def test_any_requirements_are_the_same_in_both_languages(orders, gap):
    named = [{**order, "name": f"n{number}"} for number, order in enumerate(orders)]
    text = "".join(as_text(order, gap, before) for order, before in zip(named, [{}, *orders], strict=False))
    one, two = load_requirements(text), load_requirements({"requirements": named})
    assert (one.broken, two.broken) == ((), ())
    for first, second in zip(one, two, strict=True):
        assert (first.name, first.digest) == (second.name, second.digest)
        assert (first.deadline, first.priority, first.file_name) == (second.deadline, second.priority, second.file_name)
        line = int(first.place.rpartition(":")[2])
        assert text.splitlines()[line - 1].startswith("disseminate")


@pytest.mark.slow
@given(st.text("disemnat,=/\"'#!\n abf2t", max_size=60))
def test_no_text_is_an_error_that_is_not_ours(text):
    with suppress(DtedaskError):
        load_requirements("disseminate, param=2t\n" + text)


def test_options_of_methods_are_numbers_as_in_yaml():
    words = {"name": "a", "param": "2t", "interpolation": "k-nearest", "nclosest": 3, "lsm-weight-adjustment": 0.1}
    text = "disseminate," + ",".join(f"{key}={value}" for key, value in words.items())
    mapping = 'disseminate,name=b,param=2t,interpolation="{method: k-nearest, nclosest: 3, lsm-weight-adjustment: 0.1}"'
    one, two, three = (load_requirements(source).valid[0].how for source in (text, words, mapping))
    assert one == two == three
