"""The library's face: `AsyncChat`, and `Chat` as a thin synchronous one over it.

Each is one conversation. Nothing is opened before the first message but credentials are looked for at once.
"""

import asyncio
import contextlib
import inspect
import threading
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

from antiphon.bootstrap import make_upstream, open_service
from antiphon.domain import events as e
from antiphon.domain.approvals import Decision, Deny
from antiphon.domain.conversations import Header
from antiphon.domain.messages import Block, clean_text
from antiphon.domain.usage import Usage
from antiphon.errors import (
    AnswerError,
    AnswerInterrupted,
    AntiphonError,
    DeadlineExceeded,
    InvalidRequest,
    OverBudget,
    UpstreamAuth,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamRejected,
)
from antiphon.money.dollars import dollars, nanodollars
from antiphon.service import LOCAL_PRINCIPAL, Answer, Ask, Decider, Service, read_answer
from antiphon.settings import read_settings
from antiphon.stores.base import Accepted
from antiphon.stores.frames import Frame, decode
from antiphon.tools.offering import Offered
from antiphon.tools.threads import Threads

T = TypeVar("T")

Approver: TypeAlias = Callable[[e.ApprovalRequest], Decision | Awaitable[Decision]]
"""Says whether a tool may run."""

NOBODY_ASKED = Deny("This program has nobody to ask, so tools that need approval do not run in it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Claude's answer to one message. `str(reply)` is its text."""

    text: str
    blocks: tuple[Block, ...]
    """The content as the API spelled it; empty for a refusal."""
    stop_reason: str
    usage: Usage
    cost_usd: Decimal
    model: str
    turn_id: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What a conversation used and cost so far.

    `cache_hit_ratio` is cache reads over all input tokens; `saved_usd` is what the same requests would have
    cost without any cache, minus what they did cost.
    """

    session_id: str | None
    turns: int
    usage: Usage
    cost_usd: Decimal
    cache_hit_ratio: float
    saved_usd: Decimal


class AsyncChat:
    """A conversation with Claude, for use in one event loop.

    Args:
        api_key: instead of the environment's credentials.
        system: the system prompt, kept apart from the history; empty leaves a named conversation's as it is.
        model: a model of the price table; default the conversation's, or `ANTIPHON_MODEL`.
        max_tokens: of each answer.
        max_history_turns: how many of the newest user turns are sent; default all.
        store: where conversations are kept, `memory://` or `sqlite:///PATH`; default `ANTIPHON_STORE`.
        budget: the most that this conversation may cost, in USD, for the messages of this object. What it had
            cost before counts; what others send to it meanwhile does not, and is not refused.
        session_id: a name to find the conversation by later; 1 to 128 of `A-Z a-z 0-9 . _ : -`.
        tools: what Claude may use: typed functions with a docstring (see `tool`), `ServerTool`, `McpServer`,
            or by name `web_search`, `web_fetch`, `code_execution`, `search_history`.
        approve: is asked for each tool use that needs approval, and says `Allow()`, `Deny("why")` or
            `Edit({…})`. An ordinary function is called in a thread. Without it, all of them are denied.
        base_url: another server that speaks the Messages API.

    Raises:
        MissingCredentials: there is nothing to sign in to Claude with.
        ConfigurationError, UnknownModel: a setting cannot be used.
        InvalidRequest: the budget is no amount of money.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        system: str = "",
        model: str | None = None,
        max_tokens: int | None = None,
        max_history_turns: int | None = None,
        store: str | None = None,
        session_id: str | None = None,
        budget: Decimal | str | float | None = None,
        tools: Sequence[Offered] = (),
        approve: Approver | None = None,
        base_url: str | None = None,
    ) -> None:
        settings = read_settings(
            model=model,
            max_tokens=max_tokens,
            max_history_turns=max_history_turns,
            store=store,
            titles="off",  # nobody sees them here, and each is paid for
        )
        self._settings = settings.without_tools()
        self._tools = tuple(tools)
        self._upstream = make_upstream(self._settings, api_key=api_key, base_url=base_url)
        given = {"system": clean_text(system), "model": model or ""}
        self._given: dict[str, Any] = {name: value for name, value in given.items() if value}
        self._decider = Decider(LOCAL_PRINCIPAL, _deciding(approve))
        self._session_id = session_id
        self._budget = None if budget is None else nanodollars(budget)
        self._service: Service | None = None
        self._conversation_id: str | None = None
        self._opening = asyncio.Lock()

    async def send(self, text: str) -> Reply:
        """Send a message and wait for the whole answer.

        Raises:
            InvalidRequest: the message is empty.
            OverBudget: a budget does not cover it; the history is as it was.
            AnswerError: Claude did not answer; the history is as it was.
        """
        service, accepted = await self._send(Ask(content=text, keep_partial=False))
        try:
            answer = await service.answer(accepted, self._decider)
        except asyncio.CancelledError:
            await service.cancel(LOCAL_PRINCIPAL, accepted.turn_id)
            raise
        return _reply(answer)

    async def stream(self, text: str) -> AsyncGenerator[str, None]:
        """Send a message and yield the answer's text as it comes. Leaving the loop stops the answer.

        Raises:
            AnswerInterrupted: cut short after text was seen, which is kept as the answer.
            OverBudget: a budget does not cover it; the history is as it was.
            AnswerError: Claude did not answer; the history is as it was.
        """
        service, accepted = await self._send(Ask(content=text, restart="never"))
        frames: list[Frame] = []
        seen_seq = accepted.seq
        try:
            async with contextlib.aclosing(service.follow_turn(accepted, self._decider)) as batches:
                async for batch in batches:
                    frames.extend(frame for frame in batch if frame.type != e.BlockDelta.type)
                    seen_seq = batch[-1].seq if batch else seen_seq
                    if piece := delta_text(batch):
                        yield piece
        except (asyncio.CancelledError, GeneratorExit):
            await service.cancel(LOCAL_PRINCIPAL, accepted.turn_id, seen_seq)
            raise
        answer = read_answer(accepted.turn_id, frames)
        reply = _reply(answer)
        if answer.turn.status == "refused":
            yield reply.text

    async def history(self) -> list[dict[str, Any]]:
        """The messages so far, as the Messages API spells them; the system prompt is not among them."""
        if self._conversation_id is None and self._session_id is None:
            return []
        service, conversation_id = await self._open()
        messages = await service.messages(LOCAL_PRINCIPAL, conversation_id)
        return [{"role": message.role, "content": list(message.content)} for message in messages]

    async def stats(self) -> Stats:
        service, conversation_id = await self._open()
        totals = await service.totals(LOCAL_PRINCIPAL, conversation_id)
        return Stats(
            session_id=self._session_id,
            turns=totals.turns,
            usage=totals.usage,
            cost_usd=dollars(totals.cost_nanodollars),
            cache_hit_ratio=totals.usage.cache_hit_ratio,
            saved_usd=dollars(totals.saved_nanodollars),
        )

    async def reset(self) -> None:
        """Forget the conversation and what it cost; the next message starts a new one."""
        service, conversation_id = await self._open()
        await service.delete(LOCAL_PRINCIPAL, conversation_id)
        self._conversation_id = None

    async def close(self) -> None:
        """Let go of the store and of connections. A conversation in a database can be opened again."""
        if self._service is not None:
            await self._service.close()
            self._service = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _send(self, ask: Ask) -> tuple[Service, Accepted]:
        service, conversation_id = await self._open()
        ask = replace(ask, settings=self._given, budget_nanodollars=self._budget)
        header = await service.get(LOCAL_PRINCIPAL, conversation_id)
        await service.settle(header, self._decider)
        return service, await service.send(LOCAL_PRINCIPAL, conversation_id, ask, header=header)

    async def _open(self) -> tuple[Service, str]:
        async with self._opening:
            if self._service is None:
                self._service = await open_service(
                    self._settings,
                    upstream=self._upstream,
                    tools=self._tools,
                    budgeted=self._budget is not None,
                )
            if self._conversation_id is None:
                self._conversation_id = (await self._conversation(self._service)).id
            return self._service, self._conversation_id

    async def _conversation(self, service: Service) -> Header:
        return await service.create(
            LOCAL_PRINCIPAL,
            system=self._given.get("system", ""),
            model=self._given.get("model", ""),
            name=self._session_id,
        )


