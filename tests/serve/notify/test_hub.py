"""Streams under load: no gap and no repeat where history becomes live, whoever writes."""

import asyncio
import threading

import pytest

from dtedask.core.errors import NotificationError
from dtedask.notify.notification import Draft
from dtedask.notify.streams import open_streams
from dtedask.serve.notify import ServeOptions
from dtedask.serve.notify.hub import Hub
from dtedask.serve.notify.stream import Stream
from dtedask.serve.notify.subscription import Subscription
from dtedask.serve.notify.writer import Writer


async def hear(hub, mode, after, count):
    """Run one stream without HTTP until it has heard so many; gives their numbers."""
    heard, gone = [], asyncio.Event()

    async def send(message):
        parts = message.get("body", b"").split(b'"id":"free@')[1:]
        heard.extend(int(part.partition(b'"')[0]) for part in parts)
        if len(heard) >= count:
            gone.set()

    async def receive():
        await gone.wait()
        return {"type": "http.disconnect"}

    with hub.listening("free", hub.log.heads().get("free", 0)) as channel:
        stream = Stream(hub, channel, Subscription("free", "r", after, lambda _item: True, mode), send)
        leaving = asyncio.create_task(stream.wait_until_gone(receive))
        await stream.run()
        await leaving
    return heard


@pytest.mark.slow
@pytest.mark.parametrize("ring", [1, 7, 4096])
def test_streams_that_come_at_any_moment_hear_all_that_follows_once(streams, types, tmp_path, ring):
    own, foreign, streams_count = 300, 300, 12

    async def run():
        hub = Hub(streams, ServeOptions(ring=ring, page=11, poll_s=0.001))
        writer = Writer(streams, hub.appended)
        hub.start()
        other = open_streams(None, types, path=tmp_path / "events.sqlite")

        def write_elsewhere():
            for number in range(foreign):
                other.append([types["free"].draft({"a": f"foreign {number}"})])

        thread = threading.Thread(target=write_elsewhere)
        thread.start()
        listeners = []
        for number in range(own):
            await writer.append([types["free"].draft({"a": f"own {number}"})])
            if number % (own // streams_count) == 0:
                # Whoever begins with history hears all; the place is given, so that the count is known.
                after = 5 * len(listeners)
                listeners.append(asyncio.create_task(hear(hub, "watch", after, own + foreign - after)))
        found = await asyncio.wait_for(asyncio.gather(*listeners), 60)
        thread.join()
        other.close()
        writer.close()
        hub.close()
        return found

    found = asyncio.run(run())
    for number, heard in enumerate(found):
        assert heard == list(range(5 * number + 1, own + foreign + 1))


def test_what_waits_is_written_at_once_and_a_wrong_one_does_not_fail_the_others(streams, types):
    async def run():
        told, batches = [], []
        append = streams.append

        def count(drafts):
            batches.append(len(drafts))
            return append(drafts)

        streams.append = count
        writer = Writer(streams, told.extend)
        good = [writer.append([types["free"].draft({"a": str(number)})]) for number in range(50)]
        bad = writer.append([Draft("free", {"a": float("nan")})])
        results = await asyncio.gather(*good[:25], bad, *good[25:], return_exceptions=True)
        writer.close()
        return results, batches, told

    results, batches, told = asyncio.run(run())
    failed = [one for one in results if isinstance(one, Exception)]
    assert len(failed) == 1
    assert isinstance(failed[0], NotificationError)
    numbers = [one[0].sequence for one in results if not isinstance(one, Exception)]
    assert sorted(numbers) == list(range(1, 51))
    assert batches[0] == 1 or batches[0] == 51
    assert len(told) == 50


def test_what_is_written_between_finding_the_head_and_listening_is_heard_without_further_news(streams, types, tmp_path):
    async def run():
        hub = Hub(streams, ServeOptions(poll_s=0.001))
        hub.start()
        with hub.listening("storm", 0), open_streams(None, types, path=tmp_path / "events.sqlite") as other:
            head = streams.heads().get("free", 0)
            other.append([types["storm"].draft({"name": "a"}), types["free"].draft({"a": "1"})])
            with hub.listening("storm", 0) as channel:
                while channel.ring.top < 1:  # now the hub has looked, and seen nothing that anyone wants of `free`
                    await asyncio.sleep(0)
            heard = await asyncio.wait_for(_one(hub, head), 10)
        hub.close()
        return heard

    assert asyncio.run(run()) == [1]


async def _one(hub, head):
    heard, gone = [], asyncio.Event()

    async def send(message):
        if b'"id":"free@1"' in message.get("body", b""):
            heard.append(1)
            gone.set()

    async def receive():
        await gone.wait()
        return {"type": "http.disconnect"}

    with hub.listening("free", head) as channel:
        stream = Stream(hub, channel, Subscription("free", "r", head, lambda _item: True, "live"), send)
        leaving = asyncio.create_task(stream.wait_until_gone(receive))
        await stream.run()
        await leaving
    return heard
