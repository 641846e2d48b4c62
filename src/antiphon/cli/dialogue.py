"""A person at a terminal, talking: one conversation at a time, over a service that runs in this process."""

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import aclosing, suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from antiphon.cli.approvals import question
from antiphon.cli.exits import say
from antiphon.cli.interrupts import Interrupts
from antiphon.cli.opening import Choice, Flags
from antiphon.cli.sheets import Sheet
from antiphon.cli.showing import Showing
from antiphon.domain.approvals import Decision
from antiphon.domain.conversations import Header, Totals
from antiphon.domain.events import ApprovalRequest
from antiphon.domain.files import FileFacts, block_of
from antiphon.domain.messages import Block, Message, text_block
from antiphon.domain.state import Turn
from antiphon.errors import AnswerInterrupted, AntiphonError, InvalidRequest
from antiphon.money.facts import EFFORTS, Effort
from antiphon.service import (
    DEFAULT_SYSTEM,
    LOCAL_PRINCIPAL,
    Answer,
    Ask,
    Decider,
    Service,
    TurnOptions,
    read_answer,
    turn_options,
)
from antiphon.service.attachments import read_attachment
from antiphon.settings import LOCAL
from antiphon.stores.base import Accepted
from antiphon.stores.frames import Frame

STOP_S = 5.0
"""Seconds that a stopped answer may take to end before it is left to itself."""

NOT_CONFIRMED = (
    "The answer was asked to stop, but nothing has confirmed that it did. What you saw of it is kept; ask "
    "again in a moment."
)


def new_name() -> str:
    """A name that can be typed, for a conversation that was given none."""
    return f"{date.today():%Y%m%d}-{secrets.token_hex(3)}"  # noqa: DTZ011 - the day as the person has it


