"""The commands about profiles."""

import json
import os
import subprocess
import sys

import dask.config
import jsonschema
import pytest
import yaml


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A Dask configuration folder of the user's own, with a profile in it."""
    (tmp_path / "mine.yaml").write_text(
        "dtedask:\n  profiles:\n    mine:\n      kind: slurm\n      section: mine\n"
        "jobqueue:\n  mine:\n    cores: 2\n    memory: 4GB\n    queue: long\n"
    )
    monkeypatch.setattr(dask.config, "paths", [str(tmp_path)])
    return tmp_path


@pytest.mark.slow
def test_the_values_of_a_profile_are_shown_with_where_they_come_from(run, folder, monkeypatch):
    monkeypatch.setenv("DASK_JOBQUEUE__MINE__CORES", "8")
    shown = run("cluster show mine --json").lines[0]
    values = {one["key"]: (one["value"], one["source"]) for one in shown["values"]}
    assert (shown["profile"], shown["file"]) == ("mine", str(folder / "mine.yaml"))
    assert values["jobqueue.mine.queue"] == ("long", f"{folder / 'mine.yaml'}:10")
    assert values["jobqueue.mine.cores"] == (8, "the environment (DASK_JOBQUEUE__MINE__CORES)")
    assert values["workers"] == (1, "default")
    text = run("cluster show mine").out
    assert [line.split()[-1] for line in text.splitlines() if line.startswith("jobqueue.mine.queue")] == [
        f"{folder / 'mine.yaml'}:10"
    ]


@pytest.mark.slow
def test_without_a_name_it_is_the_profile_of_the_setting(run):
    assert run("cluster show --json").lines[0]["profile"] == "local"
    with dask.config.set({"dtedask.cluster": "slurm"}):
        assert run("cluster script").out.startswith("#!")


def test_what_is_started_without_jobs_is_printed_as_python(run):
    text = run("cluster script local-cluster").out
    compile(text, "<script>", "exec")
    assert "cluster = LocalCluster(" in text
    refused = run("cluster script local")
    assert (refused.status, "starts nothing" in refused.err) == (2, True)


def test_a_check_says_2_for_a_wrong_document_and_1_for_a_named_profile_that_does_not_work_here(run, folder):
    assert run("cluster check local").status == 0
    (folder / "mine.yaml").write_text((folder / "mine.yaml").read_text() + "    interface: nowhere0\n")
    done = run("cluster check mine --json")
    assert done.status == 1
    assert [one["level"] for one in done.lines[0]["findings"] if "nowhere0" in one["text"]] == ["here"]
    assert run("cluster check").status == 0
    (folder / "mine.yaml").write_text("dtedask: {profiles: {mine: {kind: slrum}}}\n")
    done = run("cluster check")
    assert done.status == 2
    assert "unknown kind 'slrum'" in done.out
    assert "Did you mean 'slurm'?" in done.out


@pytest.mark.slow
def test_the_schema_takes_the_shipped_files_and_refuses_a_wrong_key(run, repository):
    schema = json.loads(run("cluster schema").out)
    for path in (repository / "jobqueue").glob("*.yaml"):
        jsonschema.validate(yaml.safe_load(path.read_text()), schema)
    with pytest.raises(jsonschema.ValidationError, match="'qeue' was unexpected|not valid under any"):
        jsonschema.validate({"jobqueue": {"slurm": {"qeue": "long"}}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"dtedask": {"profiles": {"mine": {"kind": "slurm", "threads": 2}}}}, schema)


@pytest.mark.slow
def test_a_file_that_is_no_yaml_is_named_with_line_and_column(tmp_path):
    (tmp_path / "mine.yaml").write_text("dtedask:\n  profiles:\n    mine: [kind\n    other: 1\n")
    done = subprocess.run(
        [sys.executable, "-m", "dtedask", "cluster", "list"],
        env=os.environ | {"DASK_CONFIG": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert f"Error: {tmp_path / 'mine.yaml'}:4: no valid YAML" in done.stderr
    assert "in column 10" in done.stderr
