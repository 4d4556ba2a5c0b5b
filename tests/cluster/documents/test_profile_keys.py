"""Keys of profiles: whatever is wrong is named with its line, and every value knows where it comes from."""

import copy
from dataclasses import replace

import dask.config
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.cluster import profile, values_of
from dtedask.cluster.documents.layers import EnvironmentLines, Layer, Layers
from dtedask.cluster.documents.profiles import read_file
from dtedask.core.documents import read_yaml
from dtedask.core.errors import DocumentError

EVERYTHING = {
    "dtedask": {
        "cluster": "threads",
        "profiles": {
            "threads": {"kind": "threads", "threads": 4},
            "machine": {"kind": "local-cluster", "workers": 2, "threads": 1, "memory": "2GB"},
            "site": {
                "kind": "slurm",
                "section": "site",
                "description": "a site",
                "workers": {"minimum": 1, "maximum": 8},
                "start-timeout": "5 minutes",
                "encrypt": False,
                "batch": {"walltime": "06:00:00"},
            },
            "queue": {"kind": "class", "class": "dask_jobqueue.PBSCluster", "section": "pbs", "options": {}},
        },
    },
    "jobqueue": {
        "site": {"cores": 4, "memory": "8GB", "walltime": "01:00:00", "queue": "long", "account": "me"},
        "pbs": {"cores": 4, "memory": "8GB", "resource-spec": "select=1", "job-extra-directives": ["-V"]},
    },
    "distributed": {"comm": {"timeouts": {"connect": "90s"}}, "worker": {"memory": {"target": 0.5}}},
}
CLOSED = [
    (),
    ("dtedask",),
    *(("dtedask", "profiles", name) for name in EVERYTHING["dtedask"]["profiles"]),
    ("dtedask", "profiles", "site", "workers"),
    ("dtedask", "profiles", "site", "batch"),
    ("jobqueue", "site"),
    ("jobqueue", "pbs"),
    ("distributed",),
    ("distributed", "comm"),
    ("distributed", "comm", "timeouts"),
    ("distributed", "worker", "memory"),
]
NO_ENVIRONMENT = Layer({}, EnvironmentLines("the environment"))


def read(document):
    """Read a document as if it stood in the file mine.yaml."""
    layer = Layer(*read_yaml(yaml.safe_dump(document, sort_keys=False), "mine.yaml"))
    found = read_file(layer, Layers([], [layer], NO_ENVIRONMENT))
    return {name: written.profile() for name, written in found.items()}


def below(document, path):
    for key in path:
        document = document[key]
    return document


def test_the_document_that_is_spoiled_below_is_good():
    assert set(read(EVERYTHING)) == {"threads", "machine", "site", "queue"}


