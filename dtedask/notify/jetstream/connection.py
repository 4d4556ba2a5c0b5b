"""One connection to NATS, in a thread of its own, which waits for its server and asks again."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import threading
import uuid
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from dtedask.core.errors import NoticeError
from dtedask.notify.jetstream.library import Client, Msg, errors
from dtedask.notify.jetstream.options import JetStreamOptions

__all__ = ["Connection"]

T = TypeVar("T")

_ATTEMPT_S = 2.0
"""How long one question waits for its answer before it is asked again: a server that died gives none."""

_PAUSE_S = 0.05
_BATCH = 1000
_NO_RESPONDERS = 0
_COME_AGAIN = (_NO_RESPONDERS, 10008, 10009)
"""Errors that pass: nobody there, no leader."""

_NOBODY = {"error": {"err_code": _NO_RESPONDERS}}

logger = logging.getLogger(__name__)


class Connection:
    """A connection to one NATS server or cluster that comes back by itself.

    Parameters
    ----------
    url : str
        Such as ``nats://host:4222``; several, joined by commas, are the servers of one cluster.
    options : JetStreamOptions
        Timeouts and secrets.
    subject : str
        What to subscribe to.
    heard : callable
        Called in the connection's thread with each message of `subject`, and with None when some may have been missed:
        after a new connection.

    Raises
    ------
    NoticeError
        If no server answers, it does not let us in, or the URL holds a secret.
    """

    def __init__(
        self, url: str, options: JetStreamOptions, *, subject: str, heard: Callable[[Msg | None], None]
    ) -> None:
        if "@" in url:
            raise NoticeError(
                "The URL of the NATS server holds a user, a password or a token.",
                hint="Put them into environment variables and name these in the settings dtedask.notify.nats.",
            )
        self.url = url
        self._options = options
        self._heard = heard
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="dtedask-nats", daemon=True)
        self._thread.start()
        self._client = Client()
        self._connected = asyncio.Event()
        self._error = ""
        self._doing: list[Future[None]] = []
        self._inbox = ""
        self._tokens = itertools.count()
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        try:
            self.run(self._connect(subject))
        except BaseException:
            self._stop_thread()
            raise

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the connection's thread until it is done, or its time is over."""
        if not self._thread.is_alive():
            work.close()
            raise NoticeError(f"The log of notices on {self.url} is closed.")
        future = asyncio.run_coroutine_threadsafe(self._in_time(work), self._loop)
        return self._result(future)

    def keep_doing(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something over and over until the connection is closed; what fails is done again."""

        async def keep_on() -> None:
            while True:
                try:
                    await work()
                except NoticeError as error:
                    logger.warning("notices on NATS: %s", error)

        self._doing.append(asyncio.run_coroutine_threadsafe(keep_on(), self._loop))

    async def ask(
        self, what: str, body: Mapping[str, Any] | None = None, *, absent: Collection[int] = (), again: bool = True
    ) -> dict[str, Any] | None:
        """Ask JetStream for something, and again when no answer comes.

        Parameters
        ----------
        what : str
            Behind ``$JS.API.``.
        body : mapping, optional
            Question, ready for JSON.
        absent : collection of int
            Numbers of errors for which None is given.
        again : bool
            Whether it may be asked twice; else a lost answer is an error.
        """
        question = b"" if body is None else json.dumps(body).encode()
        while True:
            await self._connected.wait()
            try:
                answer = await self._client.request(f"$JS.API.{what}", question, timeout=_ATTEMPT_S)
            except (errors.NoRespondersError, errors.OutboundBufferLimitError):
                await asyncio.sleep(_PAUSE_S)  # it has not heard us: it starts, or has gone
                continue
            except errors.TimeoutError:
                if again:
                    continue
                raise
            reply: dict[str, Any] = json.loads(answer.data)
            refused = reply.get("error")
            if refused is None:
                return reply
            if refused.get("err_code") in absent:
                return None
            if refused.get("err_code") not in _COME_AGAIN or not again:
                raise NoticeError(f"NATS at {self.url} refused {what}: {refused.get('description', refused)}.")
            await asyncio.sleep(_PAUSE_S)

    async def publish(self, messages: Sequence[tuple[str, bytes]]) -> tuple[list[int | None], str]:
        """Publish to streams, in order.

        Each message has an id of its own by which JetStream knows it again, so that sending it twice stores it once.

        Returns
        -------
        numbers : list of int or None
            Under which each was stored.
        reason : str
            Why some were not, else empty.
        """
        batch = uuid.uuid4().hex
        numbers: list[int | None] = [None] * len(messages)
        reason = ""
        while not reason and None in numbers:
            await self._connected.wait()
            due = [index for index, number in enumerate(numbers) if number is None][:_BATCH]
            sent = await self._send({index: (*messages[index], f"{batch}.{index}") for index in due})
            answered, reason = await self._acknowledged(sent)
            for index, number in answered.items():
                numbers[index] = number
            if not answered:
                await asyncio.sleep(_PAUSE_S)  # it starts, or has gone
        return numbers, reason

    async def tell(self, subject: str, body: Mapping[str, Any] | None = None, *, reply: str = "") -> None:
        """Publish a message that nobody answers, or that is answered to an inbox."""
        data = b"" if body is None else json.dumps(body).encode()
        while True:
            await self._connected.wait()
            try:
                return await self._client.publish(subject, data, reply=reply)
            except errors.OutboundBufferLimitError:
                await asyncio.sleep(_PAUSE_S)  # the connection has just been lost

    @property
    def client(self) -> Client:
        """The connection of nats-py; only for the connection's own thread."""
        return self._client

    @property
    def max_size_bytes(self) -> int:
        """How large a message may be."""
        return self._client.max_payload

    def close(self) -> None:
        """End the connection and its thread; closing twice does nothing."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._connected.clear)
            for task in self._doing:
                task.cancel()
            try:
                self._result(asyncio.run_coroutine_threadsafe(self._in_time(self._client.close()), self._loop))
            except NoticeError as error:
                logger.warning("notices on NATS: the connection to %s was not closed in order: %s", self.url, error)
            finally:
                self._stop_thread()

    def _stop_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
            self._loop.run_until_complete(asyncio.wait([task]))
        self._loop.close()

    def _result(self, future: Future[T]) -> T:
        try:
            return future.result(2 * self._options.timeout_s)
        except TimeoutError as error:
            future.cancel()
            seen = f": {self._error}" if self._error and not self._connected.is_set() else ""
            raise NoticeError(
                f"NATS at {self.url} did not answer within {self._options.timeout_s:g} s{seen}. What was to be written"
                " may have been written nevertheless.",
                hint="Look whether it runs, or raise dtedask.notify.nats.timeout.",
            ) from error
        except (errors.Error, OSError) as error:
            raise NoticeError(f"NATS at {self.url} cannot be used: {error}.") from error
        except BaseException:
            future.cancel()
            raise

    async def _in_time(self, work: Coroutine[Any, Any, T]) -> T:
        async with asyncio.timeout(self._options.timeout_s):
            return await work

    async def _connect(self, subject: str) -> None:
        await self._client.connect(
            self.url.split(","),
            name="dtedask",
            connect_timeout=_ATTEMPT_S,  # type: ignore[arg-type]  # it waits for any number of seconds
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.1,  # type: ignore[arg-type]
            ping_interval=5,
            pending_size=0,  # what is published while there is no server fails, and is not sent behind our back
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            **self._options.secrets(),
        )
        self._inbox = self._client.new_inbox()
        await self._client.subscribe(f"{self._inbox}.*", cb=self._on_answer)
        await self._client.subscribe(subject, cb=self._on_message)
        await self._client.flush()
        self._connected.set()

    async def _on_message(self, message: Msg) -> None:
        self._heard(message)

    async def _on_error(self, error: Exception) -> None:
        self._error = str(error) or type(error).__name__
        logger.debug("notices on NATS: %s: %s", self.url, self._error)

    async def _on_disconnected(self) -> None:
        if self._connected.is_set():
            logger.warning("notices on NATS: lost the connection to %s", self.url)
        self._connected.clear()

    async def _on_reconnected(self) -> None:
        logger.info("notices on NATS: connected to %s again", self.url)
        self._connected.set()
        self._heard(None)

    async def _send(self, messages: Mapping[int, tuple[str, bytes, str]]) -> dict[int, asyncio.Future[dict[str, Any]]]:
        sent: dict[int, asyncio.Future[dict[str, Any]]] = {}
        with suppress(errors.OutboundBufferLimitError):  # the connection is lost: they are sent when it is back
            for index, (subject, data, name) in messages.items():
                token = str(next(self._tokens))
                answer = self._loop.create_future()
                self._answers[token] = answer
                answer.add_done_callback(partial(self._forget, token))
                sent[index] = answer
                reply = f"{self._inbox}.{token}"
                await self._client.publish(subject, data, reply=reply, headers={"Nats-Msg-Id": name})
        return sent

    async def _acknowledged(self, sent: Mapping[int, asyncio.Future[dict[str, Any]]]) -> tuple[dict[int, int], str]:
        numbers: dict[int, int] = {}
        reason = ""
        if sent:
            await asyncio.wait(sent.values(), timeout=_ATTEMPT_S)
        for index, future in sent.items():
            if not future.done():
                future.cancel()  # no answer: it is sent again
                continue
            reply = future.result()
            refused = reply.get("error")
            if refused is None:
                numbers[index] = reply["seq"]
            elif refused.get("err_code") not in _COME_AGAIN:
                reason = refused.get("description", str(refused))
        return numbers, reason

    def _forget(self, token: str, _answer: asyncio.Future[dict[str, Any]]) -> None:
        self._answers.pop(token, None)

    async def _on_answer(self, message: Msg) -> None:
        answer = self._answers.get(message.subject.rpartition(".")[2])
        if answer is not None and not answer.done():
            # Without data it says that nobody heard: JetStream starts, or its stream has no leader yet.
            answer.set_result(json.loads(message.data) if message.data else _NOBODY)
