"""A bar in a notebook, and none elsewhere."""

import sys
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace

import pytest

from dtedask.core.notebook import NotebookBar, notebook_bar
from dtedask.core.stages import listening_to_stages, note, stage
from dtedask.store import Progress


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


def test_the_bar_shows_stage_note_and_fields_and_escapes_them():
    shown = []
    bar = NotebookBar(shown.append, Clock())
    with listening_to_stages(bar), stage("write", detail="<cube>"):
        assert "<progress></progress> write &lt;cube&gt;" in shown[-1]
        note("0 of 4 workers")
        assert "write &lt;cube&gt;: 0 of 4 workers" in shown[-1]
        bar.progressed(Progress(100, 400, 10, 40, 10.0))
        assert '<progress value="100" max="400"></progress> 100 of 400 fields, 1 B/s, 30 s left' in shown[-1]
    bar.end("done")
    assert shown[-1].startswith("<div>100 fields done in ")


def test_it_is_not_drawn_more_than_a_few_times_a_second():
    shown = []
    bar = NotebookBar(shown.append, lambda: 1.0)
    for number in range(100):
        bar.progressed(Progress(number, 400, 10, 40, 10.0))
    assert len(shown) == 1


@dataclass
class Handle:
    shown: list

    def update(self, data, raw):
        assert raw
        self.shown.append(data["text/html"])


def fake_notebook(monkeypatch, kernel=True):
    shown = []

    def display(data, raw, display_id):
        assert raw
        assert display_id
        return Handle(shown)

    ipython, module = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object()) if kernel else SimpleNamespace()
    ipython.display = module
    module.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    return shown


def test_in_a_notebook_it_is_drawn_below_the_cell(monkeypatch):
    shown = fake_notebook(monkeypatch)
    with notebook_bar(), stage("survey"):
        pass
    assert "survey" in shown[0]
    assert shown[-1].startswith("<div>done in")
    with pytest.raises(OSError, match="full"), notebook_bar():
        raise OSError("full")
    assert shown[-1].startswith("<div>failed in")


def test_elsewhere_there_is_none(monkeypatch):
    with notebook_bar() as bar:
        assert bar is None
    fake_notebook(monkeypatch, kernel=False)  # IPython at a terminal
    with notebook_bar() as bar:
        assert bar is None


@pytest.mark.slow
def test_a_recipe_that_runs_in_a_notebook_shows_it(monkeypatch, tmp_path):
    from dtedask.recipe import load_recipe, run_recipe

    shown = fake_notebook(monkeypatch)
    demo = {"steps": [0], "members": 1, "levels": [500], "degrees": 30}
    run_recipe(load_recipe({"name": "small", "root": str(tmp_path / "r"), "input": {"demo": demo}}))
    assert shown[-1].startswith("<div>done in")
