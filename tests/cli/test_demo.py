"""`dtedask demo`: what it shows is true, and what it proposes works."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A folder in which the demo ran, and what it printed the first and the second time."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, *(bash("dtedask demo", folder) for _ in range(2))


def bash(line, folder):
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    assert done.stderr == "" or not line.endswith("demo")
    return done.stdout


@pytest.mark.slow
def test_each_step_is_a_commit_with_its_notices(shown):
    _, first, _ = shown
    commits = re.findall(r"^commit  rd/enfo/demo@(\d+)  step (\d+)", first, re.MULTILINE)
    assert commits == [("1", "0"), ("2", "6"), ("3", "12"), ("4", "18"), ("5", "24")]
    notices = re.findall(r"^  notice  rd/enfo/demo@(\d+)\.\d+  2t: .*step=(\d+)", first, re.MULTILINE)
    assert set(notices) == set(commits)
    assert "<xarray.Dataset>" in first


@pytest.mark.slow
def test_the_last_step_is_drawn_on_a_map(shown):
    folder, first, _ = shown
    assert "at 500 hPa: demo-data.png" in first
    assert (folder / "demo-data.png").stat().st_size > 50_000


@pytest.mark.slow
def test_the_second_time_nothing_changes_and_is_said(shown):
    _, _, second = shown
    assert "Nothing changed" in second
    assert "commit  " not in second


@pytest.mark.slow
def test_what_is_shown_fits_into_100_columns(shown):
    folder, first, second = shown
    for line in (first + second).replace(str(folder), "").splitlines():
        assert len(line) <= 100, line


@pytest.mark.slow
def test_the_commands_to_try_next_work_as_printed(shown):
    folder, first, _ = shown
    proposed = re.findall(
        r"^  (\S.*(?:dtedask|python) .*)$|^  (dtedask .*)$", first.partition("Try next:")[2], re.MULTILINE
    )
    lines = [left or right for left, right in proposed]
    assert len(lines) >= 3
    for line in lines:
        bash(line, folder)


@pytest.mark.slow
def test_a_dry_run_says_what_would_be_done(run, here):
    done = run("demo --dry-run")
    assert done.status == 0
    assert "fields     375" in done.out
    assert list(here.iterdir()) == []


def test_in_a_checkout_the_catalog_stands_in_its_folder(here, monkeypatch):
    from dtedask.cli import demo

    (here / "recipes").mkdir()
    (here / "recipes" / "demo.yaml").touch()
    (here / "pyproject.toml").touch()
    assert demo._recipe("demo-data", demo._Show()).catalog == str(here / "catalogs" / "demo.yaml")
    assert demo._recipe("elsewhere", demo._Show()).catalog is True
