"""Checks of profiles: what is wrong, what does not work on this machine, and what one should know."""

import importlib.util
import socket
import sys

import dask.config
import pytest

from dtedask.cluster import check_profiles, checks
from dtedask.core.errors import SettingError

JOB = {"cores": 4, "processes": 2, "memory": "8GB", "account": "me"}
MALLOC = "distributed: {nanny: {pre-spawn-environ: {MALLOC_TRIM_THRESHOLD_: 268435456}}}\n"


@pytest.fixture(autouse=True)
def commands(monkeypatch):
    """Have the commands of batch systems on PATH, whatever this machine has."""
    monkeypatch.setattr(checks.shutil, "which", lambda name: f"/usr/bin/{name}")


@pytest.fixture
def findings(tmp_path, monkeypatch):
    """Check a profile with such jobs: level and text of what was found."""
    monkeypatch.setattr(dask.config, "paths", [str(tmp_path)])

    def check(entry="kind: slurm, section: mine", dask_section=MALLOC, **keys):
        job = "\n".join(f"    {key.replace('_', '-')}: {value}" for key, value in {**JOB, **keys}.items())
        (tmp_path / "mine.yaml").write_text(
            f"dtedask:\n  profiles:\n    mine: {{{entry}}}\njobqueue:\n  mine:\n{job}\n{dask_section}"
        )
        return [(finding.level, finding.text) for one in check_profiles(["mine"]) for finding in one.findings]

    return check


def test_a_good_profile_has_no_findings(findings):
    assert findings() == []


def test_a_profile_whose_workers_would_decode_slowly_is_told_of_the_remedy(findings):
    ((level, text),) = findings(dask_section="")
    assert level == "note"
    assert "a third slower; copy the section `distributed` of the shipped slurm.yaml" in text


def test_all_shipped_profiles_are_right():
    assert [one.name for one in check_profiles() if one.has("wrong")] == []
    assert {"local", "slurm", "lumi"} <= {one.name for one in check_profiles()}


@pytest.mark.parametrize(
    ("keys", "level", "text"),
    [
        ({"interface": "nowhere0"}, "here", r"no interface 'nowhere0'"),
        ({"local_directory": "/no/such/scratch"}, "note", r"scratch '/no/such/scratch' \(local-directory\) is not on"),
        ({"python": "/no/python"}, "note", r"Python '/no/python'"),
        ({"account": "null"}, "note", "No account is named"),
        (
            {"walltime": "1:30:00"},
            "note",
            r"mine\.yaml:\d+: plain Dask reads walltime as 5400; put '1:30:00' into",
        ),
        ({"processes": 3}, "note", "4 cores of a job are shared by 3 processes"),
        ({"processes": 5}, "wrong", "5 processes share 4 cores"),
        ({"memory": 8}, "wrong", r"mine\.yaml:\d+: .*8 is too little: without a unit"),
        ({"memory": "64MB"}, "wrong", "a worker would get 30.52 MiB of memory"),
        ({"memory": "null"}, "wrong", "cannot be made: You must specify how much cores and memory"),
        ({"walltime": "soon"}, "wrong", r"mine\.yaml:\d+: .*'soon' is not a time as SLURM writes it"),
        ({"qeue": "long"}, "wrong", r"mine\.yaml:\d+: unknown key 'qeue'.*Did you mean 'queue'"),
    ],
)
def test_what_is_found_about_jobs(findings, keys, level, text):
    import re

    (found,) = findings(**keys)
    assert found[0] == level
    assert re.search(text, found[1])


def test_an_interface_of_this_machine_and_scratch_by_a_variable_are_good(findings):
    name = socket.if_nameindex()[0][1]
    assert findings(interface=name, local_directory="$TMPDIR") == []


def test_missing_commands_are_found(findings, monkeypatch):
    monkeypatch.setattr(checks.shutil, "which", lambda _: None)
    assert [text[:24] for level, text in findings() if level == "here"] == [
        "There is no sbatch on PA",
        "There is no scancel on P",
    ]
    assert any(
        "no qsub on PATH" in text for _, text in findings("kind: class, class: dask_jobqueue.PBSCluster, section: mine")
    )


def test_missing_packages_are_found(findings, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(checks, "find_spec", lambda name: None if name == "cryptography" else find(name))
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    texts = [text for level, text in findings() if level == "here"]
    assert any("dask-jobqueue, which is not installed" in text for text in texts)
    assert any("cryptography, which is not installed" in text for text in texts)


def test_a_class_that_does_not_take_its_options_is_found(findings):
    ((level, text),) = findings("kind: class, class: distributed.LocalCluster, options: {n_wokers: 2}")
    assert (level, "takes no argument 'n_wokers'. Did you mean 'n_workers'?" in text) == ("wrong", True)


def test_more_memory_than_this_machine_has_is_found(findings):
    ((level, text),) = findings("kind: local-cluster, memory: 1 PB")
    assert (level, "the workers may take" in text) == ("here", True)


def test_every_file_is_checked_though_one_is_wrong(findings, tmp_path):
    findings()
    (tmp_path / "other.yaml").write_text("dtedask: {profiles: {other: {kind: thread}}}\n")
    found = {one.name: one for one in check_profiles()}
    assert found[str(tmp_path / "other.yaml")].has("wrong")
    assert found["mine"].findings == ()


def test_a_profile_that_is_not_there_is_refused():
    with pytest.raises(SettingError, match="no cluster profile 'slrum'.*'slurm'"):
        check_profiles(["slrum"])
