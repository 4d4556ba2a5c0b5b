"""Whether roots are there: each is asked for its document, all side by side, and none for longer than a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.core.errors import DamagedError, DtedaskError, FormatVersionError, NotFoundError, RootUnavailableError
from dtedask.store.failures import first_line
from dtedask.store.root_files import RootFiles
from dtedask.store.roots import FILE

if TYPE_CHECKING:
    from dtedask.store.location import Location

UNKNOWN = f"it holds no {FILE}: it is not mounted, or new"


class RootUnavailableWarning(UserWarning):
    """Reading goes on without a root that does not answer."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a root stands.

    Parameters
    ----------
    document : bytes, optional
        Its document; None where it has none.
    problem : str
        Why nothing can be said; empty where the root answered.
    """

    document: bytes | None = None
    problem: str = ""

    @property
    def is_there(self) -> bool:
        """Whether it has a document."""
        return self.document is not None

    @property
    def is_new(self) -> bool:
        """Whether it answered and holds nothing."""
        return not self.is_there and not self.problem


def look(locations: Iterable[Location], timeout_s: float) -> dict[Location, Standing]:
    """Ask roots for their documents.

    Parameters
    ----------
    locations : iterable of Location
        The roots.
    timeout_s : float
        How long to wait for all of them together, in seconds.
    """
    wanted = list(dict.fromkeys(locations))
    found: dict[Location, Standing] = {}

    def ask(location: Location) -> None:
        found[location] = _standing(location)

    # A storage that hangs must not hold up the end of the process either, as a pool of threads would.
    threads = [threading.Thread(target=ask, args=(one,), daemon=True, name="look-at-root") for one in wanted]
    deadline = time.monotonic() + timeout_s
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))
    late = Standing(problem=f"it did not answer within {timeout_s:g} s")
    return {location: found.get(location, late) for location in wanted}


def _standing(location: Location) -> Standing:
    try:
        return Standing(RootFiles(location).read(FILE))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told of the root
        return Standing(problem=reason_of(error))


def is_unavailable(error: Exception) -> bool:
    """Whether an error says that a root does not answer, and not that something in it is wrong."""
    if isinstance(error, DamagedError | FormatVersionError | NotFoundError | PermissionError):
        return False
    return type(error).__name__ in ("StoreError", "CommitTimeoutError") or (
        isinstance(error, OSError) and not isinstance(error, DtedaskError)
    )


def reason_of(error: Exception) -> str:
    """What an error says, in one line and without what to do."""
    text = error.message if isinstance(error, DtedaskError) else first_line(error)
    return text.rstrip(".")


def unavailable(roots: Mapping[str, str], name: str) -> RootUnavailableError:
    """Name roots that do not answer, each by its path or URL, with the reason."""
    told = "; ".join(f"{url}: {reason}" for url, reason in roots.items())
    is_unknown = UNKNOWN in roots.values()
    create = f"; `dtedask store roots --root {name} --create` makes roots that are new" if is_unknown else ""
    return RootUnavailableError(
        f"{'A root' if len(roots) == 1 else f'{len(roots)} roots'} of {name!r} cannot be used: {told}.",
        hint=f"Mount it or look at the storage{create}; on_unavailable='warn' reads what the others have.",
        roots=roots,
    )
