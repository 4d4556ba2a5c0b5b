"""The project keeps its own rules: dependencies, layers, sizes, names, and what `make` says on a bare machine."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import dtedask

REPOSITORY = Path(__file__).parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
MODULES = sorted((REPOSITORY / "dtedask").rglob("*.py"))

# Names on conda-forge that differ from those on PyPI.
CONDA_NAMES = {
    "eccodes": "python-eccodes",
    "eccodeslib": "eccodes",
    "matplotlib": "matplotlib-base",
    "PyYAML": "pyyaml",
    "prometheus-client": "prometheus_client",
}


def requirements(*, dev):
    project = PROJECT["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    return [Requirement(line) for line in lines + (PROJECT["dependency-groups"]["dev"] if dev else [])]


def test_conda_users_get_what_pip_users_get():
    entries = yaml.safe_load((REPOSITORY / "environment.yml").read_text())["dependencies"]
    conda = {found.name: found.specifier for found in map(Requirement, entries)}
    assert conda.pop("python") == PROJECT["project"]["requires-python"]
    assert conda.pop("pip") == ""
    assert conda == {CONDA_NAMES.get(found.name, found.name): found.specifier for found in requirements(dev=False)}


def locked():
    text = (REPOSITORY / "requirements.lock").read_text()
    return {
        canonicalize_name(found.name): found
        for found in map(Requirement, (line for line in text.splitlines() if line and not line.startswith("#")))
    }


def test_the_lock_has_an_exact_version_of_everything_that_fits_what_the_project_asks_for():
    lock = locked()
    for found in lock.values():
        assert re.fullmatch(r"==[^*,]+", str(found.specifier)), found
    for wanted in requirements(dev=True):
        pinned = str(lock[canonicalize_name(wanted.name)].specifier).removeprefix("==")
        assert wanted.specifier.contains(pinned, prereleases=True), f"{wanted} but the lock has {pinned}: make lock"


def test_the_lock_names_no_index_and_no_place_on_a_machine():
    text = "\n".join(line for line in (REPOSITORY / "requirements.lock").read_text().splitlines() if line[:1] != "#")
    assert not re.search(r"://|^-|@|/", text, re.MULTILINE)


@pytest.mark.slow
def test_packages_import_only_what_lies_below_them_and_libraries_have_one_home(monkeypatch):
    from importlinter.cli import lint_imports

    monkeypatch.chdir(REPOSITORY)
    assert lint_imports(cache_dir=None, show_timings=False) == 0


def test_modules_stay_short_enough_to_read():
    long = {str(path.relative_to(REPOSITORY)): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: lines for name, lines in long.items() if lines > 800} == {}


def functions(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of_code(node):
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


@pytest.mark.slow
def test_few_functions_are_longer_than_a_screen():
    lengths = [(lines_of_code(node), f"{path.name}:{node.name}") for path in MODULES for node in functions(path)]
    long = [found for found in lengths if found[0] > 35]
    assert len(long) <= len(lengths) // 100, sorted(long, reverse=True)


def test_no_package_is_deeper_than_three_levels_and_no_module_is_a_drawer():
    for path in MODULES:
        assert len(path.relative_to(REPOSITORY).parent.parts) <= 3, path
        assert path.stem not in {"utils", "misc", "common", "helpers"}, path


def test_every_top_level_name_loads():
    assert len(dtedask.__all__) <= 20
    for name in dtedask.__all__:
        assert getattr(dtedask, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'opn'"):
        _ = dtedask.opn


def test_importing_dtedask_loads_no_heavy_library():
    code = "import sys, dtedask; print(sorted({'xarray', 'dask', 'numpy', 'icechunk', 'eccodes'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_every_entry_point_loads():
    points = distribution("dtedask").entry_points
    assert {"xarray.backends", "intake.drivers", "dask_cli", "dtedask.plugins"} <= {point.group for point in points}
    for point in points:
        assert point.load() is not None


def test_the_installed_version_is_the_one_in_the_source():
    assert distribution("dtedask").version == dtedask.__version__
    assert f"## {dtedask.__version__}" in (REPOSITORY / "CHANGELOG.md").read_text()


def test_every_fragment_of_a_change_has_a_kind():
    for path in (REPOSITORY / "changes").iterdir():
        assert path.name == "README.md" or re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|removed)\.md", path.name), (
            path
        )


@pytest.fixture
def bare_machine(tmp_path):
    """A checkout without .venv, and a Python made of this one and a line of code run before every script."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(REPOSITORY / name, tmp_path)

    def make(first):
        python = tmp_path / "strange-python"
        python.write_text(f'#!/bin/sh\n[ "$1" = -c ] || exit 1\nexec {sys.executable} -c "{first}\n$2"\n')
        python.chmod(0o755)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        return subprocess.run(
            ["make", "check", f"PYTHON={python}"], cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    return make


def test_make_says_which_package_to_install_where_venv_is_missing(bare_machine):
    done = bare_machine("import sys; sys.modules['ensurepip'] = None")
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert done.returncode == 2
    assert f"sudo apt-get install python{version}-venv" in done.stderr


def test_make_says_which_pythons_fit_where_this_one_is_too_old(bare_machine):
    done = bare_machine("import sys; sys.version_info = (3, 9, 2)")
    assert done.returncode == 2
    assert "dtedask needs Python 3.11, 3.12 or 3.13" in done.stderr
    assert "is 3.9" in done.stderr


def test_make_alone_lists_the_commands():
    done = subprocess.run(["make"], cwd=REPOSITORY, capture_output=True, text=True)
    for command in ("demo", "test", "check", "test-services", "docs", "bench", "clean", "help"):
        assert f"make {command} " in done.stdout
