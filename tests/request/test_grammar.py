import io
import warnings
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dtedask.core.errors import RequestError
from dtedask.request import RangeWarning, Request, canonical_value
from dtedask.request.vocabulary import tables

SAME = Request({"class": "od", "time": "0600", "param": ["167", "2d"], "levtype": "sfc"}, verb="retrieve")


@pytest.mark.parametrize(
    "text",
    [
        "retrieve,class=od,time=6,param=2t/2d,levtype=sfc",
        "RET, CLASS=OD, TIME=06:00, PARAMETER=2T/2D, LEVTYP=SURFACE",
        "retrieve,\n class = od, # operations, of course\n time=0600,! morning\n param=2t/\n  2d,\n levtype='sfc',\n",
        'retrieve, class="od", time="6", param="2t"/"2d", levtype="surface"',
        "retrieve:\n  class: od\n  time: 0600\n  param: [2t, 2d]\n  levtype: sfc\n",
        "# a comment\nretrieve:\n  class: od\n  time: 06:00\n  param: 2t/2d\n  levtype: sfc\n",
        '{"retrieve": {"class": "od", "time": 6, "param": ["2t", "2d"], "levtype": "sfc"}}',
    ],
)
def test_all_ways_to_write_a_request_mean_the_same(text):
    assert Request.parse(text) == SAME


def test_a_request_stands_in_a_file(tmp_path, monkeypatch):
    path = tmp_path / "request.txt"
    path.write_text(str(SAME))
    monkeypatch.setattr("sys.stdin", io.StringIO(str(SAME)))
    assert Request.parse(f"@{path}") == Request.parse(Path(path)) == Request.parse("-") == SAME


def test_yaml_values_are_text_and_not_octal_numbers_or_norway():
    assert dict(Request.parse("class: no\ntime: 0600\nexpver: 0010")) == {
        "class": ("no",),
        "expver": ("0010",),
        "time": ("0600",),
    }


def test_an_empty_request_takes_everything():
    assert dict(Request.parse("")) == {}
    assert Request.parse("retrieve").verb == "retrieve"


def test_a_name_with_blanks_needs_no_quotes():
    assert Request.parse("levtype=pressure levels,class=od")["levtype"] == ("pl",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("retreive,class=od", r"Unknown verb 'retreive' in front of the request. Did you mean 'retrieve'\?"),
        ("class=od,param", r"'param' is not 'key=value'. Write 'param=...'."),
        ("class", r"'class' is not 'key=value'. Write 'class=...'."),
        ("class=od stream=oper", r"Is a comma missing before 'stream'\?"),
        ("class=od,,stream=oper", "two commas"),
        ("class=od,=oper", "'oper' has no key"),
        ("class=od,class=rd", "'class' is given twice"),
        ("retrieve,class=od\nretrieve,class=rd", "Another request begins at 'retrieve'"),
        ("param=t,u", "'u' is not 'key=value'. Separate the values of a list by '/'"),
        ("class=", "names nothing"),
        ("param=t//u", "names nothing"),
        ("@/no/such/file", "Cannot read the request file '/no/such/file': No such file"),
        ("class: [od", "not valid YAML"),
        ("---\n- class", "no mapping"),
        ("{}: 1", "valid YAML|no mapping|Unknown request key"),
    ],
)
def test_a_request_that_cannot_be_read_says_what_is_wrong(text, message):
    with pytest.raises(RequestError, match=message):
        Request.parse(text)


@pytest.mark.parametrize("source", [None, 3, ["class=od"]])
def test_something_else_is_no_request(source):
    with pytest.raises(RequestError, match="Cannot read a request from"):
        Request.parse(source)


@pytest.mark.parametrize("value", [[], (), {"a": 1}, None])
def test_a_key_with_nothing_is_refused(value):
    with pytest.raises(RequestError, match="key 'param'"):
        Request({"param": value})


@given(st.text(st.sampled_from("classteprvniyodmbu=,/-#!'\":x@{}[]0123456789. \n"), max_size=40))
def test_any_text_is_a_request_or_a_request_error(text):
    assume(not text.strip().startswith("@") and text.strip() != "-")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RangeWarning)
        try:
            request = Request.parse(text)
        except RequestError:
            return
    assert Request.parse(str(request)) == request


texts = st.text(max_size=12) | st.text(st.sampled_from("0123456789-:.hmTx/ "), max_size=10)


@given(st.sampled_from(tables()["keys"]), texts)
def test_any_value_of_any_key_is_canonical_or_a_request_error(key, text):
    try:
        canonical = canonical_value(key, text)
    except RequestError:
        return
    assert canonical_value(key, canonical) == canonical
    if "/" not in text:
        assert Request.parse(str(Request({key: canonical}))) == Request({key: canonical})