@pytest.mark.slow
@given(st.sampled_from(CLOSED), st.data())
@settings(deadline=None, max_examples=40)
def test_a_wrong_key_anywhere_is_named_with_its_line_and_a_hint(path, data):
    spoiled = copy.deepcopy(EVERYTHING)
    holder = below(spoiled, path)
    right = data.draw(st.sampled_from(sorted(holder)))
    at = data.draw(st.integers(1, len(right)))
    wrong = right[:at] + "xy" + right[at:]
    items = [(wrong, 1) if key == right and data.draw(st.booleans()) else (key, value) for key, value in holder.items()]
    holder.clear()
    holder.update(items)
    holder.setdefault(wrong, 1)
    lines = yaml.safe_dump(spoiled, sort_keys=False).splitlines()
    number = next(number for number, line in enumerate(lines, start=1) if line.strip().startswith(f"{wrong}:"))
    with pytest.raises(DocumentError, match=rf"mine\.yaml:{number}: [^\n]*{wrong}[^\n]*(Did you mean|Known are)"):
        read(spoiled)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("dtedask", "profiles", "threads", "kind"), "thread"),
        (("dtedask", "profiles", "threads", "threads"), 0),
        (("dtedask", "profiles", "machine", "memory"), "lots"),
        (("dtedask", "profiles", "machine", "workers"), "two"),
        (("dtedask", "profiles", "machine", "workers"), True),
        (("dtedask", "profiles", "site", "start-timeout"), "soon"),
        (("dtedask", "profiles", "site", "encrypt"), "perhaps"),
        (("dtedask", "profiles", "site", "section"), "sight"),
        (("dtedask", "profiles", "site", "batch", "walltime"), "1h"),
        (("dtedask", "profiles", "site", "workers", "minimum"), -1),
        (("dtedask", "profiles", "queue", "class"), ""),
        (("jobqueue", "site", "cores"), "four"),
        (("jobqueue", "site", "memory"), "8 GBit"),
        (("jobqueue", "site", "walltime"), "one hour"),
        (("jobqueue", "site", "queue"), ["long"]),
        (("jobqueue", "pbs", "job-extra-directives"), "-V"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(path, value):
    spoiled = copy.deepcopy(EVERYTHING)
    below(spoiled, path[:-1])[path[-1]] = value
    _, lines = read_yaml(yaml.safe_dump(spoiled, sort_keys=False), "mine.yaml")
    with pytest.raises(DocumentError, match=lines.at(path)):
        read(spoiled)


@pytest.mark.parametrize("walltime", ["30", "30:00", "12:30:00", "2-0", "2-12:30", "2-12:30:00", "UNLIMITED", 90])
def test_walltimes_are_what_slurm_understands(walltime):
    document = copy.deepcopy(EVERYTHING)
    document["jobqueue"]["site"]["walltime"] = walltime
    assert read(document)["site"].job["walltime"] == walltime


def test_names_that_dask_jobqueue_gave_up_are_refused_with_the_new_ones_unless_they_are_null():
    old = copy.deepcopy(EVERYTHING)
    old["jobqueue"]["site"]["job-extra"] = None
    read(old)
    old["jobqueue"]["site"]["job-extra"] = ["--hint=nomultithread"]
    with pytest.raises(DocumentError, match=r"mine\.yaml:\d+: .*job-extra.*'job-extra-directives' since"):
        read(old)


def test_keys_may_be_written_with_underscores_as_everywhere_in_dask():
    document = copy.deepcopy(EVERYTHING)
    document["jobqueue"]["site"]["job_script_prologue"] = ["module load python"]
    document["dtedask"]["profiles"]["site"]["start_timeout"] = document["dtedask"]["profiles"]["site"].pop(
        "start-timeout"
    )
    found = read(document)["site"]
    assert found.job["job-script-prologue"] == ["module load python"]
    assert found.start_timeout_s == 300


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a file of a Dask configuration folder of the user's own."""
    monkeypatch.setattr(dask.config, "paths", [str(tmp_path)])

    def write(document, name="mine.yaml"):
        path = tmp_path / name
        path.write_text(document if isinstance(document, str) else yaml.safe_dump(document, sort_keys=False))
        return path

    return write


def sources(name):
    return {value.key: (value.value, value.source) for value in values_of(name)}


def test_every_value_of_a_file_is_shown_with_its_line(write):
    path = write(EVERYTHING)
    text = path.read_text().splitlines()
    found = sources("site")
    for key in ("cores", "memory", "walltime", "queue", "account"):
        value, source = found[f"jobqueue.site.{key}"]
        number = int(source.removeprefix(f"{path}:"))
        assert text[number - 1].strip() in (f"{key}: {value}", f"{key}: '{value}'")
    assert found["workers.maximum"][1] == found["workers.minimum"][1].replace(":17", ":18")
    assert found["distributed.comm.timeouts.connect"][0] == "90s"
    assert found["jobqueue.site.death-timeout"] == (60, "default of dask-jobqueue")
    assert found["batch.queue"] == (None, "default")


def test_the_environment_wins_over_files_and_is_named(write, monkeypatch):
    write(EVERYTHING)
    monkeypatch.setenv("DASK_JOBQUEUE__SITE__QUEUE", "express")
    monkeypatch.setenv("DASK_JOBQUEUE__SITE__LOCAL_DIRECTORY", "/fast")
    monkeypatch.setenv("DASK_DTEDASK__PROFILES__SITE__WORKERS", "3")
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "5s")
    found, site = sources("site"), profile("site")
    assert found["jobqueue.site.queue"] == ("express", "the environment (DASK_JOBQUEUE__SITE__QUEUE)")
    assert found["jobqueue.site.local-directory"][1].endswith("(DASK_JOBQUEUE__SITE__LOCAL_DIRECTORY)")
    assert found["workers"] == (3, "the environment (DASK_DTEDASK__PROFILES__SITE__WORKERS)")
    assert found["distributed.comm.timeouts.connect"][0] == "5s"
    assert (site.job["queue"], site.workers, site.workers_maximum) == ("express", 3, None)
    assert site.configuration["distributed"]["comm"]["timeouts"]["connect"] == "5s"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("DASK_JOBQUEUE__SITE__QEUE", "x", r"DASK_JOBQUEUE__SITE__QEUE\).*Did you mean 'queue'"),
        ("DASK_JOBQUEUE__SITE__CORES", "many", r"DASK_JOBQUEUE__SITE__CORES\).*many"),
        ("DASK_DTEDASK__PROFILES__SITE__WOKERS", "2", r"PROFILES__SITE__WOKERS\).*Did you mean 'workers'"),
    ],
)
def test_a_mistake_in_the_environment_is_named_by_its_variable(write, monkeypatch, name, value, message):
    write(EVERYTHING)
    monkeypatch.setenv(name, value)
    with pytest.raises(DocumentError, match=message):
        profile("site")


