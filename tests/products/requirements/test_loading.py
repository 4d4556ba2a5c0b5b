"""Requirements from YAML: what they become, and what is said of broken ones."""

import pickle
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.documents import read_yaml
from dtedask.core.errors import DocumentError
from dtedask.products import Cycle
from dtedask.products.requirements import load_requirements

WHOLE = """
description: What a user ordered.
defaults: {class: od, stream: oper, type: fc, expver: 1, levtype: sfc, accuracy: 12, owner: met}
areas: {home: 50/0/40/10}
requirements:
- name: surface
  request: {param: [2t, tp], step: 0/to/12/by/6, time: [0000, 1200]}
  grid: 0.1/0.1
  area: europe
  interpolation: nn
  packing: ccsds
  delivery: [/data/out, {type: s3, url: "s3://bucket/out"}]
  deadline: +7h
  priority: 3
  file: "{owner}/{shortName}-{step:03}{suffix}"
- {name: home, param: 2t, area: home, format: csv}
"""


def only(text, **options):
    found = load_requirements(text, **options)
    assert found.broken == ()
    return found.valid


def broken(text):
    return load_requirements(text).broken


def test_a_requirement_has_all_that_it_and_the_defaults_say():
    surface, home = only(WHOLE)
    assert dict(surface.request) == {
        "class": ("od",),
        "stream": ("oper",),
        "expver": ("0001",),
        "type": ("fc",),
        "levtype": ("sfc",),
        "time": ("0000", "1200"),
        "step": ("0", "6", "12"),
        "param": ("167", "tp"),
    }
    assert (surface.how.grid, surface.how.area, surface.how.interpolation) == (
        "0.1x0.1",
        (75.0, -12.5, 35.0, 42.5),
        "nearest",
    )
    assert (surface.format.accuracy, surface.format.packing) == (12, "ccsds")
    assert [place.type for place in surface.delivery] == ["folder", "s3"]
    assert surface.deadline == timedelta(hours=7)
    assert (surface.owner, surface.priority, surface.place) == ("met", 3, "<requirements>:6")
    assert home.how.area == (50.0, 0.0, 40.0, 10.0)


def test_defaults_that_a_format_does_not_have_are_left_out_and_what_a_requirement_says_is_not():
    assert only(WHOLE)[1].format.type == "csv"
    (one,) = broken("{name: a, param: 2t, format: csv, accuracy: 3}")
    assert "the format 'csv' has no 'accuracy'" in one.message


def test_each_broken_requirement_is_named_with_the_line_of_each_mistake_and_stops_no_other(tmp_path):
    file = tmp_path / "orders.yaml"
    file.write_text("""
defaults: {class: od}
requirements:
- name: good
  param: 2t
- name: words
  param: 2tt
  aera: europe
- name: values
  param: tp
  frame: -1
  area: eurpe
- name: good
  param: tp
""")
    found = load_requirements(file)
    assert [one.name for one in found] == ["good"]
    assert [(one.name, one.place) for one in found.broken] == [
        ("words", f"{file}:8"),
        ("values", f"{file}:12"),
        ("good", f"{file}:13"),
    ]
    said = [str(one) for one in found.broken]
    assert f"{file}:7: Unknown parameter '2tt'. Did you mean '2t'" in said[0]
    assert "Did you mean 'area'?" in said[0]
    assert "Did you mean 'europe'?" in said[1]
    assert f"{file}:11: frame" in said[1]
    assert f"that of another requirement, at {file}:4" in said[2]


def test_a_mistake_in_the_defaults_is_shown_where_it_stands_for_those_that_have_it_from_there():
    text = "defaults:\n  param: 2t\n  grid: O12x\nrequirements:\n- name: a\n- {name: b, grid: O320}\n"
    found = load_requirements(text)
    assert [one.name for one in found] == ["b"]
    assert [(one.name, one.place) for one in found.broken] == [("a", "<requirements>:3")]


@pytest.mark.parametrize(
    "wrong",
    ["- {name: 'bad, param: 2t}", "- {name: bad", "- name: bad\n   param: 2t\n  x: ]", "- name: bad\n  param: *no"],
)
def test_one_that_is_no_yaml_does_not_stop_the_others(wrong):
    text = f"defaults: {{class: od}}\nrequirements:\n- {{name: a, param: 2t}}\n{wrong}\n- {{name: b, param: 2t}}\n"
    found = load_requirements(text)
    assert [one.name for one in found] == ["a", "b"]
    assert all(one.request["class"] == ("od",) for one in found)
    (one,) = found.broken
    assert "no valid YAML" in one.message
    assert one.place.startswith("<requirements>:")


