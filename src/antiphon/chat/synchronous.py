"""`Chat`: `AsyncChat` for programs that wait."""

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, Self, TypeAlias, TypeVar, Unpack, overload

from antiphon.chat.asynchronous import AsyncChat
from antiphon.chat.replies import Reply, Stats
from antiphon.errors import StoreUnavailable
from antiphon.service import TurnOptions
from antiphon.service.attachments import Attachment
from antiphon.turns.hub import CLOSED

T = TypeVar("T")

Work: TypeAlias = Callable[[], Coroutine[Any, Any, T]]
"""Makes what is to be run: where nothing runs any more, nothing is made."""


class Chat:
    """A conversation with Claude. Takes what `AsyncChat` takes, and does what it does, without `await`.

    It runs in a thread of its own, which ends with `close`, with the object, or with the program.
    """

    def __init__(self, **settings: Any) -> None:
        self._chat = AsyncChat(**settings)
        self._loop, self._finalizer = self._begin()

    def _begin(self) -> "tuple[_Loop, weakref.finalize[[], Self]]":
        loop = _Loop(self._chat.close)
        return loop, weakref.finalize(self, loop.stop)

    def send(
        self,
        text: str,
        attachments: Sequence[Attachment] = (),
        *,
        citations: bool = False,
        **options: Unpack[TurnOptions],
    ) -> Reply:
        """As `AsyncChat.send`. Ctrl-C stops the answer."""
        return self._loop.run(lambda: self._chat.send(text, attachments, citations=citations, **options))

    @overload
    def ask(
        self,
        text: str,
        schema: type[T],
        attachments: Sequence[Attachment] = (),
        **options: Unpack[TurnOptions],
    ) -> T: ...
    @overload
    def ask(
        self,
        text: str,
        schema: Mapping[str, Any],
        attachments: Sequence[Attachment] = (),
        **options: Unpack[TurnOptions],
    ) -> Any: ...
    def ask(
        self,
        text: str,
        schema: Any,
        attachments: Sequence[Attachment] = (),
        **options: Unpack[TurnOptions],
    ) -> Any:
        """As `AsyncChat.ask`."""
        return self._loop.run(lambda: self._chat.ask(text, schema, attachments, **options))

    def stream(
        self,
        text: str,
        attachments: Sequence[Attachment] = (),
        *,
        citations: bool = False,
        **options: Unpack[TurnOptions],
    ) -> Iterator[str]:
        """As `AsyncChat.stream`."""
        loop = self._loop
        pieces = self._chat.stream(text, attachments, citations=citations, **options)
        try:
            while (piece := loop.run(lambda: _next(pieces))) is not None:
                yield piece
        finally:
            loop.let_go(pieces.aclose)

    def history(self) -> list[dict[str, Any]]:
        """As `AsyncChat.history`."""
        return self._loop.run(self._chat.history)

    def stats(self) -> Stats:
        """As `AsyncChat.stats`."""
        return self._loop.run(self._chat.stats)

    def reset(self) -> None:
        """As `AsyncChat.reset`."""
        self._loop.run(self._chat.reset)

    def close(self) -> None:
        """As `AsyncChat.close`."""
        self._finalizer()
        self._loop, self._finalizer = self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Call(Generic[T]):
    """One call into the loop."""

    def __init__(self, work: Work[T]) -> None:
        self._work = work
        self._task: asyncio.Task[T] | None = None
        self._ended = threading.Event()

    def begin(self) -> "asyncio.Task[T]":
        self._task = asyncio.get_running_loop().create_task(self._work())
        return self._task

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def end(self) -> None:
        """It has ended, or never began."""
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.exception()  # whoever was interrupted does not ask for it
        self._ended.set()

    def wait(self) -> None:
        self._ended.wait()

    def outcome(self) -> T:
        """Raises what the call raised. StoreUnavailable: the loop was stopped before it had ended."""
        if self._task is None or not self._task.done() or self._task.cancelled():
            raise StoreUnavailable(CLOSED)
        return self._task.result()


class _Loop:
    """An event loop in a daemon thread, from the first call until it is stopped for good.

    What is run in it is only looked at in its thread, so that nothing comes in behind its end: `close` is the
    last that is begun there.
    """

    def __init__(self, close: Work[None]) -> None:
        self._close = close
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._ending = asyncio.Event()
        self._fault: Exception | None = None
        self._calls: set[_Call[Any]] = set()
        """Held here, for the loop holds its tasks only weakly."""

    def run(self, work: Work[T]) -> T:
        """Run in the loop and wait; an interrupt of the wait cancels the call.

        The interrupt is raised when the call has ended: nothing of it goes on behind whoever goes on then. A
        second one is not held up.

        Raises:
            StoreUnavailable: the loop was stopped.
        """
        call = _Call(work)
        self._post(call)
        try:
            call.wait()
        except BaseException:
            self._tell(call.cancel)
            call.wait()
            raise
        return call.outcome()

    def let_go(self, work: Work[None]) -> None:
        """Run it where the loop still runs, and wait where one can.

        The garbage collector may call from the loop's own thread: nobody can wait there for what it does.
        """
        if self._is_own_thread:
            self._post(_Call(work))
            return
        with suppress(StoreUnavailable):
            self.run(work)

    def stop(self) -> None:
        """Run `close`, and wait for it where one can; see `let_go`."""
        with self._starting:
            self._stopped = True
        if self._thread is None:
            return
        self._tell(self._ending.set)
        if not self._is_own_thread:
            self._thread.join()
            if self._fault is not None:
                raise self._fault

    @property
    def _is_own_thread(self) -> bool:
        return threading.current_thread() is self._thread

    def _post(self, call: _Call[Any]) -> None:
        """Begin it, or end it at once where nothing runs any more."""
        self._start()
        self._calls.add(call)
        if not self._tell(lambda: self._begin(call)):
            self._end(call)

    def _start(self) -> None:
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is None and not self._stopped:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._serve, args=[self._loop], name="antiphon-chat", daemon=True
                )
                self._thread.start()

    def _tell(self, what: Callable[[], None]) -> bool:
        """False: the loop does not run, or is closed."""
        try:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(what)
        except RuntimeError:
            return False
        return self._loop is not None

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.run_until_complete(self._live())
        finally:
            loop.close()
            for call in self._calls.copy():  # they came too late to be begun
                self._end(call)

    async def _live(self) -> None:
        await self._ending.wait()
        try:
            await self._close()
        except Exception as fault:  # noqa: BLE001 - raised by `stop`
            self._fault = fault
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    def _begin(self, call: _Call[Any]) -> None:
        if self._stopped:
            self._end(call)
        else:
            call.begin().add_done_callback(lambda _: self._end(call))

    def _end(self, call: _Call[Any]) -> None:
        self._calls.discard(call)
        call.end()


async def _next(pieces: AsyncIterator[str]) -> str | None:
    return await anext(pieces, None)
