"""Every command has help with an example, and every example runs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dtedask.cli.app import command
from dtedask.cli.reference import reference
from dtedask.products.ledger import Ledger
from dtedask.products.ledger.place import state_folder

BIN = Path(sys.executable).parent
REPOSITORY = Path(__file__).parents[2]


def commands(group, path=()):
    """Every command with the words that call it."""
    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from commands(found, (*path, name))
        else:
            yield (*path, name), found


COMMANDS = dict(commands(command()))


def examples_of(found):
    _, _, text = found.help.partition("\b\n")
    return [line.strip() for line in text.splitlines()[1:] if line.strip()]


EXAMPLES = [example for found in COMMANDS.values() for example in examples_of(found)]


def test_every_command_has_an_example_that_calls_it():
    for words, found in COMMANDS.items():
        assert any(f"dtedask {' '.join(words)}" in example for example in examples_of(found)), words


def test_every_option_has_help():
    for words, found in COMMANDS.items():
        for parameter in found.params:
            assert parameter.help or parameter.name == "help", (words, parameter.name)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_help_is_shown_with_its_examples_line_by_line(run, words):
    shown = run(" ".join(words), "--help")
    assert shown.status == 0
    for example in examples_of(COMMANDS[words]):
        assert f"  {example}\n" in shown.out


def test_what_writes_can_be_run_dry():
    writing = {("ingest",), ("listen",), ("plot",), ("demo",), ("recipe", "run"), ("recipe", "submit")}
    writing |= {
        ("catalog", "rebuild"),
        ("store", "archive"),
        ("store", "read"),
        ("store", "retrieve"),
        ("store", "wipe"),
        ("store", "rollback"),
    }
    writing |= {("store", "branch", "create"), ("store", "branch", "delete"), ("store", "tag"), ("store", "untag")}
    writing |= {("store", "lock"), ("store", "unlock"), ("store", "purge"), ("store", "relocate"), ("store", "roots")}
    writing |= {("store", "copy"), ("store", "move"), ("store", "import-fdb"), ("store", "rechunk")}
    writing |= {
        ("store", "virtualize"),
        ("store", "kerchunk"),
        ("store", "hide"),
        ("store", "overlay"),
        ("store", "patch"),
    }
    writing |= {("store", "schema", "import"), ("store", "schema", "update")}
    writing |= {("plan", "run"), ("plan", "replay"), ("plan", "feed"), ("plan", "hammer")}
    writing |= {
        ("products", "run"),
        ("products", "forget"),
        ("notify", "retry"),
        ("notify", "recover"),
        ("notify", "send"),
    }
    writing |= {("regrid",), ("weights", "make"), ("weights", "purge"), ("grid", "mesh"), ("plot",)}
    writing |= {("cluster", "start"), ("cluster", "scale"), ("cluster", "stop")}
    for words, found in COMMANDS.items():
        assert ("dry_run" in {parameter.name for parameter in found.params}) == (words in writing), words


def test_the_reference_is_what_the_help_says():
    page = REPOSITORY / "docs" / "reference" / "cli.md"
    assert page.read_text() == reference(), "write it anew: python -m dtedask.cli.reference > docs/reference/cli.md"


MAKE_FDB = """
import json, pathlib, pyfdb
folder = pathlib.Path.cwd()
(folder / "fdb").mkdir()
keys = "param: Param; step: Step; date: Date; time: Time; expver: Expver; levelist: Double; number: Integer;"
levels = "[ class, expver, stream, date, time, domain? [ type, levtype [ step, number?, levelist?, param ]]]"
(folder / "fdb" / "schema").write_text(keys + levels)
spaces = [{"handler": "Default", "roots": [{"path": str(folder / "fdb")}]}]
config = {"type": "local", "engine": "toc", "schema": str(folder / "fdb" / "schema"), "spaces": spaces}
(folder / "fdb.yaml").write_text(json.dumps(config))
fdb = pyfdb.FDB(folder / "fdb.yaml")
fdb.archive((folder / "forecast.grib2").read_bytes())
fdb.flush()
"""


REQUIREMENTS = """
requirements:
  - name: temperature
    owner: alice
    request: {class: ea, stream: enda, type: an, levtype: pl, param: t, levelist: 500, number: 0}
    area: 60/0/0/90
    file: "{date}{time}.grib2"
