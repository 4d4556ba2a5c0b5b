"""What need not be read again: fields that are in the cube from the very same files, and were not touched since."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.core.errors import FieldError, StoreError
from dtedask.ingest.marks import Mark, are_all

if TYPE_CHECKING:
    from dtedask.ingest.survey import FileSurvey, Unit
    from dtedask.store import Store
    from dtedask.store.identity import Address
    from dtedask.store.past.field_history import FieldHistory

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a unit is to be archived.

    Parameters
    ----------
    left : list of int
        Places of the messages in the unit.
    known : int
        How many fields are in the cubes as they are in the files.
    marked : list of bool
        Whether each message of `left` is in the cube after the commit, and not one of another file in its place.
    """

    left: list[int]
    known: int
    marked: list[bool]


class Known:
    """What the histories of a root, or several, say of files.

    Parameters
    ----------
    store : Store
        The root, or several.
    is_asked : bool
        False where everything is to be compared.
    """

    def __init__(self, store: Store, *, is_asked: bool = True) -> None:
        from dtedask.store.addresses import Addresses

        self._stores = store.apart()
        self._addresses = Addresses(store.schema())
        self._is_asked = is_asked
        self._cubes: dict[tuple[int, str], _CubeFiles] = {}

    def choose(self, unit: Unit) -> Choice:
        """Say what of a unit is to be archived; nothing is decoded."""
        fields = _fields_of([self._address_of(message.field) for message in unit.messages])
        known = self._known(unit, fields) if self._is_asked else set()
        stays: dict[int, bool] = {}
        for number, field in enumerate(fields):
            if number not in known:
                place = unit.messages[field.winner].location
                stays.update((index, unit.messages[index].location == place) for index in field.messages)
        left = sorted(stays)
        return Choice(left, len(known), [stays[index] for index in left])

    def has_whole(self, found: FileSurvey) -> bool:
        """Whether every cube that a file touches got all of it once, whatever became of it there."""
        cubes: dict[str, int] = {}
        for message in found.messages:
            address = self._address_of(message.field)
            if address is None:
                return False
            cubes[address.cube] = cubes.get(address.cube, 0) + 1
        return bool(cubes) and all(
            any(files.has_whole(found) for number in range(len(self._stores)) if (files := self._files(number, cube)))
            for cube in cubes
        )

    def _address_of(self, description: object) -> Address | None:
        try:
            return self._addresses.of(description)  # type: ignore[arg-type]
        except FieldError:
            return None  # who archives it says what is wrong

    def _known(self, unit: Unit, fields: Sequence[_Field]) -> set[int]:
        """Numbers of the fields that need not be archived."""
        tags = {file.path: file.tag for file in (*unit.complete, *unit.partial)}
        left = [number for number, field in enumerate(fields) if field.address is not None and field.is_clear]
        known: set[int] = set()
        for root in range(len(self._stores)):
            asked: dict[str, list[int]] = {}
            for number in left:
                asked.setdefault(fields[number].address.cube, []).append(number)  # type: ignore[union-attr]
            left = []
            for cube, numbers in asked.items():
                files = self._files(root, cube)
                if files is None:
                    left += numbers
                    continue
                told = [number for number in numbers if files.tells(unit, tags, fields[number])]
                there = files.exist([fields[number] for number in told])
                known |= {number for number, is_there in zip(told, there, strict=True) if is_there}
                if root + 1 < len(self._stores):
                    left += self._absent(files, fields, [number for number in numbers if number not in known])
        return known

    def _absent(self, files: _CubeFiles, fields: Sequence[_Field], numbers: Sequence[int]) -> list[int]:
        """Fields that this root lacks: a root behind it may have them."""
        there = files.exist([fields[number] for number in numbers])
        return [number for number, is_there in zip(numbers, there, strict=True) if not is_there]

    def _files(self, root: int, cube: str) -> _CubeFiles | None:
        """What a cube knows of files, as of now; None where there is no such cube."""
        files = self._cubes.get((root, cube))
        if files is None:
            files = self._cubes[(root, cube)] = _CubeFiles(self._stores[root].field_history(cube))
        try:
            files.update()
        except StoreError as error:
            if len(self._stores) == 1:
                raise
            logger.warning("%s does not say what it has: %s", self._stores[root].root, error)
            return None
        return files if files.history.newest else None


@dataclass(frozen=True, slots=True)
class _Field:
    """One field, and the messages of a unit that are it, of which the last one wins."""

    address: Address | None
    messages: list[int]
    is_clear: bool

    @property
    def winner(self) -> int:
        return self.messages[-1]


def _fields_of(addresses: Sequence[Address | None]) -> list[_Field]:
    found: dict[object, list[int]] = {}
    for index, address in enumerate(addresses):
        found.setdefault(index if address is None else address.identity, []).append(index)
    return [
        _Field(addresses[messages[-1]], messages, len(messages) == 1 or _are_alike([addresses[n] for n in messages]))
        for messages in found.values()
    ]


def _are_alike(addresses: Iterable[Address | None]) -> bool:
    """Whether messages of one field are of one product; who archives others says how they differ."""
    products = {(one.product, one.variable.edition) if one is not None else None for one in addresses}
    return len(products) == 1


class _CubeFiles:
    """What the history of one cube says of files."""

    def __init__(self, history: FieldHistory) -> None:
        self.history = history
        self._beginnings = 0
        self._files: dict[str, _File] = {}

    def update(self) -> None:
        commits = self.history.update()
        if self._beginnings != self.history.beginnings:
            self._beginnings = self.history.beginnings
            self._files.clear()
        for commit in commits:
            for source in commit.sources:
                tag = source[: source.rfind("]") + 1]
                self._files.setdefault(tag, _File()).sources.append((commit.sequence, source))

    def tells(self, unit: Unit, tags: Mapping[str, str], field: _Field) -> bool:
        """Whether a field came from where the unit has it, and was not touched since."""
        assert field.address is not None
        file = self._files.get(tags.get(unit.messages[field.winner].location, ""))
        if file is None:
            return False
        sequence = file.sequence_of(unit.numbers[field.winner])
        return sequence >= max(self.history.begin, self.history.last_change(field.address))

    def exist(self, fields: Sequence[_Field]) -> list[bool]:
        try:
            return self.history.exist([field.address for field in fields if field.address is not None])
        except FieldError:
            return [False] * len(fields)  # who archives them says what does not fit

    def has_whole(self, found: FileSurvey) -> bool:
        file = self._files.get(found.file.tag)
        return file is not None and are_all(file.marks(), found.fields)


class _File:
    """What commits say of one file."""

    def __init__(self) -> None:
        self.sources: list[tuple[int, str]] = []
        """What was not looked at yet: most files of a history are never asked for."""
        self._marks: list[Mark] = []
        self._whole = 0
        self._sequences: dict[int, int] = {}

    def marks(self) -> list[Mark]:
        sources, self.sources = self.sources, []
        for sequence, source in sources:
            mark = Mark.parse(source)
            if mark is None:
                continue
            self._marks.append(mark)
            if mark.tells_values and mark.numbers is None:
                self._whole = sequence
            elif mark.tells_values and mark.numbers is not None:
                self._sequences.update(dict.fromkeys(mark.numbers, sequence))
        return self._marks

    def sequence_of(self, number: int) -> int:
        """Number of the newest commit that says that a field is in the cube; 0 where none does."""
        if self.sources:
            self.marks()
        return max(self._whole, self._sequences.get(number, 0))
