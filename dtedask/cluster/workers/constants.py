"""Constants that many tasks need, such as interpolation weights and models: loaded once a process, never shipped."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from dtedask.core.sizes import size_text

Constant = TypeVar("Constant")
DEFAULT_BYTES = 2**30

logger = logging.getLogger(__name__)


class Constants:
    """Constants of a process, by keys that stand for their content.

    Parameters
    ----------
    most_bytes : int
        What they may take together; those that were used longest ago are let go. One that is larger alone is kept
        until the next one comes.
    """

    def __init__(self, most_bytes: int = DEFAULT_BYTES) -> None:
        self.most_bytes = most_bytes
        self._kept: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self._loading: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """What is kept."""
        with self._lock:
            return sum(size for _, size in self._kept.values())

    def __contains__(self, key: str) -> bool:
        with self._lock:
            return key in self._kept

    def get(self, key: str, loader: Callable[[], Constant], size_bytes: int | None = None) -> Constant:
        """A constant, which is loaded by the first who asks; the others wait for it. See `shared`."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                found: Constant = self._kept[key][0]
                return found
            own = self._loading.setdefault(key, threading.Lock())
        with own:
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    return self._kept[key][0]  # type: ignore[no-any-return]
            value = loader()  # what it raises goes to who asks; the next one tries again
            self._keep(key, value, _size_of(value) if size_bytes is None else size_bytes)
            return value

    def _keep(self, key: str, value: Any, size: int) -> None:
        with self._lock:
            self._kept[key] = value, size
            self._loading.pop(key, None)
            total = sum(kept for _, kept in self._kept.values())
            while total > self.most_bytes and len(self._kept) > 1:
                gone, (_, freed) = self._kept.popitem(last=False)
                total -= freed
                logger.info("the constant %s of %s was let go for %s", gone, size_text(freed), key)


_of_this_process = Constants()


def shared(key: str, loader: Callable[[], Constant], *, size_bytes: int | None = None) -> Constant:
    """Return a constant of this process; the first task that asks for it loads it, the others wait.

    Parameters
    ----------
    key : str
        Stands for the content, as `content_key` makes it: what has the same key is the same.
    loader : callable
        Loads it, for instance from a file that all nodes see. What it gives must not be changed by anybody.
    size_bytes : int, optional
        Memory that it takes; as Dask estimates it by default.

    Examples
    --------
    >>> weights = shared(content_key(b"o96 to 1 degree"), lambda: [0.25, 0.75])
    >>> weights is shared(content_key(b"o96 to 1 degree"), lambda: [0.25, 0.75])
    True
    """
    return _of_this_process.get(key, loader, size_bytes)


def content_key(*parts: bytes | str) -> str:
    """A key that stands for some content: the digest of its bytes, or of a text that names it without doubt."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:32]


def limit_shared(most_bytes: int) -> None:
    """Say what the constants of this process may take together."""
    _of_this_process.most_bytes = most_bytes


def _size_of(value: object) -> int:
    from dask.sizeof import sizeof

    return int(sizeof(value))
