"""The simulator as a server: in the loop of the caller, or in a thread for tests without a loop."""

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Self, TypedDict, Unpack

from antiphon.simulator.api import Api
from antiphon.simulator.bill import Bill, Ledger
from antiphon.simulator.cache import PrefixCache
from antiphon.simulator.clock import Clock
from antiphon.simulator.diagnostics import Diagnoses
from antiphon.simulator.files import Files
from antiphon.simulator.http import Connection
from antiphon.simulator.limits import Limiter, RateLimits
from antiphon.simulator.models import Model, catalogue
from antiphon.simulator.organizations import Organizations
from antiphon.simulator.parts import Parts
from antiphon.simulator.playbook import Gate, Playbook
from antiphon.simulator.record import Condition, RecordedRequest, RequestLog
from antiphon.simulator.script import Outcome, Reply


class Simulator:
    """A Messages API on this machine.

    ::

        async with Simulator() as simulator:
            client = AsyncAnthropic(base_url=simulator.url, api_key="simulator")
            simulator.script(Fail(status=529), Reply(text="Hello"))

    Everything but `start`, `stop` and `until` may be used from any thread.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        default: Reply | None = None,
        bad_keys: Iterable[str] = ("bad",),
        organizations: Mapping[str, str] | None = None,
        extra_models: Iterable[str | Model] = (),
        keep_requests: int = 10_000,
        rate_limits: RateLimits | None = None,
        spend_limit: int | None = None,
        batch_seconds: float = 0.0,
        evicted_early: float = 0.0,
        seed: int = 0,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Nothing listens yet: `start` does.

        Args:
            port: 0 is a free one.
            host: the address to listen on.
            default: answers when the script is used up.
            bad_keys: any other key is good.
            organizations: key → organization; any other key has one of its own. Caches and rate limits are
                theirs.
            extra_models: known beside Claude's own.
            keep_requests: how many are remembered, and as many charges.
            rate_limits: what is beyond them gets a 429; None refuses nothing.
            spend_limit: nano-dollars after which every request gets the 429 that no retry helps.
            batch_seconds: how long a batch takes; more than a day, and all of it expires.
            evicted_early: the share of cache lives that end before their time.
            seed: decides which.
            now: seconds since the epoch; `advance` puts it forward.
        """
        self._host = host
        self._port = port
        models = catalogue(extra_models)
        self._parts = Parts(
            default=default or Reply(),
            models=models,
            organizations=Organizations(bad_keys, organizations or {}),
            log=RequestLog(keep_requests),
            playbook=Playbook(),
            gate=Gate(),
            clock=Clock(now),
            cache=PrefixCache(models, evicted_early=evicted_early, seed=seed),
            ledger=Ledger(keep_requests),
            limiter=Limiter(rate_limits),
            diagnoses=Diagnoses(),
            files=Files(),
            spend_limit=spend_limit,
            batch_seconds=batch_seconds,
        )
        self._api = Api(self._parts)
        self._live: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def url(self) -> str:
        """What a client calls its base URL."""
        return f"http://{self._host}:{self._port}"

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """The requests to the API so far, the oldest first."""
        return self._parts.log.snapshot()

    @property
    def unused(self) -> tuple[Outcome, ...]:
        """What the script still holds."""
        return self._parts.playbook.unused()

    @property
    def bill(self) -> Bill:
        """What was charged so far. Requests in progress are on it in full."""
        return self._parts.ledger.bill()

    def advance(self, seconds: float) -> None:
        """Let time pass for caches and rate limits, at once."""
        self._parts.clock.advance(seconds)

    def script(self, *outcomes: Outcome) -> None:
        """Add outcomes. Each request to `/v1/messages` that is valid uses one, in order of arrival."""
        self._parts.playbook.add(outcomes)

    def forget(self) -> None:
        """Forget the requests so far, what the script still holds, the prompt cache and the bill."""
        self._parts.log.clear()
        self._parts.playbook.clear()
        self._parts.cache.clear()
        self._parts.ledger.clear()

    def release(self) -> None:
        """End every stall and delay in progress."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._parts.gate.open)

    async def until(self, condition: Condition, within: float = 5.0) -> tuple[RecordedRequest, ...]:
        """Wait until the requests fulfil a condition: `await simulator.until(lambda seen: len(seen) == 2)`.

        Raises:
            TimeoutError: they did not in time.
        """
        return await asyncio.to_thread(self._parts.log.wait_until, condition, within)

    def wait_until(self, condition: Condition, within: float = 5.0) -> tuple[RecordedRequest, ...]:
        """`until` for a simulator that runs in another thread: it blocks."""
        return self._parts.log.wait_until(condition, within)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address is taken.
        """
        self._loop = asyncio.get_running_loop()
        self._server = await self._loop.create_server(
            lambda: Connection(self._api.handle, self._live), self._host, self._port
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every connection where it stands, and stop listening."""
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self._live):
            await connection.stop()
        await self._server.wait_closed()
        self._server = None
        self._loop = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


class Settings(TypedDict, total=False):
    """What `Simulator` takes, for `running` to pass on."""

    port: int
    host: str
    default: Reply | None
    bad_keys: Iterable[str]
    organizations: Mapping[str, str] | None
    extra_models: Iterable[str | Model]
    keep_requests: int
    rate_limits: RateLimits | None
    spend_limit: int | None
    batch_seconds: float
    evicted_early: float
    seed: int
    now: Callable[[], float]


@contextmanager
def running(**settings: Unpack[Settings]) -> Generator[Simulator]:
    """A simulator in a thread with a loop of its own; takes what `Simulator` takes.

    ::

        with running() as simulator:
            client = Anthropic(base_url=simulator.url, api_key="simulator")
    """
    simulator = Simulator(**settings)
    started: Future[Callable[[], object]] = Future()
    thread = threading.Thread(target=_run, args=(simulator, started), name="simulator", daemon=True)
    thread.start()
    stop = started.result()
    try:
        yield simulator
    finally:
        stop()
        thread.join()


def _run(simulator: Simulator, started: "Future[Callable[[], object]]") -> None:
    async def serve() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        try:
            await simulator.start()
        except OSError as error:
            started.set_exception(error)
            return
        started.set_result(partial(loop.call_soon_threadsafe, ended.set))
        await ended.wait()
        await simulator.stop()

    asyncio.run(serve())
