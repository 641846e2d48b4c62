"""`AsyncChat`: one conversation.

Nothing is opened before the first message but credentials are looked for at once.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, overload

from antiphon.bootstrap import make_upstream, open_service
from antiphon.chat.deciding import Approver, deciding
from antiphon.chat.forms import REPAIR, Form, Unfit, form_of
from antiphon.chat.replies import Reply, Stats, delta_text, reply_of, unusable, whole_text
from antiphon.clock import Clock
from antiphon.context.plan import merged
from antiphon.domain import events as e
from antiphon.domain.conversations import Header
from antiphon.domain.messages import Block, clean_text, text_block
from antiphon.errors import AntiphonError, StoreUnavailable
from antiphon.money.dollars import dollars, nanodollars
from antiphon.service import (
    LOCAL_PRINCIPAL,
    Answer,
    Ask,
    Decider,
    Service,
    TurnOptions,
    read_answer,
    turn_options,
)
from antiphon.service.attachments import Attachment, content_with
from antiphon.settings import read_settings
from antiphon.stores.base import Accepted
from antiphon.stores.frames import Frame
from antiphon.tools.offering import Offered
from antiphon.turns.hub import CLOSED

T = TypeVar("T")


class AsyncChat:
    """A conversation with Claude, for use in one event loop.

    Args:
        api_key: instead of the environment's credentials.
        system: the system prompt, kept apart from the history; empty leaves a named conversation's as it is.
        model: a model of the price table; default the conversation's, or `ANTIPHON_MODEL`.
        small_model: for summaries of long conversations; default `ANTIPHON_SMALL_MODEL`.
        max_tokens: of each answer.
        max_history_turns: how many of the newest user turns are sent; default all.
        store: where conversations are kept, `memory://` or `sqlite:///PATH`; default `ANTIPHON_STORE`.
        budget: the most that this conversation may cost, in USD, for the messages of this object. What it had
            cost before counts; what others send to it meanwhile does not, and is not refused.
        session_id: a name to find the conversation by later; 1 to 128 of `A-Z a-z 0-9 . _ : -`.
        tools: what Claude may use: typed functions with a docstring (see `tool`), `ServerTool`, `McpServer`,
            or by name `web_search`, `web_fetch`, `code_execution`, `search_history`.
        fallback: models that answer when the first does not, in that order; default `ANTIPHON_FALLBACK`.
        approve: is asked for each tool use that needs approval, and says `Allow()`, `Deny("why")` or
            `Edit({…})`. An ordinary function is called in a thread. Without it, all of them are denied.
        base_url: another server that speaks the Messages API.
        clock: what tells the time, for tests; default the system's.

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
        small_model: str | None = None,
        max_tokens: int | None = None,
        max_history_turns: int | None = None,
        store: str | None = None,
        session_id: str | None = None,
        budget: Decimal | str | float | None = None,
        tools: Sequence[Offered] = (),
        fallback: Sequence[str] | None = None,
        approve: Approver | None = None,
        base_url: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        settings = read_settings(
            model=model,
            small_model=small_model,
            fallback=None if fallback is None else tuple(fallback),
            max_tokens=max_tokens,
            max_history_turns=max_history_turns,
            store=store,
            titles="off",  # nobody sees them here, and each is paid for
        )
        self._settings = settings.without_tools()
        self._tools = tuple(tools)
        self._clock = clock
        self._upstream = make_upstream(self._settings, api_key=api_key, base_url=base_url)
        given = {"system": clean_text(system), "model": model or ""}
        self._given: dict[str, Any] = {name: value for name, value in given.items() if value}
        self._decider = Decider(LOCAL_PRINCIPAL, deciding(approve))
        self._session_id = session_id
        self._budget = None if budget is None else nanodollars(budget)
        self._service: Service | None = None
        self._conversation_id: str | None = None
        self._opening = asyncio.Lock()
        self._closing: asyncio.Task[None] | None = None
        self._stopping: set[asyncio.Task[None]] = set()

    async def send(
        self,
        text: str,
        attachments: Sequence[Attachment] = (),
        *,
        citations: bool = False,
        **options: Unpack[TurnOptions],
    ) -> Reply:
        """Send a message and wait for the whole answer; `options` hold for this turn.

        `attachments` are images, PDFs and texts: their paths, or their bytes. With `citations` Claude names
        the places in them that it relies on, in `Reply.blocks`.

        Raises:
            InvalidRequest, TooLarge: the message is empty, an option cannot be used, or Claude cannot read a
                file.
            OverBudget: a budget does not cover it; the history is as it was.
            AnswerError: Claude did not answer; the history is as it was.
        """
        asked = turn_options(**options)
        return reply_of(await self._answered(await self._content(text, attachments, citations), asked))

    @overload
    async def ask(
        self,
        text: str,
        schema: type[T],
        attachments: Sequence[Attachment] = (),
        **options: Unpack[TurnOptions],
    ) -> T: ...
    @overload
    async def ask(
        self,
        text: str,
        schema: Mapping[str, Any],
        attachments: Sequence[Attachment] = (),
        **options: Unpack[TurnOptions],
    ) -> Any: ...
    async def ask(
        self,
        text: str,
        schema: object,
        attachments: Sequence[Attachment] = (),
        **options: Unpack[TurnOptions],
    ) -> Any:
        """Send a message that is answered in a form: `schema` is a pydantic model, or another type that
        pydantic can read from JSON, or a JSON schema. Returns the value, checked.

        An answer that does not fit is told to Claude, once, in a further turn.

        Raises:
            AnswerUnusable: refused, cut short, or unfit twice; the history is as it was.
            InvalidRequest: as `send`, or the schema cannot be used.
            OverBudget, AnswerError: as `send`.
        """
        form = form_of(schema)
        asked = merged(turn_options(**options), form.options)
        content = await self._content(text, attachments, citations=False)
        files = [] if isinstance(content, str) else [b for b in content if b.get("type") != "text"]
        answers: list[Answer] = []
        try:
            return await self._in_form(form, [*files, *form.content(text)], asked, answers)
        except AntiphonError:
            await self._go_back(answers)
            raise

    async def stream(
        self,
        text: str,
        attachments: Sequence[Attachment] = (),
        *,
        citations: bool = False,
        **options: Unpack[TurnOptions],
    ) -> AsyncGenerator[str, None]:
        """Send a message, as `send` does, and yield the answer's text as it comes. Leaving the loop stops it.

        Raises:
            InvalidRequest: as `send`.
            AnswerInterrupted: cut short after text was seen, which is kept as the answer.
            OverBudget: a budget does not cover it; the history is as it was.
            AnswerError: Claude did not answer; the history is as it was.
        """
        asked = turn_options(**options)
        content = await self._content(text, attachments, citations)
        service, accepted = await self._send(Ask(content=content, restart="never", options=asked))
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
            await self._surely(self._stop(service, accepted.turn_id, seen_seq))
            raise
        answer = read_answer(accepted.turn_id, frames)
        reply = reply_of(answer)
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
        """Let go of the store and of connections. A conversation in a database can be opened again.

        Whoever still waits for an answer gets StoreUnavailable. It is closed also where this is cancelled.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _close(self) -> None:
        try:
            while self._stopping:
                await asyncio.wait(self._stopping)
            async with self._opening:
                service, self._service = self._service, None
            if service is not None:
                await service.close()
        finally:
            self._closing = None

    async def _answered(self, content: str | Sequence[Block], options: dict[str, Any]) -> Answer:
        """The whole answer. Being cancelled stops it."""
        service, accepted = await self._send(Ask(content=content, keep_partial=False, options=options))
        try:
            return await service.answer(accepted, self._decider)
        except asyncio.CancelledError:
            await self._surely(self._stop(service, accepted.turn_id))
            raise

    async def _in_form(
        self, form: Form, content: Sequence[Block], options: dict[str, Any], answers: list[Answer]
    ) -> Any:
        """The value of the first answer, or of the second, which knows what was wrong with the first."""
        faults = ""
        for _ in range(2):
            answers.append(await self._answered(content, options))
            try:
                return form.value(whole_text(answers[-1]))
            except Unfit as unfit:
                faults, content = str(unfit), [text_block(REPAIR.format(unfit))]
        raise unusable(answers[-1], faults)

    async def _go_back(self, answers: Sequence[Answer]) -> None:
        """These answers are no part of the history, unless somebody went on from them meanwhile."""
        service, conversation_id = await self._open()
        made = {answer.message.id for answer in answers if answer.message is not None}
        with contextlib.suppress(AntiphonError):
            if (await service.get(LOCAL_PRINCIPAL, conversation_id)).head in made:
                await service.move_head(LOCAL_PRINCIPAL, conversation_id, answers[0].turn.parent_id)

    async def _content(
        self, text: str, attachments: Sequence[Attachment], citations: bool
    ) -> str | list[Block]:
        service, _ = await self._open()
        return await content_with(service, LOCAL_PRINCIPAL, text, attachments, citations=citations)

    async def _send(self, ask: Ask) -> tuple[Service, Accepted]:
        service, conversation_id = await self._open()
        ask = replace(ask, settings=self._given, budget_nanodollars=self._budget)
        header = await service.get(LOCAL_PRINCIPAL, conversation_id)
        await service.settle(header, self._decider)
        sending = asyncio.create_task(service.send(LOCAL_PRINCIPAL, conversation_id, ask, header=header))
        try:
            return service, await asyncio.shield(sending)
        except asyncio.CancelledError:
            await self._surely(self._take_back(service, sending))
            raise

    async def _surely(self, stopping: Coroutine[Any, Any, None]) -> None:
        """In a task of its own: whoever is told to leave may be told so again at each await."""
        task = asyncio.create_task(stopping)
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)
        await asyncio.shield(task)

    async def _take_back(self, service: Service, sending: asyncio.Task[Accepted]) -> None:
        """Stop what comes to be accepted although nobody waits for it."""
        with contextlib.suppress(AntiphonError):  # why it was not accepted, nobody asks any more
            accepted = await sending
            await self._stop(service, accepted.turn_id, accepted.seq)

    async def _stop(self, service: Service, turn_id: str, seen_seq: int | None = None) -> None:
        """Nothing runs any more in a service that was closed; why another cannot, nobody asks any more."""
        if service is self._service:
            with contextlib.suppress(AntiphonError):
                await service.cancel(LOCAL_PRINCIPAL, turn_id, seen_seq)

    async def _open(self) -> tuple[Service, str]:
        async with self._opening:
            if self._closing is not None:
                raise StoreUnavailable(CLOSED)
            if self._service is None:
                self._service = await open_service(
                    self._settings,
                    upstream=self._upstream,
                    clock=self._clock,
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