def test_one_that_is_no_yaml_stops_no_other_of_several_documents():
    text = "defaults: {class: od}\nrequirements:\n- {name: a, param: 2t}\n- {name: 'b\n---\n"
    text += "--- # more\ndefaults: {class: rd}\nrequirements:\n- {name: c, param: 2t\n- {name: d, param: tp}\n"
    found = load_requirements(text)
    assert [(one.name, one.request["class"][0], one.place) for one in found] == [
        ("a", "od", "<requirements>:3"),
        ("d", "rd", "<requirements>:10"),
    ]
    assert [one.name for one in found.broken] == ["b", "c"]


def test_a_file_that_is_no_yaml_at_all_is_an_error_with_its_line():
    with pytest.raises(DocumentError, match="<requirements>:3: no valid YAML"):
        load_requirements("defaults: [\nrequirements: x\n")


def test_empty_values_take_defaults_away():
    (one,) = only("defaults: {param: 2t, area: europe, step: 6}\nrequirements:\n- {name: a, area: , step: ~}\n")
    assert one.how.area is None
    assert "step" not in one.request


def test_merge_keys_and_anchors_are_those_of_yaml():
    one, two = only("requirements:\n- &x {name: a, param: 2t, grid: 1/1}\n- {<<: *x, name: b, param: tp}\n")
    assert two.how is one.how
    assert two.request["param"] == ("tp",)


def test_requirements_without_a_name_are_called_by_what_they_say():
    text = "requirements:\n- {param: 2t, owner: me}\n- {param: tp, owner: me}\n"
    one, two = only(text)
    assert one.name.startswith("me-")
    assert one.name != two.name
    assert only("requirements:\n- {param: tp, owner: me}\n")[0].name == two.name


def test_equal_keywords_are_one_object():
    text = "requirements:\n- {name: a, param: 2t, grid: 1/1}\n- {name: b, param: tp, grid: 1/1}\n"
    one, two = only(text)
    assert one.how is two.how
    assert one.format is two.format


def test_the_digest_is_of_what_is_made_only():
    text = "{{name: {name}, param: 2t, grid: {grid}, delivery: {place}, priority: {priority}, deadline: +1h}}"
    one, same, other = (
        only(text.format(name=name, grid=grid, place=place, priority=priority))[0]
        for name, grid, place, priority in (("a", "1/1", "/a", 1), ("b", "1.0/1", "/b", 2), ("a", "2/2", "/a", 1))
    )
    assert one.digest == same.digest
    assert one.digest != other.digest


def test_the_digest_of_all_does_not_count_their_order():
    items = ["- {name: a, param: 2t}", "- {name: b, param: tp}"]
    one, two = (load_requirements("\n".join(["requirements:", *lines])) for lines in (items, items[::-1]))
    assert one.digest == two.digest
    assert one.digest != load_requirements("requirements:\n" + items[0]).digest


def test_files_folders_globs_several_documents_and_mappings_are_read(tmp_path):
    (tmp_path / "a.yaml").write_text("requirements:\n- {name: a, param: 2t}\n---\n- {name: b, param: 2t}\n")
    (tmp_path / "b.req").write_text("disseminate, name=c, param=2t\n")
    (tmp_path / "notes.txt").write_text("no requirement")
    for source in (tmp_path, str(tmp_path / "*.[yr]*"), [tmp_path / "a.yaml", str(tmp_path / "b.req")]):
        assert sorted(one.name for one in only(source)) == ["a", "b", "c"]
    assert [
        one.name for one in only([{"name": "d", "param": "2t"}, {"requirements": [{"name": "e", "param": 130}]}])
    ] == ["d", "e"]


def test_a_file_is_read_once_and_hidden_ones_are_not(tmp_path):
    (tmp_path / "a.yaml").write_bytes("\ufeffname: a\r\nparam: 2t\r\n".encode())
    (tmp_path / ".#a.yaml").write_text("{name: b, param: 2t}")
    assert [one.name for one in only([tmp_path, tmp_path / "a.yaml", str(tmp_path / "*.yaml")])] == ["a"]


def test_a_path_may_look_like_a_text(tmp_path):
    folder = tmp_path / "class=od, type: fc"
    folder.mkdir()
    (folder / "a.yaml").write_text("{name: a, param: 2t}")
    assert only(str(folder))[0].name == only(str(folder / "a.yaml"))[0].name == "a"


