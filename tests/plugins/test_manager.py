"""Plug-ins run each for itself."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from importlib.metadata import EntryPoint

import dask.config
import pytest

from dtedask.core.commit import Commit
from dtedask.core.errors import SettingError
from dtedask.plugins import hookimpl, manager, plugin_manager, register, run_after_commit, unregister

COMMIT = Commit("data", "od/oper/0001", "S1", "S0", 1, datetime(2024, 6, 3, tzinfo=UTC))


class Hears:
    def __init__(self) -> None:
        self.heard: list[Commit] = []

    @hookimpl
    def after_commit(self, commit: Commit) -> None:
        self.heard.append(commit)


class Fails:
    @hookimpl
    def after_commit(self, commit: Commit) -> None:
        raise RuntimeError(f"no disk for {commit.cube}")


class Reports:
    @hookimpl
    def after_commit(self) -> list[Exception]:
        return [ValueError("known already")]


@pytest.fixture(autouse=True)
def only_ours(monkeypatch):
    for cached in (manager._manager, manager._entry_points):
        cached.cache_clear()
    monkeypatch.setattr(manager, "_entry_points", lambda: ())
    monkeypatch.setattr(manager, "_load_failures", {})
    monkeypatch.setattr(manager, "_warned", set())
    yield
    manager._manager.cache_clear()


def test_a_registered_plugin_hears_of_the_commit_until_it_is_taken_away():
    plugin = Hears()
    register(plugin, "hears")
    assert run_after_commit(COMMIT) == ()
    unregister(plugin)
    run_after_commit(COMMIT)
    assert plugin.heard == [COMMIT]


@pytest.mark.parametrize("fails_first", [True, False])
def test_a_failing_plugin_stops_no_other_and_is_reported_and_logged_with_its_traceback(fails_first, caplog):
    before, after = Hears(), Hears()
    for name, plugin in [("a", before), ("fails", Fails()), ("b", after)][:: 1 if fails_first else -1]:
        register(plugin, name)
    failures = run_after_commit(COMMIT)
    assert [str(failure) for failure in failures] == ["no disk for od/oper/0001"]
    assert before.heard == after.heard == [COMMIT]
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert "'fails' failed after commit S1" in record.getMessage()


def test_failures_that_a_plugin_returns_are_handed_on_and_not_logged_again(caplog):
    register(Reports(), "reports")
    assert [str(failure) for failure in run_after_commit(COMMIT)] == ["known already"]
    assert not caplog.records


def test_a_disabled_plugin_does_not_run_and_runs_when_it_is_enabled_again():
    plugin = Hears()
    register(plugin, "hears")
    with dask.config.set({"dtedask.plugins.disable": ["hears"]}):
        run_after_commit(COMMIT)
    assert plugin.heard == []
    run_after_commit(COMMIT)
    assert plugin.heard == [COMMIT]


def test_a_misspelt_name_to_disable_is_warned_of_once_with_the_nearest_name(caplog):
    register(Hears(), "hears")
    with dask.config.set({"dtedask.plugins.disable": ["heers"]}):
        run_after_commit(COMMIT)
        run_after_commit(COMMIT)
    assert [r.getMessage() for r in caplog.records] == [
        "The setting 'dtedask.plugins.disable' names no plug-in: 'heers'. Did you mean 'hears'?"
    ]


def test_a_wrong_setting_is_reported_and_cannot_keep_a_commit_unheard():
    plugin = Hears()
    register(plugin, "hears")
    with dask.config.set({"dtedask.plugins.disable": 3}):
        (failure,) = run_after_commit(COMMIT)
    assert isinstance(failure, SettingError)
    assert "'dtedask.plugins.disable' is 3" in str(failure)
    assert plugin.heard == [COMMIT]


def test_installed_plugins_are_loaded_when_needed_and_one_that_cannot_be_loaded_is_reported(monkeypatch, caplog):
    points = (
        EntryPoint("broken", "no_such_module_here", "dtedask.plugins"),
        EntryPoint("fails", f"{__name__}:FAILS", "dtedask.plugins"),
    )
    monkeypatch.setattr(manager, "_entry_points", lambda: points)
    monkeypatch.setattr(EntryPoint, "load", lambda point: FAILS if point.name == "fails" else __import__(point.value))
    for _ in range(2):
        failures = run_after_commit(COMMIT)
        assert [type(failure) for failure in failures] == [ModuleNotFoundError, RuntimeError]
    assert [record.getMessage() for record in caplog.records].count(
        "Plug-in 'broken' (no_such_module_here) cannot be loaded."
    ) == 1
    assert plugin_manager().has_plugin("fails")


def test_a_disabled_plugin_is_not_even_loaded(monkeypatch):
    monkeypatch.setattr(manager, "_entry_points", lambda: (EntryPoint("broken", "no_such_module", "dtedask.plugins"),))
    with dask.config.set({"dtedask.plugins.disable": ["broken"]}):
        assert run_after_commit(COMMIT) == ()


FAILS = Fails()
