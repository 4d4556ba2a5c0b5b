"""Every code block of the README and of docs/ runs, page by page, in an empty folder.

``python`` blocks of a page share one namespace. In ``console`` blocks the lines that begin with ``$ `` are run by bash,
each must succeed; what stands between them is what a reader sees and is not compared. Blocks run in the order of the
page. ``<!-- no-run: reason -->`` before a block leaves it out. ``<!-- needs: slurm -->`` on the first line of a
page says that it runs with the services, where there is a SLURM.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_NEEDS = re.compile(r"<!-- needs: (\w+) -->")
_NO_RUN = re.compile(r"<!-- no-run: \S[^>]* -->\s*$")


@dataclass(frozen=True)
class Block:
    """One block of code of a page."""

    page: Path
    line: int
    language: str
    code: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(REPOSITORY)}:{self.line}"


def blocks_of(page):
    """Find the blocks that are to run."""
    text = page.read_text("utf-8")
    for match in _FENCE.finditer(text):
        if match["language"] in {"python", "console"} and not _NO_RUN.search(text[: match.start()]):
            indent = len(match["indent"])
            code = "".join(line[indent:] or "\n" for line in match["code"].splitlines(keepends=True))
            yield Block(page, text.count("\n", 0, match.start()) + 2, match["language"], code)


def commands(code):
    """Lines behind ``$ ``, with those that a backslash or ``> `` continues."""
    found = []
    for line in code.splitlines():
        if line.startswith("$ "):
            found.append(line[2:])
        elif found and (found[-1].endswith("\\") or line.startswith("> ")):
            found[-1] += "\n" + line.removeprefix("> ")
    return found


def run_console(block, folder):
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for command in commands(block.code):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, (
            f"{block.place}: $ {command}\nexit code {done.returncode}\n{done.stdout}{done.stderr}"
        )


def run_python(block, namespace):
    # The lines of the page, so that a traceback names them.
    exec(compile("\n" * (block.line - 1) + block.code, str(block.page), "exec"), namespace)


def needs(page):
    """The service that a page needs, None for most."""
    found = _NEEDS.match(page.read_text("utf-8"))
    return found and found[1]


PAGES_WITH_CODE = [page for page in PAGES if any(blocks_of(page))]


def with_need(service):
    return [
        pytest.param(page, id=str(page.relative_to(REPOSITORY))) for page in PAGES_WITH_CODE if needs(page) == service
    ]


def run_page(page, folder, monkeypatch):
    monkeypatch.chdir(folder)
    namespace = {"__name__": "__main__"}
    for block in blocks_of(page):
        if block.language == "python":
            run_python(block, namespace)
        else:
            run_console(block, folder)


@pytest.mark.docs
@pytest.mark.parametrize("page", with_need(None))
def test_the_code_of_the_page_runs(page, tmp_path, monkeypatch):
    run_page(page, tmp_path, monkeypatch)


@pytest.mark.service
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", with_need("slurm"))
def test_the_code_of_the_page_runs_on_slurm(page, slurm, tmp_path, monkeypatch):
    monkeypatch.setenv("DASK_JOBQUEUE__SLURM__INTERFACE", "lo")  # all nodes are this machine
    run_page(page, tmp_path, monkeypatch)


def test_pages_need_nothing_that_is_not_known():
    assert {needs(page) for page in PAGES} <= {None, "slurm"}


def test_a_block_that_is_left_out_says_why():
    for page in PAGES:
        for note in re.findall(r"<!-- *no-run.*", page.read_text("utf-8")):
            assert re.fullmatch(r"<!-- no-run: \S.* -->", note), f"{page}: {note}"


def test_blocks_are_found_with_their_line_and_commands_with_their_continuation(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "text\n```python\nx = 1\n```\n<!-- no-run: shown only -->\n```console\n$ no\n```\n```yaml\na: 1\n```\n"
        "```console\n$ one \\\n  more\nits output\n$ two\n```\n"
    )
    python, console = blocks_of(page)
    assert (python.line, python.code) == (3, "x = 1\n")
    assert commands(console.code) == ["one \\\n  more", "two"]


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), (
                f"{page.relative_to(REPOSITORY)} links to {target}, which is not there"
            )
