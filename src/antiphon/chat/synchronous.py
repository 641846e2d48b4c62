"""`Chat`: `AsyncChat` for programs that wait."""

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, overload

from antiphon.chat.asynchronous import AsyncChat
from antiphon.chat.replies import Reply, Stats
from antiphon.service import TurnOptions
from antiphon.service.attachments import Attachment

T = TypeVar("T")


class Chat:
    """A conversation with Claude. Takes what `AsyncChat` takes, and does what it does, without `await`.

    It runs in a thread of its own, which ends with `close`, with the object, or with the program.
    """

    def __init__(self, **settings: Any) -> None:
        self._chat = AsyncChat(**settings)
        self._loop = _Loop()
        self._finalizer = weakref.finalize(self, self._loop.stop, self._chat.close)

    def send(
        self,
        text: str,
        attachments: Sequence[Attachment] = (),
        *,
        citations: bool = False,
        **options: Unpack[TurnOptions],
    ) -> Reply:
        """As `AsyncChat.send`. Ctrl-C stops the answer."""
        return self._loop.run(self._chat.send(text, attachments, citations=citations, **options))

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
        return self._loop.run(self._chat.ask(text, schema, attachments, **options))

    def stream(
        self,
        text: str,
        attachments: Sequence[Attachment] = (),
        *,
        citations: bool = False,
        **options: Unpack[TurnOptions],
    ) -> Iterator[str]:
        """As `AsyncChat.stream`."""
        pieces = self._chat.stream(text, attachments, citations=citations, **options)
        try:
            while (piece := self._loop.run(_next(pieces))) is not None:
                yield piece
        finally:
            if self._loop.is_own_thread:
                self._loop.begin(pieces.aclose)
            else:
                self._loop.run(pieces.aclose())

    def history(self) -> list[dict[str, Any]]:
        """As `AsyncChat.history`."""
        return self._loop.run(self._chat.history())

    def stats(self) -> Stats:
        """As `AsyncChat.stats`."""
        return self._loop.run(self._chat.stats())

    def reset(self) -> None:
        """As `AsyncChat.reset`."""
        self._loop.run(self._chat.reset())

    def close(self) -> None:
        """As `AsyncChat.close`."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Loop:
    """An event loop in a daemon thread, started with the first call."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._calls: dict[Future[Any], asyncio.Task[Any]] = {}
        """Held here, for the loop holds its tasks only weakly."""

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Run in the loop and wait; an interrupt of the wait cancels the call.

        The interrupt is raised when the call has ended: nothing of it goes on behind whoever goes on then. A
        second one is not held up.
        """
        loop, ended = self._started(), Future[asyncio.Task[T]]()
        loop.call_soon_threadsafe(self._begin, call, ended)
        try:
            task = ended.result()
        except BaseException:
            loop.call_soon_threadsafe(self._cancel, ended)
            ended.result()
            raise
        return task.result()

    def begin(self, call: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Run in the loop, and do not wait; nothing is to be run where it has stopped."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(lambda: self._begin(call(), Future()))

    @property
    def is_own_thread(self) -> bool:
        """The garbage collector may call from there, and nobody can wait there for what the loop does."""
        return threading.current_thread() is self._thread

    def stop(self, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        if self.is_own_thread:
            self.begin(lambda: _last(close))
        else:
            self.run(close())
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
        self._loop = self._thread = None

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=_serve, args=[self._loop], name="antiphon-chat", daemon=True
            )
            self._thread.start()
        return self._loop

    def _begin(self, call: Coroutine[Any, Any, T], ended: "Future[asyncio.Task[T]]") -> None:
        task = asyncio.get_running_loop().create_task(call)
        self._calls[ended] = task
        task.add_done_callback(partial(self._end, ended))

    def _end(self, ended: "Future[asyncio.Task[T]]", task: "asyncio.Task[T]") -> None:
        del self._calls[ended]
        if not task.cancelled():
            task.exception()  # whoever was interrupted does not ask for it
        ended.set_result(task)

    def _cancel(self, ended: "Future[asyncio.Task[Any]]") -> None:
        if (task := self._calls.get(ended)) is not None:
            task.cancel()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


async def _last(close: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        await close()
    finally:
        asyncio.get_running_loop().stop()


async def _next(pieces: AsyncIterator[str]) -> str | None:
    return await anext(pieces, None)
