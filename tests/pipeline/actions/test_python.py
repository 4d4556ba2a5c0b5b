"""A function of the user in a plan: found without running it, called where the fields are, pure."""

import pickle
import sys

import numpy as np
import pytest

from dtedask.core.errors import DocumentError, FieldError, PlanError
from dtedask.pipeline import Context, Message, Plan
from dtedask.pipeline.action import make_action
from dtedask.pipeline.graph import Graph
from dtedask.testing import ActionSuite
from tests.pipeline.fields import field

FUNCTIONS = """
raise_at_import = False

def scaled(keys, values, factor=1.0, *, offset=0.0):
    return values * factor + offset

def both(keys, values):
    return [values, -values]

def named(keys, values):
    return [({**keys, "step": "99"}, values + 1), ({**keys, "param": "166"}, values)]

def wrong(keys, values):
    raise ValueError("no good")

def cut(keys, values):
    return values[:1]

def writes(keys, values):
    values[:] = 0
    return values

def nothing(keys, values):
    keys["step"] = "changed"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "functions.py").write_text(FUNCTIONS)
    return tmp_path


def make(folder, function, **options):
    return make_action(
        {"type": "python", "function": function, "file": "functions.py", **options}, Context(folder=folder)
    )


def results(action, *messages):
    from dtedask.pipeline.compute import Eager

    return [out for message in messages for out in action.handle(message, None, Eager())]


class TestPython(ActionSuite):
    @pytest.fixture
    def action(self, folder):
        return make(folder, "scaled", factor=2.0, offset=0.5)

    @pytest.fixture
    def messages(self):
        return [field(step="0"), Message.flush("step", step="0"), field(step="6")]

    def test_every_option_is_described_and_in_the_schema(self, action):
        schema = type(action.options).model_json_schema()
        assert all("description" in option for name, option in schema["properties"].items() if name != "on-error")


class TestSeveralResults(TestPython):
    @pytest.fixture
    def action(self, folder):
        return make(folder, "both", results=[{}, {"param": "2d"}])


class TestPairs(TestPython):
    @pytest.fixture
    def action(self, folder):
        return make(folder, "named", returns="pairs")


def test_the_values_are_those_that_the_function_gives(folder):
    (out,) = results(make(folder, "scaled", factor=3.0, offset=1.0), field([[1.0, 2.0], [3.0, np.nan]]))
    np.testing.assert_array_equal(out.values, [[4.0, 7.0], [10.0, np.nan]])


def test_results_have_the_keys_of_the_plan_and_names_of_their_parameter(folder):
    first, second = results(make(folder, "both", results=[{"step": 12}, {"param": "2d"}]), field(param="167"))
    assert (first.keys["step"], first.keys["param"]) == ("12", "167")
    assert (second.keys["param"], second.description.short_name) == ("168", "2d")
    np.testing.assert_array_equal(second.values, -first.values)


def test_pairs_have_the_keys_of_the_function(folder):
    first, second = results(make(folder, "named", returns="pairs"), field(param="167", step="6"))
    assert (first.keys["step"], second.keys["step"]) == ("99", "6")
    assert (second.keys["param"], second.description.short_name) == ("166", "10v")


def test_pairs_on_an_archive_are_an_error_that_says_what_to_write(folder):
    graph = Graph()
    message = field().replaced(values=graph.node(np.zeros(3)))
    with pytest.raises(PlanError, match=r"gives pairs.* say in the plan what it gives: results"):
        list(make(folder, "named", returns="pairs").handle(message, None, graph))


@pytest.mark.parametrize(
    ("function", "options", "said"),
    [
        (
            "wrong",
            {},
            r"functions\.py: wrong\(\) failed in line 14: ValueError: no good, at the field class=od,.*step=0",
        ),
        ("cut", {}, r"cut\(\) gives an array of shape \(1, 4\) for a field of \(3, 4\), at the field"),
        ("writes", {}, r"writes\(\) failed in line 20: ValueError: assignment destination is read-only"),
        ("nothing", {}, r"nothing\(\) gives nothing instead of an array of numbers"),
        (
            "scaled",
            {"results": [{}]},
            r"scaled\(\) gives an object of the type ndarray, and the plan expects 1 results",
        ),
        ("scaled", {"returns": "pairs"}, r"scaled\(\) gives an object of the type ndarray, and the plan expects pairs"),
        ("both", {"results": [{}]}, r"both\(\) gives an object of the type list, and the plan expects 1 results"),
    ],
)
def test_a_function_that_fails_is_named_with_its_file_and_field(folder, function, options, said):
    with pytest.raises(FieldError, match=said):
        results(make(folder, function, **options), field())


def test_keys_that_a_function_changes_are_those_of_a_copy(folder):
    message = field()
    with pytest.raises(FieldError, match="gives nothing"):
        results(make(folder, "nothing"), message)
    assert message.keys["step"] == "0"


def plan(folder, **options):
    text = "".join(f"  {key}: {value}\n" for key, value in options.items())
    (folder / "plan.yaml").write_text(f"actions:\n- type: python\n{text}")
    return Plan.from_yaml(folder / "plan.yaml")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"function": "scald", "file": "functions.py"},
            r"plan\.yaml:2: .*function 'scald'\. Did you mean 'scaled'",
        ),
        ({"function": "scaled", "file": "function.py"}, r"There is no file 'function\.py' .*mean 'functions\.py'\?"),
        (
            {"function": "scaled", "file": "functions.py", "facto": 2},
            r"no argument 'facto'\. Did you mean 'factor'",
        ),
        ({"function": "scaled"}, r"'scaled' says not where the function is\. Write package\.module:name"),
        ({"function": "no_such_package:f"}, r"There is no module 'no_such_package'"),
        ({"function": "numpy:no_such_name"}, r"numpy has no function 'no_such_name'"),
        ({"function": "lonely", "file": "functions.py"}, r"lonely\(\) of functions\.py takes 1 arguments in order"),
        ({"function": "needs", "file": "functions.py"}, r"needs\(\) of functions\.py needs the argument 'how'"),
        ({"function": "x", "file": "broken.py"}, r"broken\.py:1 is no Python"),
    ],
)
def test_what_is_wrong_with_a_function_is_said_when_the_plan_is_read(folder, options, said):
    (folder / "functions.py").write_text(FUNCTIONS + "def lonely(keys): pass\ndef needs(keys, values, how): pass\n")
    (folder / "broken.py").write_text("def f(:\n")
    with pytest.raises(DocumentError, match=said):
        plan(folder, **options)


def test_reading_a_plan_runs_nothing_of_it(folder):
    (folder / "functions.py").write_text("raise RuntimeError('run')\ndef f(keys, values):\n    return values\n")
    read = plan(folder, function="f", file="functions.py")
    with pytest.raises(FieldError, match=r"functions\.py of the plan cannot be run: RuntimeError: run"):
        read.run([field()])


def test_the_function_travels_with_its_text(folder):
    action = make(folder, "scaled", factor=2.0)
    data = pickle.dumps(action)
    (folder / "functions.py").unlink()
    (out,) = results(pickle.loads(data), field([[1.0]]))
    assert out.values.item() == 2.0


def test_a_function_of_a_module_is_called(tmp_path, monkeypatch):
    package = tmp_path / "of_a_user_for_plans"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "changes.py").write_text("def negative(keys, values):\n    return -values\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    action = make_action({"type": "python", "function": "of_a_user_for_plans.changes:negative"}, Context())
    assert "of_a_user_for_plans.changes" not in sys.modules
    (out,) = results(action, field([[1.0]]))
    assert out.values.item() == -1.0


def test_the_text_of_the_function_counts_in_the_digest(folder):
    before = plan(folder, function="scaled", file="functions.py").digest
    (folder / "functions.py").write_text(FUNCTIONS + "# more\n")
    assert plan(folder, function="scaled", file="functions.py").digest != before
