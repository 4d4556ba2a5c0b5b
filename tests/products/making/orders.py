"""Hand-made orders: fields of numbers, operations on them, and products of the results."""

from __future__ import annotations

import os
import threading
import uuid
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from dtedask.products import (
    Cycle,
    Format,
    FormatOptions,
    Nodes,
    Operation,
    PostProcessing,
    Product,
    Receipt,
    Requirement,
)
from dtedask.products.finishing.outcome import Outcome
from dtedask.products.planning.make import Make
from tests.pipeline.fields import KEYS, description

CYCLE = Cycle(datetime(2024, 6, 3, tzinfo=UTC))
read: Counter = Counter()
batched: list[int] = []


@dataclass(frozen=True, slots=True)
class Given(Operation):
    name = "given"
    step: int
    errors: tuple = ()
    """Raised by the first reads of this process, one each."""

    @property
    def identity(self):
        return str(self.step)

    def describe(self):
        return description({**KEYS, "step": str(self.step)})

    def __call__(self):
        read[self.step] += 1
        if read[self.step] <= len(self.errors):
            raise self.errors[read[self.step] - 1]
        return np.random.default_rng(self.step).normal(size=(3, 4)).astype("float32")


@dataclass(frozen=True, slots=True)
class Times(Operation):
    """Several at once are multiplied in one call; a value of NaN cannot be."""

    name = "times"
    factor: float

    @property
    def identity(self):
        return repr(self.factor)

    def describe(self, *fields):
        return fields[0]

    def __call__(self, values):
        if np.isnan(values).any():
            raise ValueError("a gap")
        return values * np.float32(self.factor)

    def batch(self, fields):
        batched.append(len(fields))
        values = np.stack([one for (one,) in fields])
        return list(self(values))


@dataclass(frozen=True, slots=True)
class Sum(Operation):
    name = "sum"

    @property
    def identity(self):
        return ""

    def describe(self, *fields):
        return replace(fields[0], keys={**fields[0].keys, "type": "em"})

    def __call__(self, *values):
        return np.sum(values, axis=0, dtype="float32")


@dataclass(frozen=True, slots=True)
class Broken(Operation):
    name = "broken"
    error: Exception

    @property
    def identity(self):
        return repr(self.error)

    def describe(self, *fields):
        return fields[0]

    def __call__(self, *_values):
        raise self.error


@dataclass(frozen=True, slots=True)
class Dies(Sum):
    """Ends its process."""

    name = "dies"

    def __call__(self, *_values):
        os._exit(1)


@dataclass(frozen=True, slots=True)
class Waits(Sum):
    """Takes a while."""

    name = "waits"
    seconds: float = 0.0

    @property
    def identity(self):
        return repr(self.seconds)

    def __call__(self, *values):
        threading.Event().wait(self.seconds)
        return np.sum(values, axis=0, dtype="float32")


@dataclass(frozen=True, slots=True)
class Prepared(Sum):
    """Needs a file that is made before."""

    name = "prepared"
    folder: str = ""

    @property
    def identity(self):
        return self.folder

    def preparation(self):
        return f"file-{self.folder}", partial(_made_in, self.folder)

    def __call__(self, *values):
        assert list(Path(self.folder).iterdir())
        return np.sum(values, axis=0, dtype="float32")


def _made_in(folder):
    (Path(folder) / uuid.uuid4().hex).touch()


@dataclass(frozen=True, slots=True)
class Pack(Operation):
    name = "pack"

    @property
    def identity(self):
        return ""

    def describe(self, *fields):
        return fields[0]

    def __call__(self, values):
        return values.tobytes()


class Joined(Format):
    suffix = ".bin"
    default_name = "{name}"

    def write(self, product, parts, path, lineage):  # noqa: ARG002 - of the interface
        path.write_bytes(b"".join(part.payload for part in parts))


def order(*nodes, name="a", hours=None, priority=0, also=()):
    """A make for one product, and for others of equal content."""
    requirements = [
        Requirement(
            one, "me", {}, PostProcessing(), FormatOptions(type="joined"),
            deadline=None if hours is None else timedelta(hours=hours), priority=priority,
        )
        for one in (name, *also)
    ]  # fmt: skip
    products = [Product(one, CYCLE, f"{one.name}.bin", (), one.due(CYCLE)) for one in requirements]
    return Make(f"digest-{name}", tuple(products), nodes, Joined(FormatOptions(type="joined")))


def plan(*makes):
    return SimpleNamespace(makes=makes)


def delivered(make):
    """What a delivery would say of each product."""
    receipt = Receipt("there", "sha256:0", 0, datetime(2024, 6, 3, tzinfo=UTC))
    return [Outcome(product, "there", receipt) for product in make.products]


class Shelf:
    """Takes what is finished, by the name of its first product."""

    def __init__(self):
        self.parts = {}
        self.names = []
        self._lock = threading.Lock()

    def __call__(self, make, parts):
        with self._lock:
            self.names.append(make.products[0].requirement.name)
            self.parts[self.names[-1]] = [
                part.payload if isinstance(part.payload, bytes) else part.payload.copy() for part in parts
            ]
        return delivered(make)


def alone(node):
    """The value of a node, made by itself."""
    return node.operation(*(alone(one) for one in node.inputs))


def nodes():
    return Nodes()
