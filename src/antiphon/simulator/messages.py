"""`POST /v1/messages`: what becomes of a valid request, and what is charged for it."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple, assert_never

import msgspec

from antiphon.simulator.answer import Answer, answer
from antiphon.simulator.cache import Accounted
from antiphon.simulator.charging import Progress, broken_off, usage_of_events
from antiphon.simulator.chunks import strike
from antiphon.simulator.declining import decline
from antiphon.simulator.delivery import deliver_stream, deliver_whole
from antiphon.simulator.errors import ApiError, scripted_error
from antiphon.simulator.frames import Frame, answer_frames, event_frames
from antiphon.simulator.headless import before_headers
from antiphon.simulator.http import Exchange
from antiphon.simulator.parts import Parts
from antiphon.simulator.presets import spend_limit
from antiphon.simulator.prompt import Prompt, read_prompt
from antiphon.simulator.script import Drop, Events, Fail, Outcome, Page, Reply, Stall, StreamError
from antiphon.simulator.server_tools import container
from antiphon.simulator.shape import Call


class Job(NamedTuple):
    """One valid request and the response it gets."""

    call: Call
    number: int
    headers: Mapping[str, str]
    exchange: Exchange
    prompt: Prompt
    accounted: Accounted


class Messages:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._gate = parts.gate
        self._now = parts.clock

    async def create(self, call: Call, number: int, headers: Mapping[str, str], exchange: Exchange) -> None:
        """Answer a request as the script says.

        Raises:
            ApiError: it is refused, or the script wants an error.
        """
        job = self._admitted(call, number, headers, exchange)
        outcome = before_headers(self._parts.playbook.take(call.model.id) or self._parts.default)
        await self._delay(outcome, job)
        match outcome:
            case Reply():
                await self._reply(outcome, job)
            case Events():
                frames = event_frames(outcome.events)
                usage = usage_of_events(outcome.events)
                await self._stream(frames, outcome, job, usage)
            case Fail() | Page() | Drop():
                await decline(outcome, exchange, self._now())
            case _:
                assert_never(outcome)

    def _admitted(self, call: Call, number: int, headers: Mapping[str, str], exchange: Exchange) -> Job:
        thread = call.body.get("thread") or {}
        if thread.get("type") == "continue":
            details = {"error_code": "thread_not_found"}
            raise ApiError(404, "thread: not found. Send the whole conversation.", details=details)
        limit = self._parts.spend_limit
        if limit is not None and self._parts.ledger.nano_dollars >= limit:
            raise scripted_error(spend_limit())
        prompt = read_prompt(call.body, call.model, call.organization, call.dropped)
        most = call.model.max_input_tokens
        if prompt.input_tokens > most:
            raise ApiError(400, f"prompt is too long: {prompt.input_tokens} tokens > {most} maximum")
        accounted = self._parts.cache.look_up(prompt, self._now())
        counted = accounted.prompt_tokens - accounted.read
        whose = call.organization, call.model.limited_as
        self._parts.limiter.admit(*whose, counted, accounted.started_at)
        left = self._parts.limiter.headers(*whose, accounted.started_at)
        return Job(call, number, {**headers, **left}, exchange, prompt, accounted)

    async def _delay(self, outcome: Outcome, job: Job) -> None:
        try:
            await self._gate.wait(outcome.delay)
        except asyncio.CancelledError:
            if isinstance(outcome, Reply):  # its prompt was being read
                self._charge(job, broken_off(job.accounted.usage(), 0), complete=False)
            raise

    async def _reply(self, reply: Reply, job: Job) -> None:
        call = job.call
        whole = answer(reply, call, job.accounted, job.number, self._more(job))
        if "diagnostics" in call.body:
            self._parts.diagnoses.remember(whole.id, job.prompt)
        self._parts.log.update(job.number, usage=whole.usage)
        if call.body.get("stream"):
            usage = None if whole.is_free else whole.usage
            await self._stream(answer_frames(whole, reply), reply, job, usage)
            return
        if not isinstance(reply.fault, StreamError):
            self._begins(job, whole)
        body = msgspec.json.encode(whole.message())
        await deliver_whole(job.exchange, job.headers, body, reply, self._gate)

    def _begins(self, job: Job, whole: Answer) -> None:
        self._parts.cache.keep(job.accounted, self._now())
        if not whole.is_free:
            self._charge(job, whole.usage)

    async def _stream(
        self, frames: list[Frame], how: Reply | Events, job: Job, usage: dict[str, Any] | None
    ) -> None:
        """Charged in full when it begins, and less if it breaks off."""
        progress, ended = Progress(), False
        if how.fault is None or isinstance(how.fault, Stall) or strike(frames, how.fault) > 0:
            progress.begun = True
            if isinstance(how, Reply):
                self._parts.cache.keep(job.accounted, self._now())
            if usage is not None:
                self._charge(job, usage)
        try:
            ended = await deliver_stream(job.exchange, job.headers, frames, how, self._gate, progress)
        finally:
            if usage is not None and progress.begun and not ended:
                self._charge(job, broken_off(usage, progress.generated), complete=False)

    def _charge(self, job: Job, usage: dict[str, Any], *, complete: bool = True) -> None:
        call = job.call
        self._parts.ledger.charge(job.number, call.model.id, call.organization, usage, complete=complete)
        if complete:
            self._parts.limiter.count_output(
                call.organization, call.model.limited_as, usage["output_tokens"], self._now()
            )

    def _more(self, job: Job) -> dict[str, Any]:
        """Fields of the message that not every request asks for."""
        more: dict[str, Any] = {}
        asked = job.call.body.get("diagnostics")
        if asked is not None:
            reason = self._parts.diagnoses.reason(asked.get("previous_message_id"), job.prompt)
            more["diagnostics"] = {"cache_miss_reason": reason}
        held = container(job.call.body, job.number, job.accounted.started_at)
        return more if held is None else {**more, "container": held}
