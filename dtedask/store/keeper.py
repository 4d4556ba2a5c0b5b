"""Keeping a root: its schema, its history and what happens to both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtedask.core.commit import Commit
from dtedask.store.commits import history_of
from dtedask.store.reader import Reader
from dtedask.store.roots import RootDocument

if TYPE_CHECKING:
    from dtedask.store.schema import Schema

Commits = list[Commit]


class Keeper(Reader):
    """The cubes of one root, with their past and what keeps them in order."""

    def history(self, cube: str | None = None, *, after: int = 0) -> Commits:
        """Commits, oldest first; of one cube, or of all in order of time.

        Parameters
        ----------
        cube : str, optional
            Name of the cube; all where it is left out.
        after : int
            Only those that follow the commit of this number in the history of their cube.
        """
        names = [cube] if cube is not None else self.cubes()
        commits = [commit for name in names for commit in history_of(self._location, name, after=after)]
        return sorted(commits, key=lambda commit: (commit.time, commit.cube))

    def schema(self) -> Schema:
        """The schema of the root; what it would get where it does not exist."""
        return RootDocument(self._location).schema(self._schema)
