"""What products are made of, for manifests and for formats with room for it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

import dtedask
from dtedask.grib import library_version
from dtedask.products.formats.extract import Extract
from dtedask.products.node import inputs_of
from dtedask.products.operations.regrid import Regrid
from dtedask.products.planning.read import Read

if TYPE_CHECKING:
    from dtedask.products.node import Node

__all__ = ["Lineage"]

_DERIVING = ("formula", "members")


class Lineage(Mapping[str, str]):
    """What some fields are made of, made out when somebody asks; the same for the same content.

    Its keys are ``software``, ``format``, ``inputs`` (what the fields were read of, with the snapshots of the commits
    that wrote them last, and how many of each), ``inputs-sha256`` (over what stands for the content of each),
    ``weights`` (the keys of those that were used) and ``formulas`` (formulas, and statistics over members).

    Parameters
    ----------
    nodes : sequence of Node
        The fields.
    form : str
        The format's identity.
    """

    def __init__(self, nodes: Sequence[Node], form: str) -> None:
        self._nodes, self._form = nodes, form
        self._known: dict[str, str] = {}

    def __getitem__(self, key: str) -> str:
        return self._made()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made())

    def __len__(self) -> int:
        return len(self._made())

    def _made(self) -> dict[str, str]:
        if not self._known:
            operations = [node.operation for node in inputs_of(self._nodes)]
            reads = [one for one in operations if isinstance(one, Read)]
            sources = Counter(one.source or one.origin for one in reads)
            contents = "\n".join(sorted(one.content for one in reads))
            weights = {one.handle.key for one in operations if isinstance(one, (Extract, Regrid))}
            self._known = {
                "software": software(),
                "format": self._form,
                "inputs": "; ".join(f"{source} ({count} fields)" for source, count in sorted(sources.items())),
                "inputs-sha256": hashlib.sha256(contents.encode()).hexdigest(),
                "weights": " ".join(sorted(weights)),
                "formulas": "; ".join(sorted({one.identity for one in operations if one.name in _DERIVING})),
            }
        return self._known


@cache
def software() -> str:
    """Versions of what makes values."""
    return f"dtedask {dtedask.__version__}, ecCodes {library_version()}, NumPy {np.__version__}"
