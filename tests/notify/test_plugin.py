"""The notifier announces every commit of this process."""

from __future__ import annotations

import subprocess
import sys

import dask.config
import pytest

from dtedask.core.errors import DocumentError, NoticeError, TriggerError
from dtedask.notify import catch_up, listening, open_log, plugin
from dtedask.notify.event import events_of


def hear(heard, name="l", **request):
    function = {"type": "function", "function": lambda event: heard.append(event.id)}
    return {"listeners": [{"name": name, "request": request, "triggers": [function]}]}


def test_the_event_is_in_the_log_before_listeners_run(root, make_commit):
    seen = []

    def look(event):
        seen.append(event in list(open_log(event.root).events()))

    with listening({"listeners": [{"triggers": [{"type": "function", "function": look}]}]}):
        assert plugin.after_commit(make_commit(root, 1)) == []
    assert seen == [True, True]


def test_listeners_of_the_settings_and_of_a_recipe_run_from_the_commit_that_made_them_known(
    root, make_commit, tmp_path
):
    plugin.after_commit(make_commit(root, 1))
    (tmp_path / "l.yaml").write_text(f"listeners:\n- triggers: [{{type: log, path: {tmp_path}/out}}]\n")
    heard = []
    with dask.config.set({"dtedask.notify.listeners": [str(tmp_path / "l.yaml")]}), listening(hear(heard, param="131")):
        plugin.after_commit(make_commit(root, 2))
    plugin.after_commit(make_commit(root, 3))
    assert heard == ["od/oper/0001@2.1"]
    assert (tmp_path / "out").read_text().splitlines() == [str(event) for event in events_of(make_commit(root, 2))]


def test_a_wrong_listener_file_is_reported_and_silences_nobody(root, make_commit, tmp_path, caplog):
    (tmp_path / "l.yaml").write_text("listeners:\n- trigger: []\n")
    heard = []
    with dask.config.set({"dtedask.notify.listeners": [str(tmp_path / "l.yaml")]}), listening(hear(heard)):
        (failure,) = plugin.after_commit(make_commit(root, 1))
    assert isinstance(failure, DocumentError)
    assert len(heard) == 2
    assert "l.yaml:2" in caplog.text


def test_failed_triggers_are_handed_to_whoever_committed(root, make_commit):
    with listening({"listeners": [{"request": {"param": "u"}, "triggers": [{"type": "command", "command": "false"}]}]}):
        (failure,) = plugin.after_commit(make_commit(root, 1))
    assert isinstance(failure, TriggerError)


def test_a_log_that_cannot_be_written_is_reported_and_made_good_by_the_next_commit(root, make_commit, monkeypatch):
    history = [make_commit(root, n) for n in (1, 2)]
    monkeypatch.setattr("dtedask.notify.missed.store_history", lambda *_: history)
    monkeypatch.setattr(plugin, "record", _with_history(history))
    (root / "notices.sqlite").mkdir()
    with pytest.raises(NoticeError, match=r"notices\.sqlite' cannot be used"):
        plugin.after_commit(history[0])
    (root / "notices.sqlite").rmdir()
    plugin.after_commit(history[1])
    assert [entry.sequence for entry in open_log(root).entries()] == [1, 2]


def _with_history(commits):
    from dtedask.notify.missed import record

    return lambda log, commit: record(log, commit, history=lambda *_: commits)


def test_a_start_announces_what_the_log_does_not_have_even_to_listeners_that_never_ran(root, make_commit):
    heard = []
    options = {"cubes": lambda _: ["od/oper/0001"], "history": lambda *_: [make_commit(root, 1), make_commit(root, 2)]}
    open_log(root).append([make_commit(root, 1)])
    with listening(hear(heard)):
        assert catch_up(root, **options).events == 2
        assert catch_up(root, **options).events == 0
    assert heard == ["od/oper/0001@2.0", "od/oper/0001@2.1"]


def test_a_start_on_a_root_elsewhere_tells_new_listeners_nothing_of_the_past(make_commit, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    heard = []
    commits = [make_commit("s3://b/r", 1)]
    options = {"cubes": lambda _: ["od/oper/0001"], "history": lambda *_: commits}
    with listening(hear(heard)):
        assert catch_up("s3://b/r", **options).events == 0
        commits.append(make_commit("s3://b/r", 2))
        assert catch_up("s3://b/r", **options).events == 2


def test_a_start_without_a_root_announces_and_makes_nothing(tmp_path):
    assert catch_up(tmp_path / "none").events == 0
    assert list(tmp_path.iterdir()) == []


def test_the_package_is_imported_quickly_and_the_plugin_needs_neither_pydantic_nor_the_store():
    code = (
        "import sys, dtedask.notify, dtedask.notify.plugin;"
        "print([m for m in ('pydantic', 'xarray', 'dask', 'icechunk', 'eccodes', 'dtedask.store') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
