"""The simulator as a server: in the loop of the caller, or in a thread for tests without a loop."""

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Self, TypedDict, Unpack

from antiphon.simulator.api import Api
from antiphon.simulator.http import Connection
from antiphon.simulator.models import catalogue
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
        extra_models: Iterable[str] = (),
        keep_requests: int = 10_000,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Port 0 is a free one. `default` answers when the script is used up.

        Any other key than the bad ones is good. `extra_models` are known beside Claude's own.
        """
        self._host = host
        self._port = port
        self._log = RequestLog(keep_requests)
        self._playbook = Playbook()
        self._gate = Gate()
        self._api = Api(
            default=default or Reply(),
            bad_keys=frozenset(bad_keys),
            models=catalogue(extra_models),
            log=self._log,
            playbook=self._playbook,
            gate=self._gate,
            now=now,
        )
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
        return self._log.snapshot()

    @property
    def unused(self) -> tuple[Outcome, ...]:
        """What the script still holds."""
        return self._playbook.unused()

    def script(self, *outcomes: Outcome) -> None:
        """Add outcomes. Each request to `/v1/messages` that is valid uses one, in order of arrival."""
        self._playbook.add(outcomes)

    def forget(self) -> None:
        """Forget the requests so far and what the script still holds."""
        self._log.clear()
        self._playbook.clear()

    def release(self) -> None:
        """End every stall and delay in progress."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._gate.open)

    async def until(self, condition: Condition, within: float = 5.0) -> tuple[RecordedRequest, ...]:
        """Wait until the requests fulfil a condition: `await simulator.until(lambda seen: len(seen) == 2)`.

        Raises:
            TimeoutError: they did not in time.
        """
        return await asyncio.to_thread(self._log.wait_until, condition, within)

    def wait_until(self, condition: Condition, within: float = 5.0) -> tuple[RecordedRequest, ...]:
        """`until` for a simulator that runs in another thread: it blocks."""
        return self._log.wait_until(condition, within)

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
    extra_models: Iterable[str]
    keep_requests: int
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
