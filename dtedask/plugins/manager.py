"""Finding the plug-ins and calling them, each for itself."""

from __future__ import annotations

import logging
import threading
from functools import lru_cache
from typing import TYPE_CHECKING

import pluggy

from dtedask.core.commit import Commit
from dtedask.core.errors import SettingError, StoreError
from dtedask.core.nearest import did_you_mean
from dtedask.core.settings import setting
from dtedask.core.stages import stage
from dtedask.plugins import hooks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from importlib.metadata import EntryPoint

    from dtedask.core.need import Need
    from dtedask.core.notice import Notice

ENTRY_POINTS = "dtedask.plugins"
_OWN = {"store": "dtedask.store.warming"}  # what every installation has

logger = logging.getLogger(__name__)
_lock = threading.RLock()


def plugin_manager() -> pluggy.PluginManager:
    """Return the plug-in manager of this process, with the installed plug-ins that are not disabled.

    Installed plug-ins are looked for once; one that is enabled later is loaded when it is first needed.
    """
    manager = _manager()
    _load(manager, _disabled())
    return manager


def register(plugin: object, name: str | None = None) -> str | None:
    """Add a plug-in to this process; returns its name."""
    return _manager().register(plugin, name)


def unregister(plugin: object) -> None:
    """Take away a plug-in that was added with `register`."""
    _manager().unregister(plugin)


def run_after_commit(commit: Commit) -> tuple[Exception, ...]:
    """Tell every plug-in of a commit.

    Parameters
    ----------
    commit : Commit
        The commit, which can be read by now.

    Returns
    -------
    tuple of Exception
        What went wrong, in the order of the plug-ins; each is logged. One failing plug-in stops no other, and the
        commit stands whatever happens.
    """
    with stage("announce", detail=commit.cube):
        return tuple(_told("after_commit", commit=commit))


def run_after_notices(notices: Sequence[Notice]) -> tuple[Exception, ...]:
    """Tell every plug-in of fields that were written elsewhere than in a cube; as `run_after_commit`."""
    if not notices:
        return ()
    with stage("announce", detail=notices[0].stream):
        return tuple(_told("after_notices", notices=notices))


def _told(hook: str, **what: Commit | Sequence[Notice]) -> list[Exception]:
    manager = _manager()
    failures: list[Exception] = []
    try:
        disabled = _disabled()
    except SettingError as error:
        logger.error("%s No plug-in is disabled.", error)
        failures, disabled = [error], frozenset()
    failures.extend(_load(manager, disabled).values())
    for name in _in_calling_order(manager, hook):
        if name not in disabled:
            failures.extend(_call(manager, hook, name, what))
    return failures


def run_oldest_needed(root: str, cube: str) -> tuple[Need, ...]:
    """Ask every plug-in what it has still to read of a cube.

    Raises
    ------
    StoreError
        If a plug-in cannot be loaded or fails: it might need anything.
    """
    manager, disabled = _manager(), _disabled()
    needs: list[Need] = []
    for name, failure in _load(manager, disabled).items():
        raise _unknown_need(name, failure)
    for name, _ in manager.list_name_plugin():
        if name in disabled:
            continue
        try:
            needs += _subset(manager, "oldest_needed", name)(root=root, cube=cube)
        except Exception as error:
            raise _unknown_need(name, error) from error
    return tuple(needs)


def run_after_purge(root: str, cube: str, oldest: int) -> None:
    """Tell every plug-in which commits are gone; a failure is logged and tried again by the next purge."""
    manager, disabled = _manager(), _disabled()
    for name, _ in manager.list_name_plugin():
        if name in disabled:
            continue
        try:
            _subset(manager, "after_purge", name)(root=root, cube=cube, oldest=oldest)
        except Exception:
            logger.exception("Plug-in %r failed after the purge of %s in %s.", name, cube, root)


def run_worker_starts() -> tuple[Callable[[], object], ...]:
    """Ask every plug-in what workers should load before their first task; a failure is logged and costs only speed."""
    manager, disabled = _manager(), _disabled()
    _load(manager, disabled)
    found: list[Callable[[], object]] = []
    for name, _ in manager.list_name_plugin():
        if name in disabled:
            continue
        try:
            found += [one for answer in _subset(manager, "worker_starts", name)() for one in answer]
        except Exception:
            logger.exception("Plug-in %r failed to say what workers should load.", name)
    return tuple(found)


def _unknown_need(name: str, error: Exception) -> StoreError:
    return StoreError(
        f"Plug-in {name!r} does not say what it has still to read: {error}",
        hint="Nothing was purged. Repair it, or name it in the setting dtedask.plugins.disable.",
    )


@lru_cache(maxsize=1)
def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    return manager


@lru_cache(maxsize=1)
def _entry_points() -> tuple[EntryPoint, ...]:
    from importlib.metadata import EntryPoint, entry_points

    own = [EntryPoint(name, value, ENTRY_POINTS) for name, value in _OWN.items()]
    return tuple(sorted([*entry_points(group=ENTRY_POINTS), *own], key=lambda point: point.name))


def _disabled() -> frozenset[str]:
    return frozenset(setting("plugins.disable"))


_load_failures: dict[str, Exception] = {}
_warned: set[str] = set()


def _load(manager: pluggy.PluginManager, disabled: Collection[str]) -> dict[str, Exception]:
    """Load what is enabled and not loaded yet; returns the failures of enabled plug-ins by name."""
    with _lock:
        for point in _entry_points():
            if point.name in disabled or point.name in _load_failures or manager.has_plugin(point.name):
                continue
            try:
                manager.register(point.load(), point.name)
            except Exception as error:
                logger.exception("Plug-in %r (%s) cannot be loaded.", point.name, point.value)
                _load_failures[point.name] = error
        _warn_of_unknown(disabled, manager)
        return {name: error for name, error in _load_failures.items() if name not in disabled}


def _warn_of_unknown(disabled: Iterable[str], manager: pluggy.PluginManager) -> None:
    unknown = set(disabled).difference(_warned)
    if not unknown:
        return
    names = sorted({point.name for point in _entry_points()} | {name for name, _ in manager.list_name_plugin()})
    for name in sorted(unknown.difference(names)):
        logger.warning(
            "The setting 'dtedask.plugins.disable' names no plug-in: %r. %s", name, did_you_mean(name, names)
        )
        _warned.add(name)


def _in_calling_order(manager: pluggy.PluginManager, hook: str) -> list[str]:
    calls = reversed(getattr(manager.hook, hook).get_hookimpls())
    return list(dict.fromkeys(call.plugin_name for call in calls))


def _call(
    manager: pluggy.PluginManager, hook: str, name: str, what: Mapping[str, Commit | Sequence[Notice]]
) -> list[Exception]:
    try:
        answers = _subset(manager, hook, name)(**what)
    except Exception as error:
        logger.exception("Plug-in %r failed after %s.", name, ", ".join(map(_named, what.values())))
        return [error]
    return [failure for answer in answers for failure in answer]


def _named(what: Commit | Sequence[Notice]) -> str:
    if isinstance(what, Commit):
        return f"commit {what.snapshot} of {what.url}"
    others = f" and {len(what) - 1} others" if len(what) > 1 else ""
    return f"notice {what[0].id} of {what[0].stream}{others}"


def _subset(manager: pluggy.PluginManager, hook: str, name: str) -> pluggy.HookCaller:
    """Return the hook of one plug-in alone."""
    others = [plugin for other, plugin in manager.list_name_plugin() if other != name]
    return manager.subset_hook_caller(hook, others)
