"""Documents say what is wrong with them, and where."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated, Any, Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from dtedask.core.documents import load_document, read_yaml
from dtedask.core.errors import DocumentError


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Circle(Strict):
    kind: Literal["circle"] = "circle"
    radius: float


class Square(Strict):
    kind: Literal["square"] = "square"
    side: int = 1
    tags: dict[str, int] = {}


class Drawing(Strict):
    title: str = ""
    colour: Literal["red", "green"] = "red"
    shapes: list[Annotated[Circle | Square, Field(discriminator="kind")]] = []
    frame: Square | None = None

    @field_validator("title")
    @classmethod
    def _is_short(cls, title: str) -> str:
        if len(title) > 5:
            raise ValueError(f"title {title!r} is too long.")
        return title


def mistake(text: str) -> str:
    with pytest.raises(DocumentError) as caught:
        load_document(text, Drawing, kind="drawing")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title: a\ncolor: red\n", "<drawing>:2: unknown key 'color'. Did you mean 'colour'?"),
        ("shapes:\n- kind: square\n  sied: 2\n", "<drawing>:3: unknown key 'sied' in shapes[0]. Did you mean 'side'?"),
        ("frame:\n  side: 1\n  tag: 2\n", "<drawing>:3: unknown key 'tag' in frame. Did you mean 'tags'?"),
        ("\ncolour: rad\n", "<drawing>:2: colour: 'rad' is not possible. Did you mean 'red'?"),
        ("shapes:\n- kind: circel\n", "<drawing>:2: unknown kind 'circel' in shapes[0]. Did you mean 'circle'?"),
        ("shapes:\n- radius: 1\n", "<drawing>:2: key 'kind' is missing in shapes[0]. Known are circle, square."),
        ("shapes:\n- kind: circle\n", "<drawing>:2: key 'radius' is missing in shapes[0]."),
        ("title: tooooo long\n", "<drawing>:1: title: title 'tooooo long' is too long."),
        ("shapes: 3\n", "<drawing>:1: shapes: 3 is wrong: it must be a valid list."),
        ("title: a\ntitle: b\n", "<drawing>:2: key 'title' is there twice, first in line 1. Keep one of them."),
        ("- a\n- b\n", "<drawing>:1: ['a', 'b'] is no mapping of keys. Known are colour, frame, shapes, title."),
        ("# nothing: here\n", "<drawing>: the document is empty. Known are colour, frame, shapes, title."),
        ("a: 1\n---\nb: 2\n", "<drawing>:2: no valid YAML: expected a single document in the stream"),
        ("title: [a\n", "<drawing>:2: no valid YAML: while parsing a flow sequence"),
        ("title: !!python/name:os.system\n", "<drawing>:1: no valid YAML: could not determine a constructor"),
    ],
)
def test_a_mistake_is_named_with_line_key_and_nearest_legal_word(text, expected):
    assert mistake(text).startswith(expected)


def test_deep_values_of_the_wrong_type_are_named_by_their_path():
    text = "shapes:\n- kind: square\n  tags:\n    x: 1\n    y: many\n"
    assert mistake(text).startswith("<drawing>:5: shapes[0].tags.y: 'many' is wrong: it must be a valid integer")


def test_all_mistakes_are_told_at_once():
    assert mistake("titel: a\ncolour: blue\n").splitlines() == [
        "<drawing>: 2 mistakes in the drawing:",
        "  <drawing>:2: colour: 'blue' is not possible. Known are green, red.",
        "  <drawing>:1: unknown key 'titel'. Did you mean 'title'?",
    ]


def test_the_file_is_named_and_a_missing_one_by_its_nearest_neighbour(tmp_path):
    file = tmp_path / "drawing.yaml"
    file.write_text("title: a\nshape: []\n")
    with pytest.raises(DocumentError, match=rf"^{file}:2: unknown key 'shape'\. Did you mean 'shapes'\?$"):
        load_document(file, Drawing, kind="drawing")
    with pytest.raises(
        DocumentError, match=r"There is no drawing file '.*drawin\.yaml'\. Did you mean 'drawing\.yaml'"
    ):
        load_document(str(tmp_path / "drawin.yaml"), Drawing, kind="drawing")
    with pytest.raises(DocumentError, match="Cannot read the drawing file"):
        load_document(tmp_path, Drawing, kind="drawing")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"title: \xff\xfe")
    with pytest.raises(DocumentError, match="is not UTF-8 text"):
        load_document(tmp_path / "x.yaml", Drawing, kind="drawing")


@pytest.mark.parametrize("source", ["title: a\n", {"title": "a"}])
def test_text_and_mappings_are_documents_too(source):
    assert load_document(source, Drawing, kind="drawing") == Drawing(title="a")


def test_validators_learn_the_file_and_what_the_caller_adds(tmp_path):
    seen: dict[str, Any] = {}

    class Nosy(Strict):
        a: int

        @field_validator("a")
        @classmethod
        def _look(cls, a: int, info: ValidationInfo) -> int:
            seen.update(info.context or {})
            return a

    (tmp_path / "n.yaml").write_text("a: 1\n")
    load_document(tmp_path / "n.yaml", Nosy, kind="nosy", context={"more": 1})
    assert seen == {"path": tmp_path / "n.yaml", "more": 1}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0600", "0600"), ("0001", "0001"), ("06:00", "06:00"), ("no", "no"), ("on", "on"), ("y", "y"),
        ("2024-06-03", "2024-06-03"), ("20240603", 20240603), ("0", 0), ("-1", -1), ("1.5", 1.5), ("1e3", 1000.0),
        ("true", True), ("False", False), ("null", None), ("", None), ("~", None), ("0x10", "0x10"), ("1_000", "1_000"),
        ("0.25/0.25", "0.25/0.25"), ("'1'", "1"), (".inf", float("inf")),
    ],
)  # fmt: skip
def test_scalars_are_what_people_who_write_requests_mean(written, value):
    assert read_yaml(f"key: {written}\n", "x")[0] == {"key": value}


def test_a_document_that_contains_itself_is_read_once():
    data, lines = read_yaml("a: &x\n  b: 1\n  c: *x\nd: *x\n", "x")
    assert data["a"]["c"] is data["a"]
    assert lines.at(("a", "b")) == "x:2"
    assert lines.at(("d", "b")) == "x:4"


plain = st.recursive(
    st.integers() | st.booleans() | st.text("abc xyz'\"#:-", max_size=8) | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abcd", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@pytest.mark.slow
@given(st.dictionaries(st.text("klmn", min_size=1, max_size=3), plain, min_size=1, max_size=4))
def test_what_yaml_writes_is_read_back_and_every_key_has_its_line(data):
    text = yaml.safe_dump(data, default_flow_style=False)
    back, lines = read_yaml(text, "x")
    assert back == data
    for key in data:
        line = int(lines.at((key,)).removeprefix("x:"))
        assert yaml.safe_load(text.splitlines()[line - 1].split(":")[0].removeprefix("? ")) == key


def test_importing_documents_loads_neither_pydantic_nor_yaml():
    code = "import sys, dtedask.core.documents; print([m for m in ('pydantic', 'yaml', 'dask') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
