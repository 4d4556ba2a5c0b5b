"""Recipes as documents: what they may say, where their paths lead, and what is said of mistakes."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from dtedask.core.errors import DocumentError
from dtedask.recipe import Recipe, load_recipe, parse_overrides
from dtedask.recipe.variables import expand

RECIPES = Path(__file__).parents[2] / "recipes"
PLAIN = "name: x\ninput: {demo: {}}\nroot: r\n"


@pytest.fixture
def write(tmp_path):
    def written(text, name="recipe.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return written


def fields(model, path=()):
    for name, info in model.model_fields.items():
        yield (*path, info.alias or name)


@pytest.mark.parametrize("key", [key for (key,) in fields(Recipe)])
def test_a_typo_in_any_key_is_refused_with_the_right_one_and_its_line(write, key):
    typo = f"{key[:-1]}{chr(ord(key[-1]) + 1)}" if len(key) < 6 else key[:2] + key[3:]
    with pytest.raises(DocumentError, match=f"recipe.yaml:4: unknown key '{typo}'. Did you mean '{key}'"):
        load_recipe(write(f"{PLAIN}{typo}: 1\n"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("layout: series", "layout: 'series' is not possible. Known are map, messages."),
        ("catalog: 3", "catalog: 3 is neither a path nor true or false."),
        ("pipelin: {}", "unknown key 'pipelin'. Did you mean 'pipeline'"),
        ("schema: {values: {codek: x}}", "unknown key 'codek' in schema.values. Did you mean 'codec'"),
        ("schema: nothing.yaml", "There is no schema file"),
        ("listeners: nothing.yaml", "There is no listeners file"),
        ("listeners: [{triggers: [{type: eco}]}]", "There is no trigger of the type 'eco'. Did you mean 'echo'"),
        ("listeners: [{request: {clas: ea}, triggers: [{type: echo}]}]", "Unknown request key 'clas'. Did you mean"),
    ],
)
def test_a_wrong_value_is_refused_with_its_line(write, line, message):
    with pytest.raises(DocumentError, match=rf"recipe.yaml:4: .*{message}"):
        load_recipe(write(f"{PLAIN}{line}\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "either 'files' or 'demo'"),
        ("{files: a, demo: {}}", "either 'files' or 'demo'"),
        ("{files: [a, b], watch: true}", "'watch' needs one folder"),
        ("{demo: {}, watch: true}", "'watch' needs one folder"),
        ("{files: a, unit: fil}", "Did you mean 'file'"),
        ("{demo: {member: 2}}", "Did you mean 'members'"),
        ("{demo: {date: 20240230}}", "Did you mean '20240229'"),
    ],
)
def test_an_input_that_makes_no_sense_is_refused(write, text, message):
    with pytest.raises(DocumentError, match=message):
        load_recipe(write(f"name: x\ninput: {text}\nroot: r\n"))


def test_paths_are_relative_to_the_file_of_the_recipe(write, tmp_path):
    write("listeners: [{triggers: [{type: echo}]}]\n", "who.yaml")
    text = "name: x\ninput: ../in/*.grib\nroot: out\nlisteners: ../who.yaml\ncatalog: c.yaml\n"
    recipe = load_recipe(write(text, "sub/recipe.yaml"))
    assert recipe.input.files == [str(tmp_path / "in" / "*.grib")]
    assert recipe.root == str(tmp_path / "sub" / "out")
    assert recipe.catalog == str(tmp_path / "sub" / "c.yaml")
    assert [listener.name for listener in recipe.listeners] == [f"{tmp_path / 'who.yaml'}#1"]


def test_urls_and_absolute_paths_stay(write):
    recipe = load_recipe(write("name: x\ninput: /a/b.grib\nroot: s3://bucket/prefix\n"))
    assert (recipe.input.files, recipe.root) == (["/a/b.grib"], "s3://bucket/prefix")


def test_variables_are_replaced_and_count_from_the_current_folder(write, tmp_path, monkeypatch):
    path = write("name: x\ninput: ${PLACE:-in}/a.grib\nroot: ${OTHER:-out}\n", "sub/recipe.yaml")
    monkeypatch.chdir(tmp_path)
    assert load_recipe(path).input.files == [str(tmp_path / "sub" / "in" / "a.grib")]
    monkeypatch.setenv("PLACE", "mine")
    assert load_recipe(path).input.files == [str(tmp_path / "mine" / "a.grib")]


def test_a_variable_that_is_not_set_is_named(write):
    with pytest.raises(DocumentError, match="recipe.yaml:3: root: the variable NO_SUCH is not set"):
        load_recipe(write("name: x\ninput: a\nroot: ${NO_SUCH}/b\n"))


def test_an_empty_variable_counts_as_not_set():
    assert expand("${A:-b}/c", {"A": ""}) == "b/c"
    assert expand("${A:-b}/${C}", {"A": "a", "C": "c"}) == "a/c"


def test_overrides_take_the_place_of_what_the_document_says(write, tmp_path, monkeypatch):
    path = write("name: x\ninput: {files: a, unit: all}\nroot: r\n", "sub/recipe.yaml")
    monkeypatch.chdir(tmp_path)
    recipe = load_recipe(
        path, parse_overrides(["root=there", "input.files=[b, c]", "input.unit=file", "catalog=false"])
    )
    assert recipe.root == str(tmp_path / "there")
    assert recipe.input.files == [str(tmp_path / "b"), str(tmp_path / "c")]
    assert (recipe.input.unit, recipe.catalog) == ("file", False)


def test_a_wrong_override_is_told_from_a_wrong_document(write):
    path = write(PLAIN)
    with pytest.raises(DocumentError, match="With rot=there: .* unknown key 'rot'. Did you mean 'root'"):
        load_recipe(path, parse_overrides(["rot=there"]))
    with pytest.raises(DocumentError, match="^'root' sets nothing. Write key=value"):
        parse_overrides(["root"])
    with pytest.raises(DocumentError, match="recipe.yaml:4: unknown key"):
        load_recipe(write(f"{PLAIN}rot: x\n"), parse_overrides(["root=there"]))


def test_listeners_of_one_name_are_refused(write):
    twice = "listeners: [{name: a, triggers: [{type: echo}]}, {name: a, triggers: [{type: echo}]}]\n"
    with pytest.raises(DocumentError, match="the name 'a' is given to two listeners"):
        load_recipe(write(PLAIN + twice))


def test_the_json_schema_names_every_key_and_what_may_stand_in_place_of_a_section():
    schema = json.loads(json.dumps(Recipe.json_schema()))
    assert set(schema["properties"]) == {key for (key,) in fields(Recipe)}
    for key in ("input", "schema", "listeners", "catalog"):
        assert {"type": "string"} in schema["properties"][key]["anyOf"]
    assert {"type": "string"} in schema["$defs"]["Input"]["properties"]["files"]["anyOf"]
    assert all(found.get("description") for found in schema["properties"].values())


def test_a_missing_document_names_its_neighbours(write, tmp_path):
    write(PLAIN, "demo.yaml")
    with pytest.raises(DocumentError, match=r"There is no recipe file .*demmo.yaml'. Did you mean 'demo.yaml'"):
        load_recipe(Path(tmp_path, "demmo.yaml"))


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_json_schema_takes_the_recipes_as_they_are(path):
    jsonschema.Draft202012Validator(Recipe.json_schema()).validate(yaml.safe_load(path.read_text()))