def test_a_part_of_another_document_has_the_lines_of_that():
    text = "other: 1\nproducts:\n  requirements:\n  - {name: a, param: 2t}\n  - name: b\n    param: 2tt\n"
    data, lines = read_yaml(text, "recipe.yaml")
    found = load_requirements(data["products"], lines=lines, at=("products",))
    assert found.valid[0].place == "recipe.yaml:4"
    assert found.broken[0].place == "recipe.yaml:6"


def test_a_notebook_shows_what_is_good_and_what_is_broken_without_its_tags():
    found = load_requirements("requirements:\n- {name: <a>, param: 2t, grid: 1/1}\n- {name: b, grid: <x>}\n")
    shown = found._repr_html_()
    assert "<td>&lt;a&gt;</td>" in shown
    assert "param=167" in shown
    assert "1 valid, 1 broken" in shown
    assert "There is no grid &#x27;&lt;x&gt;&#x27;" in shown


def test_requirements_travel():
    for one in only(WHOLE):
        again = pickle.loads(pickle.dumps(one))
        assert (again.name, again.request, again.how, again.format, again.delivery, again.deadline, again.digest) == (
            one.name,
            one.request,
            one.how,
            one.format,
            one.delivery,
            one.deadline,
            one.digest,
        )


def test_many_requirements_keep_their_order_and_share_what_is_equal():
    areas = [f"{north}/0/{north - 10}/10" for north in range(20, 60)]
    lines = [f"- {{name: n{n}, owner: u{n % 7}, param: 2t, step: 6, area: {areas[n % 40]}}}" for n in range(2000)]
    found = only("requirements:\n" + "\n".join(lines))
    assert [one.name for one in found] == [f"n{n}" for n in range(2000)]
    assert len({id(one.how) for one in found}) == 40
    assert len({id(one.format) for one in found}) == 1


def test_a_source_that_is_not_there_is_an_error(tmp_path):
    (tmp_path / "orders.yaml").write_text("")
    with pytest.raises(DocumentError, match="Did you mean 'orders.yaml'"):
        load_requirements(tmp_path / "order.yaml")
    with pytest.raises(DocumentError, match="unknown key 'requirment'"):
        load_requirements("defaults: {}\nrequirment: []\n")
    with pytest.raises(DocumentError, match="no source of requirements"):
        load_requirements([3])


def test_those_that_are_switched_off_are_not_there():
    assert only("requirements:\n- {name: a, param: 2t, enabled: false}\n- {name: b, param: 2t}")[0].name == "b"


@pytest.mark.parametrize(
    ("text", "base", "due"),
    [
        ("+7h", "2024-06-03T00", "2024-06-03T07"),
        ("1h30m", "2024-06-03T12", "2024-06-03T13:30"),
        ("06:30", "2024-06-03T00", "2024-06-03T06:30"),
        ("06:30", "2024-06-03T12", "2024-06-04T06:30"),
        ("06:30+1d", "2024-06-03T00", "2024-06-04T06:30"),
        ("06:30+0d", "2024-06-03T12", "2024-06-03T06:30"),
    ],
)
def test_deadlines_are_after_the_base_time_or_at_a_time_of_day(text, base, due):
    (one,) = only(f"{{name: a, param: 2t, deadline: {text}}}")
    assert one.due(Cycle(datetime.fromisoformat(base).replace(tzinfo=UTC))) == datetime.fromisoformat(due).replace(
        tzinfo=UTC
    )


@pytest.mark.slow
@given(st.text(max_size=30))
def test_no_deadline_is_read_but_those_of_these_forms(text):
    from dtedask.products.requirements.deadlines import read_deadline

    try:
        found = read_deadline(text)
    except DocumentError:
        return
    assert found is not None


@pytest.mark.parametrize("number", range(0, 30, 3))
def test_whatever_is_broken_among_many_the_others_are_there(number):
    names = [f"n{place}" for place in range(30)]
    lines = [f"- {{name: {name}, param: 2t, step: 6}}" for name in names]
    lines[number] = f"- {{name: n{number}, param: 2t, step: x, grid: }}"
    found = load_requirements("requirements:\n" + "\n".join(lines))
    assert [one.name for one in found] == names[:number] + names[number + 1 :]
    assert [(one.name, one.place) for one in found.broken] == [(f"n{number}", f"<requirements>:{number + 2}")]
