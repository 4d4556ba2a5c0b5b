"""The source: `earthkit.data.from_source("dtedask", root, request)`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dtedask
from dtedask.core.errors import RequestError
from dtedask.core.settings import setting
from dtedask.earthkit.fields import StoreFieldList
from dtedask.earthkit.library import Source
from dtedask.request import Request

if TYPE_CHECKING:
    from dtedask.store import Store

Root = str | os.PathLike[str]
RequestLike = Request | str | Mapping[str, Any]


class DtedaskSource(Source):  # type: ignore[misc]
    """Fields of a root.

    Parameters
    ----------
    *args : str, path or mapping
        Root and request, or the request alone. A text with ``=`` in it that stands alone is a request.
    root : str or path, optional
        Folder or URL of the root; without any that of the setting ``store.root``.
    request : Request, str or mapping, optional
        The fields; all without one.
    at : str or datetime, optional
        Read the root as it was: a moment (UTC), a snapshot's identifier or a tag.
    allow_missing : bool
        Whether values that the request names may be absent.
    **keys : object
        MARS keys, added to the request.

    Raises
    ------
    NoMatchError
        If nothing matches.
    MissingFieldsError
        If a value that is named does not exist and `allow_missing` is False.
    """

    name = "dtedask"

    def __init__(
        self,
        *args: Root | RequestLike,
        root: Root | None = None,
        request: RequestLike | None = None,
        at: str | datetime | None = None,
        allow_missing: bool = False,
        **keys: object,
    ) -> None:
        super().__init__()
        found_root, found_request = _sorted(list(args), root, request)
        self._store: Store = dtedask.open(found_root if found_root is not None else setting("store.root"), at=at)
        self._request = _merged(found_request, keys, self._store)
        self._allow_missing = allow_missing

    def mutate(self) -> StoreFieldList:
        """The fields; they are listed, not read."""
        return StoreFieldList(self._store, self._request, allow_missing=self._allow_missing)


def _sorted(
    args: list[Root | RequestLike], root: Root | None, request: RequestLike | None
) -> tuple[Root | None, RequestLike | None]:
    """Tell root and request apart."""
    if args and root is None and (len(args) > 1 or request is not None or not _is_request(args[0])):
        root = _as_root(args.pop(0))
    if args and request is None:
        request = args.pop(0)  # type: ignore[assignment]
    if args:
        raise RequestError(
            f"The source 'dtedask' takes a root and a request; {args[0]!r} is too much.",
            hint='Write from_source("dtedask", root, request), or name root= and request=.',
        )
    return root, request


def _is_request(value: object) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, str) and "=" in value)


def _as_root(value: Root | RequestLike) -> Root:
    if isinstance(value, str | os.PathLike):
        return value
    raise RequestError(
        f"The root of the source 'dtedask' is {value!r}.", hint="Give its path or URL before the request, or as root=."
    )


def _merged(request: RequestLike | None, keys: Mapping[str, object], store: Store) -> RequestLike | None:
    if not keys:
        return request
    given = Request({}) if request is None else Request.parse(request, language=store.schema().language)
    return {key: list(values) for key, values in given.items()} | dict(keys)
