"""`Chat`: `AsyncChat` for programs that wait."""

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
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

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Run in the loop and wait; an interrupt of the wait cancels the call."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="antiphon-chat", daemon=True)
            self._thread.start()
        future = asyncio.run_coroutine_threadsafe(call, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stop(self, close: Any) -> None:
        if self._loop is None or self._thread is None:
            return
        self.run(close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = None


async def _next(pieces: AsyncIterator[str]) -> str | None:
    return await anext(pieces, None)
