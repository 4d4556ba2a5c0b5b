"""Where values of Dask's configuration come from: files with their lines, and over them the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dtedask.core.documents import Lines, read_yaml
from dtedask.core.errors import DocumentError

__all__ = ["Found", "Layer", "Layers", "deep_get", "place_or", "read_layers"]

KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A value, and where it was set.

    Parameters
    ----------
    value : object
        As written.
    place : str
        File and line, or variable of the environment; empty where nobody set it.
    """

    value: Any
    place: str = ""


@dataclass(frozen=True, slots=True)
class EnvironmentLines(Lines):
    """Variables of the environment in place of lines."""

    variables: Mapping[KeyPath, str] = field(default_factory=dict)

    def at(self, path: Sequence[str | int]) -> str:
        """Variable that holds a key, or one below it."""
        return self.exactly(path) or self.place

    def exactly(self, path: Sequence[str | int]) -> str:
        """Variable that holds a key, or a key above or below it; empty where there is none."""
        wanted = tuple(_plain(str(part)) for part in path)
        for parts, name in sorted(self.variables.items(), reverse=True):
            if wanted[: len(parts)] == parts or parts[: len(wanted)] == wanted:
                return f"the environment ({name})"
        return ""


@dataclass(frozen=True, slots=True)
class BothLines(Lines):
    """Lines of a file over some of whose values the environment won."""

    environment: EnvironmentLines = field(default_factory=lambda: EnvironmentLines(""))

    def at(self, path: Sequence[str | int]) -> str:
        """Variable or line of a key."""
        return self.environment.exactly(path) if path and self.is_of_environment(path) else self._line(path)

    def is_of_environment(self, path: Sequence[str | int]) -> bool:
        """Whether a variable of the environment holds a key."""
        wanted = tuple(_plain(str(part)) for part in path)
        return any(wanted[: len(parts)] == parts for parts in self.environment.variables)

    def _line(self, path: Sequence[str | int]) -> str:
        return Lines(self.place, self.numbers).at(tuple(path))


@dataclass(frozen=True, slots=True)
class Layer:
    """What one file says, or the environment.

    Parameters
    ----------
    data : mapping
        As read; keys are as written, with hyphens or underscores.
    lines : Lines
        Where each key stands.
    """

    data: Mapping[str, Any]
    lines: Lines

    def get(self, *path: str) -> Any:
        """Value of a key path; None where there is none."""
        return deep_get(self.data, path)[0]

    def leaves(self, *path: str) -> Iterator[tuple[KeyPath, Found]]:
        """Values below a key path that are no mappings, by the keys that lead to them as they are written."""
        value, written = deep_get(self.data, path)
        yield from _leaves(value, written, len(written), self.lines)


@dataclass(frozen=True, slots=True)
class Layers:
    """All that may describe profiles; what comes later wins.

    Parameters
    ----------
    shipped : sequence of Layer
        Files of the folder `jobqueue` that comes with dtedask.
    user : sequence of Layer
        Files of Dask's configuration folders, in the order in which Dask reads them.
    environment : Layer
        Variables ``DASK_...``.
    """

    shipped: Sequence[Layer]
    user: Sequence[Layer]
    environment: Layer

    def over(self, base: Sequence[Layer]) -> list[Layer]:
        """Stack the layers of the user over some that came with dtedask."""
        return [*base, *self.user, self.environment]


def read_layers() -> Layers:
    """Read the folder `jobqueue` that comes with dtedask, Dask's configuration folders and the environment.

    Raises
    ------
    DocumentError
        If a file is no YAML.
    """
    import dask.config

    folders = [Path(place).expanduser() for place in dask.config.paths]
    return Layers(
        shipped=_read(_yaml_files(shipped_folder())),
        user=[layer for folder in folders for layer in _read(_yaml_files(folder))],
        environment=_environment(),
    )


def shipped_folder() -> Path:
    """Folder `jobqueue`: inside the package when installed, at the top of a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "jobqueue"
    return installed if installed.is_dir() else package.parents[1] / "jobqueue"


def with_environment(layer: Layer, environment: Layer, *path: str) -> Layer:
    """Let the environment win below a key path, where the layer has it."""
    import dask.config

    over = environment.get(*path)
    _, written = deep_get(layer.data, path)
    if not isinstance(over, Mapping) or len(written) < len(path):
        return layer
    nested: Any = over
    for key in reversed(written):
        nested = {key: nested}
    if not isinstance(environment.lines, EnvironmentLines):
        raise TypeError(environment.lines)
    lines = BothLines(layer.lines.place, layer.lines.numbers, environment.lines)
    return Layer(dask.config.merge(layer.data, nested), lines)


def deep_get(data: object, path: Sequence[str]) -> tuple[Any, KeyPath]:
    """Value at a key path, and the keys that lead to it as they are written.

    Returns
    -------
    value : object
        None where there is none.
    written : tuple of str
        As far as there are keys.
    """
    written: list[str] = []
    for part in path:
        keys = {_plain(str(key)): key for key in data} if isinstance(data, Mapping) else {}
        if _plain(part) not in keys or not isinstance(data, Mapping):
            return None, tuple(written)
        written.append(keys[_plain(part)])
        data = data[written[-1]]
    return data, tuple(written)


def place_or(lines: Lines, path: Sequence[str], default: str) -> str:
    """Where exactly a key is set; `default` where it is not."""
    if isinstance(lines, EnvironmentLines):
        return lines.exactly(path) or default
    if isinstance(lines, BothLines) and lines.is_of_environment(path):
        return lines.at(path)
    return lines.at(tuple(path)) if tuple(path) in lines.numbers else default


def _leaves(value: Any, written: KeyPath, start: int, lines: Lines) -> Iterator[tuple[KeyPath, Found]]:
    if isinstance(value, Mapping) and value:
        for key, below in value.items():
            yield from _leaves(below, (*written, str(key)), start, lines)
    elif len(written) > start:
        yield written[start:], Found(value, lines.at(written))


def _plain(key: str) -> str:
    return key.replace("-", "_").lower()


def _read(files: Sequence[Path]) -> list[Layer]:
    read = [read_yaml(_text(file), str(file)) for file in files]
    return [Layer(data, lines) for data, lines in read if isinstance(data, Mapping)]


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise DocumentError(f"{file} is not UTF-8 text: {error}.") from error
    except OSError:  # Dask skips what it may not read
        return ""


def _yaml_files(place: Path) -> list[Path]:
    if place.is_dir():
        return sorted(path for path in place.iterdir() if path.suffix.lower() in {".yaml", ".yml", ".json"})
    return [place] if place.is_file() else []


def _environment() -> Layer:
    import dask.config

    inherited = "DASK_INTERNAL_INHERIT_CONFIG"  # all of the configuration of a parent process: nobody set it here
    given = {name: value for name, value in os.environ.items() if name.startswith("DASK_") and name != inherited}
    names = {tuple(name[5:].lower().split("__")): name for name in given}
    return Layer(dask.config.collect_env(given), EnvironmentLines("the environment", {}, names))
