"""The action `encode-mtg2`: fields become GRIB2 messages, by their MARS keys alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from dtedask.pipeline.action import Action, Context
from dtedask.pipeline.actions.encode import PackingOptions, encode_field

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message

Mars2Grib = Literal[
    "applyChecks",
    "enableOverride",
    "enableBitsPerValueCompression",
    "normalizeMars",
    "normalizeMisc",
    "fixMarsGrid",
    "skipSection3",
    "allowDefaultTimeIncrement",
    "allowZeroLengthFsWindow",
    "allowNonEnumeratedPositiveIntegerTimespanHours",
    "allowRedundantTimeIncrement",
    "allowMissingTimespanForInstantProduct",
    "allowMissingTimespanForStatisticalProduct",
]


class EncodeMtg2Options(PackingOptions):
    """Fields become GRIB2 messages; all that a header says follows from the MARS keys and the grid."""

    mars2grib_options: dict[Mars2Grib, bool] = Field(default={}, alias="mars2grib-options")
    """Switches of MultIO's encoder. Accepted; checks are always made, and nothing is left out of a message."""
    geo_from_atlas: bool = Field(False, alias="geo-from-atlas")
    """Of older plans of MultIO. Accepted; the grid is that of the field."""
    knowledge_root: str = Field("", alias="knowledge-root")
    """Of older plans of MultIO, as the next three: where its tables lie. Accepted; ecCodes' own tables are taken."""
    samples_path: str = Field("", alias="samples-path")
    """See `knowledge-root`."""
    encoding_rules: str = Field("", alias="encoding-rules")
    """See `knowledge-root`."""
    mapping_rules: str = Field("", alias="mapping-rules")
    """See `knowledge-root`."""


class EncodeMtg2(Action):
    """Gives each field its message; what is encoded already is handed on."""

    Options = EncodeMtg2Options
    on_archive: ClassVar[Literal["run", "end", "pass"]] = "pass"

    def __init__(self, options: EncodeMtg2Options, context: Context) -> None:
        super().__init__(options, context)
        self._encoder = options.encoder()

    def handle(self, message: Message, state: Any, compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        if not message.is_field or message.data is not None:
            yield message
            return
        function = encode_field(message, self._encoder, as_it_says=self.options.packing is None)
        data = compute.call("encode", function, message.values)
        yield message.replaced(data=data, values=None)
