"""How the fields of a variable are laid out in chunks: encoded (`map`), as GRIB messages (`messages`), and more."""

from dtedask.store.layouts.codec import Codec, FieldCodec, codec_of, codec_of_values
from dtedask.store.layouts.integers import IntegerCodec
from dtedask.store.layouts.map import ChunkCodec
from dtedask.store.layouts.messages import MessageCodec
from dtedask.store.layouts.packs import Packs, PackWriter
from dtedask.store.layouts.references import Reference
from dtedask.store.layouts.tiles import TileCodec

__all__ = [
    "ChunkCodec",
    "Codec",
    "FieldCodec",
    "IntegerCodec",
    "MessageCodec",
    "PackWriter",
    "Packs",
    "Reference",
    "TileCodec",
    "codec_of",
    "codec_of_values",
]
