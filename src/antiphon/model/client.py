"""Claude as an `Upstream`: the official SDK, always streamed, decoded from the raw bytes."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from functools import cache
from types import TracebackType
from typing import Self

import aiohttp
import anthropic
import httpx2

from antiphon.clock import Clock, SystemClock
from antiphon.domain.plans import RequestPlan
from antiphon.errors import AntiphonError
from antiphon.model.credentials import signed_in_client, signs_in
from antiphon.model.decode import EventDecoder
from antiphon.model.drafts import Body, Drafts, content_of
from antiphon.model.failures import failure, failure_of
from antiphon.model.faults import Fault
from antiphon.model.request import count_arguments
from antiphon.model.transport import READ_BUFFER, AskedClient, AskedConnector
from antiphon.model.upstream import AT_ONCE, Pace
from antiphon.model.wire import StreamEvent

CONNECT_S = 5.0
"""Seconds to connect, as the SDK has it."""

MAX_CONNECTIONS = 10_000
"""Every running request holds one; the SDK's 1,000 would queue the rest unseen."""

DRAIN_S = 0.5
"""Seconds to wait for the body to end after `message_stop`: only then can its connection be used again."""

_STRAIGHT = ("all://localhost", "all://127.0.0.1", "all://[::1]")
"""What runs on this machine is never asked for through a proxy."""


class ClaudeUpstream:
    """One HTTP request per call: nothing is retried here, and no total time is kept.

    May be made outside an event loop; each loop that uses it gets its own connections.

    Raises:
        MissingCredentials: there is nothing to sign in with.
        ConfigurationError: the base URL is not one.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        stall_s: float = 60.0,
        connect_s: float = CONNECT_S,
        clock: Clock | None = None,
    ) -> None:
        """`stall_s`: seconds without any byte after which a request is given up."""
        timeout = httpx2.Timeout(stall_s, connect=connect_s)
        self._stall_s = stall_s
        self._unconnected = signed_in_client(api_key=api_key, base_url=base_url, timeout=timeout)
        self._connected: dict[asyncio.AbstractEventLoop, tuple[anthropic.AsyncAnthropic, Drafts]] = {}
        self._clock = clock or SystemClock()

    async def stream(
        self, plan: RequestPlan, pace: Pace = AT_ONCE
    ) -> AsyncGenerator[Sequence[StreamEvent], None]:
        client, drafts = self._connection()
        with _Translation(client, self._clock) as translation:
            content = content_of(plan, pace)
            body, translation.request_id = await drafts.take().send(content)
            translation.began = True
            async with aclosing(body):
                decoder = EventDecoder(translation.request_id)
                while not decoder.done and (piece := await body.more(pace)):
                    if events := decoder.feed(piece):
                        yield events
                if fault := decoder.finish():
                    raise failure(fault)
                await _drain(body)
            drafts.prepare()

    async def count_tokens(self, plan: RequestPlan) -> int:
        client, _ = self._connection()
        with _Translation(client, self._clock):
            count = await client.messages.count_tokens(**count_arguments(plan))
            # The SDK validates nothing, and gives a page that is not JSON back as text.
            tokens = getattr(count, "input_tokens", None)
            if type(tokens) is not int:
                raise failure(Fault(kind="garbled"))
            return tokens

    async def close(self) -> None:
        """Close the connections of the running event loop."""
        if (connected := self._connected.pop(asyncio.get_running_loop(), None)) is not None:
            client, drafts = connected
            await drafts.close()
            await client.close()

    def _connection(self) -> tuple[anthropic.AsyncAnthropic, Drafts]:
        loop = asyncio.get_running_loop()
        connected = self._connected.get(loop)
        if connected is None:
            client = self._unconnected.copy(http_client=_http_client(self._stall_s))
            connected = client, Drafts(client)
            self._connected = {known: of for known, of in self._connected.items() if not known.is_closed()}
            self._connected[loop] = connected
        return connected


class _Translation:
    """Within it, every foreign exception becomes one of ours. Cancellation passes as it is."""

    def __init__(self, client: anthropic.AsyncAnthropic, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self.request_id: str | None = None
        self.began = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, AntiphonError):
            raise self._ours(error) from error

    def _ours(self, error: Exception) -> AntiphonError:
        if isinstance(error, TypeError) and not signs_in(self._client):
            return failure(Fault(kind="credentials", sent=False))
        now = self._clock.now()
        return failure_of(error, began=self.began, request_id=self.request_id, now=now)


def _http_client(stall_s: float) -> httpx2.AsyncClient:
    # aiohttp's clock for silence runs on while a connection rests: one that has rested for as long would
    # fail the next request at once, so none may.
    rest_s = min(anthropic.DEFAULT_CONNECTION_LIMITS.keepalive_expiry or stall_s, stall_s / 2)
    limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=rest_s)

    def session() -> aiohttp.ClientSession:
        connector = AskedConnector(limit=MAX_CONNECTIONS, keepalive_timeout=rest_s, ssl=_tls())
        return aiohttp.ClientSession(connector=connector, read_bufsize=READ_BUFFER)

    # The SDK would follow a redirect: with the credentials, where nobody was told to send them, and without
    # the content, which the transport puts into a request once.
    return AskedClient(
        session, limits=limits, mounts=dict.fromkeys(_STRAIGHT), verify=_tls(), follow_redirects=False
    )


@cache
def _tls() -> ssl.SSLContext:
    """Loading the trusted certificates takes 50 ms: once per process."""
    return httpx2.create_ssl_context()


async def _drain(body: Body) -> None:
    """Read to the end of the body. The answer is whole: whatever happens here, nobody needs to know."""
    with suppress(Exception):
        async with asyncio.timeout(DRAIN_S):
            while await body.more():
                pass
