"""In which order tasks are done: the urgent first, and what is made of a value soon after it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

__all__ = ["ordered"]


def ordered(needs: Sequence[Sequence[int]], urgency: Sequence[int]) -> list[int]:
    """Order tasks so that inputs come first, then the urgent, and then depth first.

    Parameters
    ----------
    needs : sequence of sequence of int
        For each task those that it takes values from; no task waits for itself.
    urgency : sequence of int
        Of each task; the least goes first, and no task is more urgent than what it needs.

    Returns
    -------
    list of int
        Each task once.
    """
    missing = [len(set(one)) for one in needs]
    users: list[list[int]] = [[] for _ in needs]
    for number, one in enumerate(needs):
        for other in set(one):
            users[other].append(number)
    ready: dict[int, list[int]] = defaultdict(list)
    for number, count in enumerate(missing):
        if not count:
            ready[urgency[number]].append(number)
    found: list[int] = []
    for now in sorted(set(urgency)):
        stack = ready.pop(now, [])[::-1]
        while stack:
            number = stack.pop()
            found.append(number)
            for user in reversed(users[number]):
                missing[user] -= 1
                if not missing[user]:
                    (stack if urgency[user] == now else ready[urgency[user]]).append(user)
    return found
