"""One of several roots, and asking all of them side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from dtedask.core.errors import DtedaskError, NotFoundError
from dtedask.request import Request
from dtedask.store.several.choose import Choice, choice_of, visible
from dtedask.store.several.standing import is_unavailable, reason_of

if TYPE_CHECKING:
    from dtedask.store.location import Location
    from dtedask.store.selection import Selection
    from dtedask.store.several.document import RootsDocument
    from dtedask.store.store import Store
    from dtedask.store.views.overlays import Overlay

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Member:
    """One root, with what several spaces say of it.

    Parameters
    ----------
    location : Location
        Where it is.
    writable : bool
        Whether fields may be archived and wiped.
    spaces : tuple of int
        Numbers of the spaces that it is in.
    choices : tuple of Choice
        What these take: fields of other spaces are not seen in it.
    store : Store
        Its handle.
    """

    location: Location
    writable: bool
    spaces: tuple[int, ...]
    choices: tuple[Choice, ...]
    store: Store

    def may_hold(self, request: Request) -> bool:
        """Whether fields that are asked for can be in it."""
        return any(choice.may_take(request) for choice in self.choices)

    def shows(self, keys: Mapping[str, str]) -> bool:
        """Whether a field of these keys would be seen in it."""
        return any(choice.takes(keys) for choice in self.choices)

    def shows_any(self, selection: Selection) -> bool:
        """Whether one of the selected fields would be seen in it."""
        return visible(selection, self.choices) is not None

    def matching(self, request: Request, overlays: Sequence[Overlay] = ()) -> list[Selection]:
        """Fields that a request takes and that belong to a space of the root, locked or not."""
        parts = self.store._matching(request, overlays)  # noqa: SLF001 - a handle of ours
        found = (visible(part, self.choices) for part in parts)
        return [part for part in found if part is not None]

    def holds(self, keys: Mapping[str, str]) -> bool:
        """Whether a field of some keys was committed to it."""
        published = self.store._with()  # noqa: SLF001 - a handle of ours
        request = Request(dict(keys), language=published.schema().language)
        try:
            return bool(published._matching(request))  # noqa: SLF001
        except NotFoundError:  # no cube, or not the branch
            return False


def members_of(document: RootsDocument, open_store: Callable[[Location], Store]) -> tuple[Member, ...]:
    """The roots of a document, each once, in the order in which it names them first."""
    from dtedask.store.location import Location

    found: dict[str, tuple[bool, list[int]]] = {}
    for number, space in enumerate(document.spaces):
        for root in space.roots:
            found.setdefault(root.path, (root.writable, []))[1].append(number)
    members = []
    for path, (writable, spaces) in found.items():
        location = Location.parse(path)
        choices = tuple(choice_of(document.spaces[number]) for number in spaces)
        members.append(Member(location, writable, tuple(spaces), choices, open_store(location)))
    return tuple(members)


@dataclass(frozen=True)
class Answers:
    """What roots said.

    Parameters
    ----------
    found : list of (Member, answer)
        In the order of the roots.
    absent : list of NotFoundError
        Of roots that do not have the state that was asked for.
    problems : dict of str to str
        Roots that do not answer, and why.
    """

    found: list[tuple[Member, object]]
    absent: list[NotFoundError]
    problems: dict[str, str]


def ask(members: Sequence[Member], do: Callable[[Member], Answer]) -> Answers:
    """Ask roots side by side; the first error that is not about a root alone is raised."""
    outcomes = [_outcome(do, member) for member in members] if len(members) < 2 else _side_by_side(members, do)
    answers = Answers([], [], {})
    for member, outcome in zip(members, outcomes, strict=True):
        if isinstance(outcome, NotFoundError):
            answers.absent.append(outcome)
        elif isinstance(outcome, Exception) and is_unavailable(outcome):
            answers.problems[member.location.url] = reason_of(outcome)
        elif isinstance(outcome, Exception):
            raise outcome
        else:
            answers.found.append((member, outcome))
    return answers


def _side_by_side(members: Sequence[Member], do: Callable[[Member], Answer]) -> list[Answer | Exception]:
    with ThreadPoolExecutor(len(members), thread_name_prefix="roots") as pool:
        return list(pool.map(lambda member: _outcome(do, member), members))


def _outcome(do: Callable[[Member], Answer], member: Member) -> Answer | Exception:
    try:
        return do(member)
    except (DtedaskError, OSError) as error:
        return error


def names_of(members: Iterable[Member]) -> str:
    """Paths and URLs of roots, for messages."""
    return ", ".join(member.location.url for member in members)
