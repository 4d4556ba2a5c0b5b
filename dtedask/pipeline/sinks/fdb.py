"""The sink `fdb5` of MultIO's plans: a cube takes the place of the FDB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from dtedask.core.documents import read_yaml
from dtedask.core.errors import PlanError
from dtedask.pipeline.sinks.cube import CubeOptions, CubeSink

if TYPE_CHECKING:
    from pathlib import Path

    from dtedask.store.schema import Schema


class FdbOptions(CubeOptions):
    """MultIO's sink into an FDB: fields go into the cubes of a root instead, `url` or that of ``--output``."""

    config: dict[str, Any] | str | None = None
    """The FDB's configuration, or its file. Of it the schema is taken, for a root that does not exist yet."""
    user_config: dict[str, Any] = Field(default={}, alias="userConfig")
    """The FDB's configuration of a user. Accepted; nothing of it has a meaning for a cube."""

    def explain(self) -> str:
        """See `SinkOptions`."""
        where = f"into {self.url}" if self.url else "into the root of --output"
        return f"fdb5: a cube takes the place of the FDB, {where}"


class FdbSink(CubeSink):
    """Archives fields by `store`, as `cube` does."""

    Options = FdbOptions

    def _schema(self) -> Schema | None:
        from dtedask.store.schema import import_fdb

        given = super()._schema()
        if given is not None:
            return given
        said = self._config().get("schema")
        if not said or "://" in self.root or (self.context.folder / self.root).exists():
            return None
        return import_fdb(self.context.folder / str(said))[0]

    def _config(self) -> Mapping[str, Any]:
        config = self.options.config
        if not isinstance(config, str):
            return config or {}
        path: Path = self.context.folder / config
        try:
            found, _ = read_yaml(path.read_text("utf-8"), str(path))
        except OSError as error:
            raise PlanError(
                f"The configuration {str(path)!r} of the sink fdb5 cannot be read: {error.strerror}.",
                hint="Leave config out: a cube takes the place of the FDB.",
            ) from error
        return found if isinstance(found, Mapping) else {}