def test_a_profile_may_stand_in_the_environment_alone(monkeypatch):
    monkeypatch.setenv("DASK_DTEDASK__PROFILES__FEW__KIND", "threads")
    monkeypatch.setenv("DASK_DTEDASK__PROFILES__FEW__THREADS", "2")
    assert (profile("few").kind, profile("few").threads) == ("threads", 2)


def test_what_the_user_says_of_a_shipped_section_wins_and_the_rest_stays(write):
    path = write("jobqueue: {slurm: {queue: long, cores: 8}}\n", "dask.yaml")
    found = sources("slurm")
    assert found["jobqueue.slurm.queue"] == ("long", f"{path}:1")
    assert found["jobqueue.slurm.cores"] == (8, f"{path}:1")
    assert found["jobqueue.slurm.memory"][1].endswith("slurm.yaml:17")


def test_a_mistake_in_a_file_that_only_adds_to_a_section_is_named_too(write):
    write("# mine\njobqueue:\n  slurm:\n    qeue: long\n", "dask.yaml")
    with pytest.raises(DocumentError, match=r"dask\.yaml:4: unknown key 'qeue'.*Did you mean 'queue'"):
        profile("slurm")


def test_a_profile_of_the_user_may_take_the_shipped_section(write):
    write({"dtedask": {"profiles": {"night": {"kind": "slurm", "workers": 16}}}})
    assert profile("night").job == profile("slurm").job


def test_a_section_of_the_user_is_not_mixed_with_the_shipped_one(write):
    write(
        {
            "dtedask": {"profiles": {"slurm": {"kind": "slurm"}}},
            "jobqueue": {"slurm": {"cores": 8, "memory": "16GB"}},
        }
    )
    assert profile("slurm").job == {"cores": 8, "memory": "16GB"}


def test_null_takes_the_key_away_even_where_dask_jobqueue_has_a_default(write):
    document = copy.deepcopy(EVERYTHING)
    document["jobqueue"]["site"]["walltime"] = None
    write(document)
    from dtedask.cluster import job_script

    assert "#SBATCH -t" not in job_script(replace(profile("site"), encrypt=False))


def paths(document, path=()):
    """Every key path of a document."""
    yield path
    for key, value in document.items() if isinstance(document, dict) else ():
        yield from paths(value, (*path, key))


@pytest.mark.slow
@given(
    st.sampled_from([path for path in paths(EVERYTHING) if path]),
    st.sampled_from([None, [], {}, "", "x", 5, -1, 0.5, True, [1], {"x": 1}, {"kind": "slurm"}, {5: None}]),
)
@settings(deadline=None, max_examples=60)
def test_whatever_stands_in_a_file_is_read_or_refused_with_its_file(path, junk):
    spoiled = copy.deepcopy(EVERYTHING)
    below(spoiled, path[:-1])[path[-1]] = junk
    said = "mine.yaml"
    try:
        read(spoiled)
    except DocumentError as error:
        said = str(error)
    assert "mine.yaml" in said
