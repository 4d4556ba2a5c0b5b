"""Keep time series up to date: rechunk what is there, then what each commit completes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import NoMatchError, NotFoundError
from dtedask.core.stages import stage
from dtedask.request import Request

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.store.root_handle import RequestLike
    from dtedask.store.series.rechunk import Rechunk
    from dtedask.store.store import Store


def keep_up(
    store: Store,
    request: RequestLike = None,
    *,
    stop: threading.Event | None = None,
    timeout_s: float | None = None,
    **options: Any,
) -> Iterator[Rechunk]:
    """Rechunk, and again after each commit that writes or wipes fields, until it is stopped.

    Parameters
    ----------
    store : Store
        The root; it may come into being later.
    request : Request, str or mapping, optional
        As for `Store.rechunk`.
    stop : threading.Event, optional
        Ends it when it is set, after what was committed until then.
    timeout_s : float, optional
        Ends it after so many seconds without a commit.
    **options
        As for `Store.rechunk`.

    Yields
    ------
    Rechunk
        What made time series, and what was refused since others changed it.
    """
    commits = store.follow(stop=stop, timeout_s=timeout_s)  # from before the first look: nothing is missed
    parsed = Request.parse(request if request is not None else {}, language=store.schema().language)
    yield from _made(store, parsed, options)
    for commit in commits:
        narrowed = _narrowed(parsed, commit)
        if narrowed is not None:
            yield from _made(store, narrowed, options)


def _narrowed(request: Request, commit: Commit) -> Request | None:
    """The runs of a request that a commit is about; None where it is about none."""
    changes = (*commit.changes, *commit.wiped)
    if commit.rolled_back:
        return request
    if not changes or not all("date" in change.keys for change in changes):
        return request if changes else None
    dates = request.select("date", {date for change in changes for date in change.keys["date"].split("/")})
    keys = {key: list(values) for key, values in request.items() if key != "date"}
    return Request({**keys, "date": sorted(dates)}, language=request.language) if dates else None


def _made(store: Store, request: Request, options: dict[str, Any]) -> Iterator[Rechunk]:
    try:
        with stage("series", beside=True):
            found = store.rechunk(request, **options)
    except (NoMatchError, NotFoundError):  # nothing of it has come yet
        return
    if found.commits or found.changed:
        yield found
