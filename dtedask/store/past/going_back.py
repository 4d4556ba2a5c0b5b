"""Which cubes a rollback is about, and the transactions that do it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from dtedask.core.commit import Commit
from dtedask.core.errors import NoMatchError, NotFoundError
from dtedask.store.past.revert import RevertTransaction
from dtedask.store.past.rollback import EmptyTransaction, GoingBack, RollbackTransaction
from dtedask.store.past.states import states_at

if TYPE_CHECKING:
    from dtedask.store.execute import Execution
    from dtedask.store.location import Location
    from dtedask.store.transaction import Options


def back_to(
    location: Location, cubes: Sequence[str], to: str | datetime, options: Options, message: str
) -> list[GoingBack]:
    """Transactions that make an older state the newest; a cube that did not exist then becomes empty.

    Raises
    ------
    NotFoundError
        If no cube has such a state.
    """
    found: list[GoingBack] = []
    for cube, state in sorted(states_at(location, cubes, to, options.branch).items()):
        if state is None or not state.attributes:
            found.append(EmptyTransaction(location=location, cube=cube, options=options, message=message))
        else:
            found.append(
                RollbackTransaction(location=location, cube=cube, options=options, message=message, target=state.id)
            )
    return found


def without(
    location: Location, commits: Iterable[Commit], options: Options, message: str, execution: Execution
) -> list[GoingBack]:
    """Transactions that undo commits, one for each cube."""
    by_cube: dict[str, list[Commit]] = {}
    for commit in commits:
        by_cube.setdefault(commit.cube, []).append(commit)
    return [
        RevertTransaction(
            location=location, cube=cube, options=options, message=message, commits=found, execution=execution
        )
        for cube, found in sorted(by_cube.items())
    ]


def some_commits(history: Sequence[Commit], source: str, author: str) -> Sequence[Commit]:
    """The commits of a search.

    Raises
    ------
    NoMatchError
        If there are none.
    """
    if not history:
        asked = [f"from {source!r}"] if source else []
        asked += [f"by {author!r}"] if author else []
        raise NoMatchError(
            f"No commit is {' and '.join(asked)}.", hint="`dtedask store history` lists sources and authors."
        )
    return history


def named_commits(history: Sequence[Commit], names: Iterable[str | Commit]) -> list[Commit]:
    """Commits by their snapshots.

    Raises
    ------
    NotFoundError
        If one of them is not in the history.
    """
    known = {commit.snapshot: commit for commit in history}
    wanted = [name if isinstance(name, str) else name.snapshot for name in names]
    missing = [name for name in wanted if name not in known]
    if missing:
        raise NotFoundError(
            f"The history has no commit {', '.join(missing)}.", hint="`dtedask store history` lists the commits."
        )
    return [known[name] for name in wanted]