class Chat:
    """A conversation with Claude. Takes what `AsyncChat` takes, and does what it does, without `await`.

    It runs in a thread of its own, which ends with `close`, with the object, or with the program.
    """

    def __init__(self, **settings: Any) -> None:
        self._chat = AsyncChat(**settings)
        self._loop = _Loop()
        self._finalizer = weakref.finalize(self, self._loop.stop, self._chat.close)

    def send(self, text: str) -> Reply:
        """As `AsyncChat.send`. Ctrl-C stops the answer."""
        return self._loop.run(self._chat.send(text))

    def stream(self, text: str) -> Iterator[str]:
        """As `AsyncChat.stream`."""
        pieces = self._chat.stream(text)
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


def _deciding(approve: Approver | None) -> Callable[[e.ApprovalRequest], Awaitable[Decision]]:
    threads = Threads("approve")

    async def decide(request: e.ApprovalRequest) -> Decision:
        if approve is None:
            return NOBODY_ASKED
        if inspect.iscoroutinefunction(approve):
            said: Decision | Awaitable[Decision] = approve(request)
        else:
            said = await threads.run(partial(approve, request))
        return await said if isinstance(said, Awaitable) else said

    return decide


async def _next(pieces: AsyncIterator[str]) -> str | None:
    return await anext(pieces, None)


def delta_text(frames: list[Frame]) -> str:
    """The visible text that these frames add."""
    deltas = (decode(frame) for frame in frames if frame.type == e.BlockDelta.type)
    texts = (delta.delta for delta in deltas if isinstance(delta, e.BlockDelta))
    return "".join(delta["text"] for delta in texts if delta.get("type") == "text_delta")


def _reply(answer: Answer) -> Reply:
    turn = answer.turn
    if turn.status not in ("completed", "refused"):
        raise error_of(answer)
    return Reply(
        text=answer.text,
        blocks=answer.message.content if answer.message else (),
        stop_reason=turn.stop_reason or "unknown",
        usage=turn.usage,
        cost_usd=dollars(turn.cost_nanodollars),
        model=turn.model or "",
        turn_id=turn.id,
    )


_ERRORS: dict[str, type[AntiphonError]] = {
    kind.name: kind
    for kind in (
        DeadlineExceeded,
        InvalidRequest,
        UpstreamAuth,
        UpstreamBusy,
        UpstreamFailed,
        UpstreamRejected,
    )
}


def error_of(answer: Answer) -> AntiphonError:
    """The error that ended a turn without a whole answer."""
    problem, turn_id = answer.turn.error, answer.turn.id
    if problem is None:
        return AnswerInterrupted("The answer was stopped.", partial=answer.text, turn_id=turn_id)
    if problem.name == OverBudget.name:
        return OverBudget(problem.detail, **{**(problem.facts or {}), "turn_id": turn_id})
    if answer.message is not None:
        return AnswerInterrupted(problem.detail, partial=answer.text, turn_id=turn_id)
    facts = {} if problem.retry_after_s is None else {"retry_after": problem.retry_after_s}
    return _ERRORS.get(problem.name, AnswerError)(problem.detail, turn_id=turn_id, **facts)