"""
PLAN = "actions: [{type: aggregate}, {type: sink, sinks: [{type: cube, url: made}]}]\n"


@pytest.fixture(scope="module")
def place(grib, root, tmp_path_factory):
    """A folder with all that the examples name."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(grib, folder, dirs_exist_ok=True)
    shutil.copytree(REPOSITORY / "recipes", folder / "recipes")
    (folder / "expect.yaml").write_text(
        "expect: [{name: run, request: {class: ea, time: 0, param: t}, deadline: 6h}]\n"
    )
    (folder / "listeners.yaml").write_text("listeners:\n  - triggers: [{type: echo}]\n")
    keys = "identifier: {country: {type: string, required: true}, number: {type: integer}}"
    (folder / "events.yaml").write_text(f"flight:\n  {keys}\n  payload: {{required: false}}\n")
    (folder / "flights.jsonl").write_text('{"event": "flight", "country": "italy", "number": 3}\n' * 2)
    bash("dtedask ingest forecast.grib2 more --root data", folder)
    bash("dtedask notify send @flights.jsonl --root data --schema events.yaml", folder)
    failing = "command: mkdir plots, retries: 0"  # the folder is there from the first time on
    (folder / "failing.yaml").write_text(f"listeners:\n  - {{name: l, triggers: [{{type: command, {failing}}}]}}\n")
    bash("mkdir plots; ! dtedask listen failing.yaml --root data --catchup --once; rmdir plots", folder)
    bash("dtedask recipe run recipes/ensemble-analyses.yaml --set root=data --set input.files=more", folder)
    bash("dtedask store virtualize forecast.grib2 more --root virtual", folder)
    bash("dtedask catalog rebuild --root data --catalog catalogs/demo.yaml", folder)
    bash("dtedask store branch create test --root data", folder)
    shutil.copy(folder / "forecast.grib2", folder / "in.grib2")
    (folder / "plans").mkdir()
    for name in ("plan", "plans/daily", "plans/monthly"):
        (folder / f"{name}.yaml").write_text(PLAN)
    bash("dtedask plan run plan.yaml --input in.grib2 --output data", folder)
    (folder / "requirements").mkdir()
    for name in ("requirements.yaml", "requirements/alice.yaml"):
        (folder / name).write_text(REQUIREMENTS)
    with Ledger(state_folder(folder / "out")) as ledger:
        assert ledger.products() == []  # and is there
    (folder / "schema.yaml").write_text("parameters:\n  tp: {dtype: float64}\n")
    (folder / "fdb-schema").write_text("step: Step;\n[ class, date [ type, levtype [ step, levelist?, param ]]]\n")
    bash("dtedask store tag before-upgrade --root data", folder)
    bash("dtedask store lock class=ea,date=20180101 --root data", folder)
    (folder / "somewhere").mkdir()
    subprocess.run([sys.executable, "-c", MAKE_FDB], cwd=folder, check=True, capture_output=True)
    (folder / "roots.yaml").write_text("spaces:\n  - roots: [data, second]\n")
    bash("dtedask store roots --root roots.yaml --create", folder)
    bash("dtedask store hide class=ea,date=20180101 --root data --doit", folder)
    bash("dtedask store overlay class=ea,stream=enda,expver=1 class=rd,expver=seen --root data --doit", folder)
    return folder


def bash(line, folder):
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "DTEDASK_DATA": "more"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done


SUBMITTED = [
    example
    for name in ("submit", "status", "follow")
    for example in examples_of(COMMANDS["recipe", name])
    if "--dry-run" not in example  # they need a SLURM: docs/how-to/submit-a-recipe.md runs them
]
KEPT = [example for name in ("start", "status", "scale", "stop") for example in examples_of(COMMANDS["cluster", name])]
NEEDS_A_SHELL = [example for example in EXAMPLES if set("|>") & set(example)]
TAKES_TIME = [example for example in EXAMPLES if "local-cluster" in example or "demo" in example.split()]
INTERRUPTED = [
    example
    for name in ("run", "replay")
    for example in examples_of(COMMANDS["plan", name])
    # docs/how-to/restart-a-plan.md has a run that broke off; what follows a root never ends: test_plan_run.py.
    if name == "replay" or "--resume" in example or "--follow" in example
]
SERVING = examples_of(COMMANDS["notify", "serve"])  # it never ends: tests/serve/notify
SERVED = [example for example in EXAMPLES if "--url http" in example]  # test_notify.py
RUN_ELSEWHERE = KEPT + SUBMITTED + INTERRUPTED + SERVING + SERVED


@pytest.mark.slow
@pytest.mark.parametrize("example", [one for one in EXAMPLES if one not in NEEDS_A_SHELL + TAKES_TIME + RUN_ELSEWHERE])
def test_every_example_runs(run, place, example, tmp_path, monkeypatch):
    # A copy, so that the examples do not need each other.
    shutil.copytree(place, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("DTEDASK_DATA", "more")
    done = run(example.removeprefix("dtedask "))
    assert done.status == 0, done.err


@pytest.mark.slow
@pytest.mark.parametrize("example", [one for one in NEEDS_A_SHELL + TAKES_TIME if one not in RUN_ELSEWHERE])
def test_every_longer_example_runs(place, example, tmp_path):
    shutil.copytree(place, tmp_path / "here")
    bash(example, tmp_path / "here")


@pytest.mark.slow
def test_the_examples_of_kept_clusters_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.setenv("DASK_DTEDASK__JOBS__FOLDER", str(tmp_path / "jobs"))
    try:
        for example in KEPT:
            bash(example, tmp_path)
    finally:
        bash("dtedask cluster stop --all --force", tmp_path)