class Dialogue:
    """Nothing is stored before the first message, so an empty conversation leaves no trace."""

    def __init__(self, service: Service, flags: Flags, choice: Choice) -> None:
        self._service = service
        self._question = question()
        self._settings = choice.settings
        self._system = flags.system
        self._chosen = flags.model
        self.options = TurnOptions(
            effort=flags.effort, thinking=flags.thinking, stop_sequences=flags.stop or None
        )
        """Of every turn from the next message on."""
        self._conversation: Header | None = None
        self.name = flags.session or new_name()
        self.last_turn: Turn | None = None
        self.attached: list[FileFacts] = []
        """What goes with the next message."""
        self.cites = False
        """Whether Claude is to name the places in documents that it relies on."""

    @property
    def model(self) -> str:
        """Who answers the next message."""
        conversation = self._conversation.model if self._conversation else ""
        if LOCAL in (self._settings.model, conversation):
            # Who answers here is decided: a conversation of the other kind goes on with this one.
            conversation = ""
        return self._chosen or conversation or self._settings.model

    def known_models(self) -> list[str]:
        """Those that can be chosen here."""
        return [
            name
            for name in self._service.models.names()
            if (name == LOCAL) == (self._settings.model == LOCAL)
        ]

    def choose_model(self, name: str) -> None:
        """From the next message on.

        Raises:
            UnknownModel: it has no price. InvalidRequest: it cannot answer here.
        """
        facts = self._service.models.get(name)
        if (facts.name == LOCAL) != (self._settings.model == LOCAL):
            raise InvalidRequest(
                f"{name} cannot take over from {self._settings.model} here, so nothing was changed: "
                f"leave, and start with --model {name} --session {self.name}."
            )
        self._chosen = name

    @property
    def efforts(self) -> Sequence[Effort]:
        """Those of the model that answers next; all of them where it is not chosen yet."""
        facts = self._service.models.find(self.model)
        return EFFORTS if facts is None else facts.efforts

    async def resume(self) -> list[Message]:
        """Go on with the conversation of this name, if there is one; returns its last exchange."""
        self._conversation = await self._service.find(LOCAL_PRINCIPAL, self.name)
        if self._conversation is None:
            return []
        messages = await self._service.messages(LOCAL_PRINCIPAL, self._conversation.id)
        asked = [at for at, message in enumerate(messages) if message.role == "user"]
        return messages[asked[-1] :] if asked else []

    def start_anew(self) -> str:
        """A new conversation from the next message on; returns the name of the one that is left."""
        left, self.name = self.name, new_name()
        self._conversation = self.last_turn = None
        return left

    @property
    def begun(self) -> bool:
        """Whether the conversation exists."""
        return self._conversation is not None

    async def attach(self, path: Path) -> None:
        """Let a file go with the next message. Says so if who answers cannot see it.

        Raises:
            InvalidRequest, TooLarge: it cannot be read, or not by Claude; nothing is kept of it.
        """
        data, name = await asyncio.to_thread(lambda: read_attachment(path.expanduser()))
        facts = await self._service.upload(LOCAL_PRINCIPAL, data, name)
        self.attached.append(facts)
        if self.model == LOCAL and facts.media.media_type != "text/plain":
            say(f"The local model reads text alone: of {name} it is told only that it is there.")

    def _content(self, text: str) -> str | list[Block]:
        if not self.attached:
            return text
        blocks = [block_of(facts, citations=self.cites) for facts in self.attached]
        return [*blocks, text_block(text)] if text.strip() else blocks

    async def say(self, text: str, sheet: Sheet, interrupts: Interrupts) -> Answer:
        """Send a message and show its answer as it comes. A signal stops the answer; what was seen is kept.

        Raises:
            AntiphonError: the message was not accepted, or the answer's end is not known.
            OSError: the sheet cannot be written any more; the answer is stopped.
        """
        options = turn_options(**self.options)
        header = await self._service.get(LOCAL_PRINCIPAL, (await self._open_conversation()).id)
        await self._service.settle(header, Decider(LOCAL_PRINCIPAL, self._question))
        ask = Ask(
            content=self._content(text),
            settings=self._changes(header),
            options=options,
            restart=sheet.restart,
        )
        accepted = await self._service.send(LOCAL_PRINCIPAL, header.id, ask, header=header)
        self.attached = []
        showing = Showing(sheet, accepted.seq, thinking=self.options.get("thinking") == "shown")
        try:
            answer = await self._show(accepted, showing, interrupts)
        except (OSError, asyncio.CancelledError):
            await self._leave(accepted, showing)
            raise
        finally:
            with suppress(OSError):
                await showing.end()
        self.last_turn = answer.turn
        self._conversation = await self._service.get(LOCAL_PRINCIPAL, header.id)
        return answer

    async def totals(self) -> Totals:
        if self._conversation is None:
            return Totals()
        return await self._service.totals(LOCAL_PRINCIPAL, self._conversation.id)

    async def aclose(self) -> None:
        await self._service.close()

    async def _open_conversation(self) -> Header:
        if self._conversation is None:
            system = DEFAULT_SYSTEM if self._system is None else self._system
            self._conversation = await self._service.create(
                LOCAL_PRINCIPAL, system=system, model=self._chosen or "", name=self.name
            )
        return self._conversation

    def _changes(self, header: Header) -> dict[str, Any]:
        """What is to be different from this turn on."""
        changes = {}
        if self.model != (header.model or self._settings.model):
            changes["model"] = self.model
        if self._system is not None and self._system != header.system:
            changes["system"] = self._system
        return changes

    async def _show(self, accepted: Accepted, showing: Showing, interrupts: Interrupts) -> Answer:
        try:
            frames = await self._follow(accepted, showing, interrupts)
        except TimeoutError:
            raise AnswerInterrupted(NOT_CONFIRMED, turn_id=accepted.turn_id) from None
        answer = read_answer(accepted.turn_id, frames)
        if answer.text and not showing.text_shown and answer.turn.status != "refused":
            await showing.write(answer.text)  # it ended before it could be followed
        return answer

    async def _follow(self, accepted: Accepted, showing: Showing, interrupts: Interrupts) -> list[Frame]:
        """Show the answer to its end. The first signal stops it; the second does not wait for its end."""
        stops: list[asyncio.Task[None]] = []
        patience = asyncio.timeout(None)

        def stop() -> None:
            showing.stop()
            now = asyncio.get_running_loop().time()
            patience.reschedule(now if stops else now + STOP_S)
            stops.append(asyncio.create_task(self._cancel(accepted, showing)))

        try:
            decider = Decider(LOCAL_PRINCIPAL, partial(self._decide, showing))
            async with patience, aclosing(self._service.follow_turn(accepted, decider)) as batches:
                with interrupts.stopping(stop):
                    return await showing.follow(batches)
        finally:
            await asyncio.gather(*stops)

    async def _decide(self, showing: Showing, request: ApprovalRequest) -> Decision:
        async with showing.paused():
            return await self._question(request)

    async def _cancel(self, accepted: Accepted, showing: Showing) -> None:
        """Stop the answer; what was seen of it stays."""
        with suppress(AntiphonError):
            await self._service.cancel(LOCAL_PRINCIPAL, accepted.turn_id, showing.seen_seq)

    async def _leave(self, accepted: Accepted, showing: Showing) -> None:
        """Stop an answer that nobody reads any more, and let it end."""
        with suppress(AntiphonError, TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self._cancel(accepted, showing)
                await self._service.answer(accepted)
