"""From keys and values to requirements; what is wrong in one of them is said with its line, and stops no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dtedask.core.errors import DocumentError, ProductError
from dtedask.products.deliveries.places import check_places
from dtedask.products.requirement import Requirement
from dtedask.products.requirements.broken import Broken
from dtedask.products.requirements.keywords import OrderKeywords
from dtedask.products.requirements.parts import (
    WrongPartError,
    deliveries,
    digest,
    order,
    post_processing,
    written_as,
)
from dtedask.products.requirements.raw import Item, Mistake, NamedPlace, Place, Source
from dtedask.products.requirements.selecting import Selecting
from dtedask.products.requirements.splitting import Finding, Sections, path_in, split

__all__ = ["Checker"]

_UNNAMED = "unnamed"
_Part = tuple[Any, ...]


class Checker:
    """Checks the requirements of one document. Equal parts of them are checked once, and are the same object.

    Parameters
    ----------
    source : Source
        The document.
    below : mapping
        Defaults for all documents; those of the document go before them.
    """

    def __init__(self, source: Source, below: Mapping[str, Any]) -> None:
        self._context = {"areas": source.areas, "path": source.file, "folder": source.file and source.file.parent}
        self._layers: list[tuple[Mapping[str, Any], tuple[str, ...], Place]] = [
            (source.defaults, ("defaults",), source.place),
            (below, (), NamedPlace("<defaults>")),
        ]
        own, others = split(source.defaults), split(below)
        self._defaults = others.under(own)
        self._selecting = Selecting()
        self._known: dict[str, _Part | WrongPartError] = {}
        self.notes: list[Mistake] = []
        """What one should know of requirements that are not broken: words without effect, ranges that end early."""

    def check(self, item: Item) -> Requirement | Broken | None:
        """Check one requirement; None for one that is switched off."""
        name = str(item.data.get("name") or _UNNAMED)
        if item.mistake is not None:
            return Broken(name, (item.mistake,))
        try:
            return self._made(split(item.data), item)
        except WrongPartError as error:
            return Broken(name, tuple(dict.fromkeys(self._mistake(one, item) for one in error.findings)))

    def _made(self, own: Sections, item: Item) -> Requirement | None:
        said = self._defaults.under(own)
        if said.order.get("enabled") is False:
            return None
        wrong = list(said.findings)
        request = self._part(wrong, "request", said.request, self._selecting.request)
        how = self._part(wrong, "how", _with_method(said), lambda given: post_processing(given, self._context))
        written = self._written(wrong, said.format.get("format"), own.options, item.handed_on)
        places = self._part(wrong, "delivery", said.delivery, lambda given: deliveries(given, self._context))
        if request is None or how is None or written is None or places is None or wrong:
            self._part(wrong, "", {"name": _UNNAMED, **said.order}, lambda given: (order(given, self._context),))
            raise WrongPartError(*wrong)
        try:
            check_places(written[0], places[0])
        except ProductError as error:
            raise WrongPartError(Finding(("delivery",), error.message, error.hint)) from error
        content = digest(request[1], how[1], written[1])
        ordered = self._ordered(said.order, content + places[1])
        if not ordered.enabled:
            return None
        if own.ignored or request[2]:
            ignored = (Finding((name,), f"{name!r} has no effect here.") for name in own.ignored)
            self.notes += [self._mistake(note, item) for note in (*ignored, *request[2])]
        return Requirement(
            name=ordered.name,
            owner=ordered.owner,
            request=request[0],
            how=how[0],
            format=written[0],
            delivery=places[0],
            file_name=_template(ordered, written[0].type) or written[2],
            deadline=ordered.deadline,
            priority=ordered.priority,
            place=item.place.at(),
            digest=content,
        )

    def _written(
        self, wrong: list[Finding], said: Any, options: Mapping[str, Any], handed_on: frozenset[str]
    ) -> _Part | None:
        below = {name: value for name, value in self._defaults.options.items() if name not in options}
        below |= {name: value for name, value in options.items() if name in handed_on}
        beside = {name: value for name, value in options.items() if name not in handed_on}
        given = {"said": said, "beside": _given(beside), "below": _given(below)}
        return self._part(wrong, "format", given, lambda one: written_as(**one, context=self._context))

    def _part(
        self, wrong: list[Finding], kind: str, said: Mapping[str, Any], make: Callable[[dict[str, Any]], _Part]
    ) -> _Part | None:
        """A part that is checked, once for all that say the same; None if it is wrong, which is added to `wrong`."""
        place = f"{kind}{said!r}"
        found = self._known.get(place)
        if found is None:
            try:
                found = make(_given(said) if kind != "format" else dict(said))
            except WrongPartError as error:
                found = error
            self._known[place] = found
        if isinstance(found, WrongPartError):
            wrong += found.findings
            return None
        return found

    def _ordered(self, said: Mapping[str, Any], content: str) -> OrderKeywords:
        given = _given(said)
        if "name" not in given:
            key = digest(content, repr(sorted(given.items())))[:8]
            given["name"] = f"{str(given.get('owner') or 'requirement').replace('/', '-')}-{key}"
        return order(given, self._context)

    # ---- where mistakes are

    def _mistake(self, finding: Finding, item: Item) -> Mistake:
        path = path_in(item.data, finding.path)
        if path is not None or not finding.path:
            return Mistake(item.place.at(path or ()), finding.text, finding.hint)
        for data, before, place in self._layers:
            path = path_in(data, finding.path)
            if path is not None:
                return Mistake(place.at((*before, *path)), finding.text, finding.hint)
        return Mistake(item.place.at(), finding.text, finding.hint)


def _with_method(said: Sections) -> dict[str, Any]:
    """Keywords of MIR, those of the method among its options."""
    options = said.how.get("method_options")
    if not said.method or not isinstance(options, Mapping | None):
        return said.how
    return {**said.how, "method_options": {**_given(said.method), **(options or {})}}


def _given(said: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is taken away by an empty value."""
    return {key: value for key, value in said.items() if value is not None}


def _template(ordered: OrderKeywords, format_type: str) -> str:
    try:
        return ordered.template(format_type)
    except DocumentError as error:
        raise WrongPartError(Finding(("file",), error.message, error.hint)) from error
