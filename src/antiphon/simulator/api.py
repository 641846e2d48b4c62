"""The routes of the Messages API. Source: the Messages API reference."""

import time
from collections.abc import Callable, Mapping
from typing import Any, assert_never

import msgspec

from antiphon.simulator.answer import answer
from antiphon.simulator.control import Control
from antiphon.simulator.delivery import JSON_HEADERS, deliver_stream, deliver_whole
from antiphon.simulator.errors import ApiError, scripted_error
from antiphon.simulator.frames import answer_frames, event_frames
from antiphon.simulator.http import Exchange, HttpRequest
from antiphon.simulator.models import Model
from antiphon.simulator.playbook import Gate, Playbook
from antiphon.simulator.record import RecordedRequest, RequestLog
from antiphon.simulator.script import Drop, Events, Fail, Outcome, Page, Reply
from antiphon.simulator.shape import Call, parsed
from antiphon.simulator.tokens import input_tokens
from antiphon.simulator.validate import check

RATE_LIMITS = {"requests": 4_000, "tokens": 5_000_000, "input-tokens": 4_000_000, "output-tokens": 1_000_000}
"""A minute's worth, as the headers tell it. Nothing is limited here unless a script says so."""

FIXED_HEADERS = {
    "anthropic-organization-id": "org_simulator",
    **{f"anthropic-ratelimit-{kind}-limit": str(limit) for kind, limit in RATE_LIMITS.items()},
    **{f"anthropic-ratelimit-{kind}-remaining": str(limit) for kind, limit in RATE_LIMITS.items()},
}


class Api:
    """Answers HTTP requests; what it needs to know is given, what happens is noted in the log."""

    def __init__(
        self,
        *,
        default: Reply,
        bad_keys: frozenset[str],
        models: Mapping[str, Model],
        log: RequestLog,
        playbook: Playbook,
        gate: Gate,
        now: Callable[[], float],
    ) -> None:
        self.default = default
        self._bad_keys = bad_keys
        self._models = models
        self._log = log
        self._playbook = playbook
        self._gate = gate
        self._now = now
        self._control = Control(log, playbook, gate)

    async def handle(self, request: HttpRequest, exchange: Exchange) -> None:
        if request.path.startswith("/simulator/"):
            await self._control.handle(request, exchange)
            return
        recorded = self._arrived(request)
        try:
            await self._answer(request, recorded, exchange)
        except ApiError as error:
            headers = {**self._headers(recorded), **JSON_HEADERS, **error.headers}
            await exchange.respond(error.status, headers, error.body(_request_id(recorded)))
        finally:
            self._log.update(
                recorded.number,
                status=exchange.status,
                client_left=exchange.client_left,
                ended_at=self._now(),
            )

    def _arrived(self, request: HttpRequest) -> RecordedRequest:
        try:
            body = msgspec.json.decode(request.body) if request.body else None
        except msgspec.DecodeError:
            body = None
        size = len(request.body)
        return self._log.arrive(self._now(), request.method, request.path, request.headers, body, size)

    async def _answer(self, request: HttpRequest, recorded: RecordedRequest, exchange: Exchange) -> None:
        if request.too_large:
            raise ApiError(413, "Request exceeds the maximum size")
        self._check_headers(request.headers)
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["v1", "messages"]:
                await self._messages(self._call(request, recorded), recorded, exchange)
            case "POST", ["v1", "messages", "count_tokens"]:
                call = self._call(request, recorded, counting=True)
                await self._json(exchange, recorded, {"input_tokens": input_tokens(call.body)})
            case "GET", ["v1", "models"]:
                await self._json(exchange, recorded, self._model_list())
            case "GET", ["v1", "models", name]:
                await self._json(exchange, recorded, self._model(name).info())
            case _:
                raise ApiError(404, f"Not found: {request.method} {request.path}")

    def _check_headers(self, headers: Mapping[str, str]) -> None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        key = headers.get("x-api-key") or (token.strip() if scheme.lower() == "bearer" else "")
        if not key or key in self._bad_keys:
            raise ApiError(401, "invalid x-api-key" if key else "x-api-key header is required")
        if not headers.get("anthropic-version"):
            raise ApiError(400, "anthropic-version: header is required")

    def _call(self, request: HttpRequest, recorded: RecordedRequest, *, counting: bool = False) -> Call:
        return check(
            parsed(request.body) if recorded.body is None else recorded.body,
            models=self._models,
            version=request.headers["anthropic-version"],
            betas=request.headers.get("anthropic-beta", ""),
            counting=counting,
        )

    async def _messages(self, call: Call, recorded: RecordedRequest, exchange: Exchange) -> None:
        outcome: Outcome = self._playbook.take(call.model.id) or self.default
        await self._gate.wait(outcome.delay)
        match outcome:
            case Reply():
                await self._reply(outcome, call, recorded, exchange)
            case Events():
                frames = event_frames(outcome.events)
                await deliver_stream(exchange, self._headers(recorded), frames, outcome, self._gate)
            case Fail():
                raise scripted_error(outcome)
            case Page():
                headers = {"content-type": outcome.content_type, **outcome.headers}
                await exchange.respond(outcome.status, headers, outcome.body.encode())
            case Drop():
                await exchange.reset() if outcome.reset else exchange.hang_up()
            case _:
                assert_never(outcome)

    async def _reply(self, reply: Reply, call: Call, recorded: RecordedRequest, exchange: Exchange) -> None:
        whole = answer(reply, call.body, recorded.number)
        self._log.update(recorded.number, usage=whole.usage)
        headers = self._headers(recorded)
        if call.body.get("stream"):
            await deliver_stream(exchange, headers, answer_frames(whole, reply), reply, self._gate)
        else:
            body = msgspec.json.encode(whole.message())
            await deliver_whole(exchange, headers, body, reply.fault, self._gate)

    def _model(self, name: str) -> Model:
        model = self._models.get(name)
        if model is None:
            raise ApiError(404, f"model: {name}")
        return model

    def _model_list(self) -> dict[str, Any]:
        data = [model.info() for model in self._models.values()]
        return {"data": data, "has_more": False, "first_id": data[0]["id"], "last_id": data[-1]["id"]}

    async def _json(self, exchange: Exchange, recorded: RecordedRequest, value: Any) -> None:
        await exchange.respond(200, {**JSON_HEADERS, **self._headers(recorded)}, msgspec.json.encode(value))

    def _headers(self, recorded: RecordedRequest) -> dict[str, str]:
        reset = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(recorded.at + 60))
        resets = {f"anthropic-ratelimit-{kind}-reset": reset for kind in RATE_LIMITS}
        return {"request-id": _request_id(recorded), **FIXED_HEADERS, **resets}


def _request_id(recorded: RecordedRequest) -> str:
    return f"req_sim_{recorded.number:06}"
