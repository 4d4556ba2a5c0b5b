"""Who is to be served when there is news: what has come is read once, and shown to all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from dtedask.core.errors import NoticeError
from dtedask.notify.delivery.sources import CommitSource, LogSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dtedask.notify.delivery.carrier import Carrier
    from dtedask.notify.delivery.item import Item
    from dtedask.notify.delivery.sources import Source
    from dtedask.notify.delivery.state import DeliveryState

__all__ = ["Lookout"]

MOST = 256


class Lookout:
    """Looks into the sources for many listeners at once.

    A listener that has heard of everything before, and wants nothing of what has come, is not served: that it has heard
    of that too is kept in memory, and written down now and then for all of them.

    Parameters
    ----------
    carriers : sequence of Carrier
        Those who serve the listeners.
    state : DeliveryState
        Where it is remembered how far they have come.
    """

    def __init__(self, carriers: Sequence[Carrier], state: DeliveryState) -> None:
        self._state = state
        self._unwritten: dict[str, Mapping[str, int]] = {}
        self._groups: dict[Source, list[Carrier]] = defaultdict(list)
        self._last: dict[Source, Mapping[str, int]] = {}
        for carrier in carriers:
            self._groups[carrier.source].append(carrier)

    def due(self) -> set[str]:
        """Name the listeners that may have something to do."""
        return {carrier.name for source, carriers in self._groups.items() for carrier in self._due(source, carriers)}

    def write(self) -> None:
        """Write down what was passed by."""
        passed, self._unwritten = self._unwritten, {}
        try:
            self._state.save_all(passed)
        except NoticeError:
            self._unwritten = {**passed, **self._unwritten}
            raise

    def _due(self, source: Source, carriers: list[Carrier]) -> list[Carrier]:
        if not isinstance(source, CommitSource | LogSource):
            return carriers
        last = self._last.get(source)
        try:
            heads = source.heads()
            fresh = None if last is None else list(islice(source.items(last), MOST + 1))
        except NoticeError:  # whoever serves the listeners finds the same, and waits
            return carriers
        self._last[source] = heads
        if last is None or fresh is None or len(fresh) > MOST:
            return carriers
        # What came between the two looks is more than the heads: it is looked at again.
        fresh = [item for item in fresh if item.place <= heads.get(item.stream, 0)]
        wanted: dict[str, bool] = {}
        return [carrier for carrier in carriers if not self._passes(carrier, last, fresh, heads, wanted)]

    def _passes(
        self,
        carrier: Carrier,
        last: Mapping[str, int],
        fresh: list[Item],
        heads: Mapping[str, int],
        wanted: dict[str, bool],
    ) -> bool:
        """Whether a listener has heard of all that was there before, and wants nothing of what is fresh."""
        if not carrier.has_heard(last):
            return False
        # Listeners that ask for the same are asked once.
        asked = carrier.listener.asked
        if asked not in wanted:
            wanted[asked] = any(item.news is not None and carrier.wants(item.news) for item in fresh)
        if wanted[asked]:
            return False
        if heads != last:
            carrier.heard = heads
            self._unwritten[carrier.name] = heads
        return True
