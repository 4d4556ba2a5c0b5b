"""The delivery `folder`: products become files below a folder."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator

from dtedask.core.errors import DeliveryError
from dtedask.products.deliveries.aside import aside, copy_aside, link, make_folder, place, sweep, sync_folder
from dtedask.products.deliveries.checksum import checksum_of_path
from dtedask.products.deliveries.contents import path_of
from dtedask.products.deliveries.lines_file import LinesFile
from dtedask.products.deliveries.places import safe_name
from dtedask.products.delivery import Content, Delivery, DeliveryOptions, Receipt

__all__ = ["FolderDelivery", "FolderOptions"]

_LASTING = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)


class FolderOptions(DeliveryOptions):
    """Products become files below a folder, each whole from the moment it is seen."""

    type: Literal["folder"] = "folder"
    path: str
    """The folder, relative to the document; `~` and `$VARIABLES` are replaced. It is made when it is missing."""

    @field_validator("path")
    @classmethod
    def _is_absolute(cls, path: str, info: ValidationInfo) -> str:
        document = (info.context or {}).get("path")
        folder = document.parent if document else Path()
        text = path.removeprefix("file://")
        if not text.strip():
            raise ValueError("the folder has no name.")
        return os.path.abspath(folder / Path(os.path.expandvars(text)).expanduser())

    @property
    def target(self) -> str:
        """See `DeliveryOptions`."""
        return self.path


class FolderDelivery(Delivery):
    """Gives a product that is on disk its name: by a link where nothing has it, else aside and by one rename."""

    Options = FolderOptions
    is_quick = True

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.folder = Path(options.path)
        self._guard = threading.Lock()
        self._manifests: dict[str, LinesFile] = {}
        with suppress(OSError):  # whoever delivers is told
            sweep(self.folder)

    def deliver(self, content: Content) -> Receipt:
        """See `Delivery`."""
        source, target = path_of(content), self.folder / safe_name(content.product)
        with _told(content.product.id, self.folder):
            is_new = not _is_there(target, content)
            if is_new and not (content.is_spare and link(source, target)):
                make_folder(target.parent)
                with aside(self.folder) as path:
                    copy_aside(source, path, may_link=content.is_spare)
                    place(path, target)
            elif not is_new:
                sync_folder(target.parent)  # a power cut may have followed the rename at once
        return Receipt(str(target), content.checksum, content.size_bytes, datetime.now(UTC), is_new=is_new)

    def record(self, name: str, lines: Sequence[str]) -> None:
        """See `Delivery`."""
        with _told(f"manifest {name}", self.folder), self._guard:
            make_folder(self.folder)
            self._manifests.setdefault(name, LinesFile(self.folder / name)).append(lines)


def _is_there(target: Path, content: Content) -> bool:
    try:
        status = os.stat(target)  # noqa: PTH116 - called for each product
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not stat.S_ISDIR(status.st_mode) and status.st_size != content.size_bytes:
        return False
    return checksum_of_path(target) == (content.checksum, content.size_bytes)


@contextmanager
def _told(what: str, folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DeliveryError(
            f"{what} cannot be delivered to {str(folder)!r}: {error.strerror or error} ({error.filename or folder}).",
            hint="Check that the folder can be written and its disk is not full.",
            is_lasting=error.errno in _LASTING,
        ) from error
