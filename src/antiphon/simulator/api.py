"""The routes of the Messages API. Source: the Messages API reference."""

from collections.abc import Mapping
from typing import Any

import msgspec

from antiphon.simulator.batches_api import BatchesApi
from antiphon.simulator.control import Control
from antiphon.simulator.declining import decline
from antiphon.simulator.delivery import JSON_HEADERS
from antiphon.simulator.encoding import decompressed
from antiphon.simulator.errors import ApiError
from antiphon.simulator.files_api import FilesApi
from antiphon.simulator.http import Exchange, HttpRequest, max_body
from antiphon.simulator.messages import Messages
from antiphon.simulator.models import Model
from antiphon.simulator.paging import Query, page_by_id
from antiphon.simulator.parts import Parts
from antiphon.simulator.prompt import read_prompt
from antiphon.simulator.record import RecordedRequest
from antiphon.simulator.shape import Call, parsed
from antiphon.simulator.validate import check

NOBODY = "org_sim_unknown"
"""Whose request it is, where the key does not tell."""

LINES_HEADERS = {"content-type": "application/x-jsonl"}


class Api:
    """Answers HTTP requests; what it needs to know is given, what happens is noted in the log."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._log = parts.log
        self._now = parts.clock
        self._control = Control(parts)
        self._messages = Messages(parts)
        self._batches = BatchesApi(parts)
        self._files = FilesApi(parts.files, parts.clock)

    async def handle(self, request: HttpRequest, exchange: Exchange) -> None:
        if request.path.startswith("/simulator/"):
            await self._control.handle(request, exchange)
            return
        request, problem = _decoded(request)
        recorded = self._arrived(request)
        try:
            if problem is not None:
                raise problem
            meant = self._parts.playbook.take_for(request.path)
            if meant is None:
                await self._answer(request, recorded, exchange)
            else:
                await self._parts.gate.wait(meant.delay)
                await decline(meant, exchange, self._now())
        except ApiError as error:
            headers = {**self._headers(recorded, self._who(request)), **JSON_HEADERS, **error.headers}
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
        organization = self._parts.organizations.of(request.headers)
        if not request.headers.get("anthropic-version"):
            raise ApiError(400, "anthropic-version: header is required")
        headers = self._headers(recorded, organization)
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["v1", "messages"]:
                call = self._call(request, recorded, organization)
                await self._messages.create(call, recorded.number, headers, exchange)
            case "POST", ["v1", "messages", "count_tokens"]:
                call = self._call(request, recorded, organization, counting=True)
                prompt = read_prompt(call.body, call.model, organization, call.dropped)
                await self._json(exchange, headers, {"input_tokens": prompt.input_tokens})
            case "GET", ["v1", "models"]:
                await self._json(exchange, headers, self._model_list(Query(request.query)))
            case "GET", ["v1", "models", name]:
                await self._json(exchange, headers, self._model(name).info())
            case _, ["v1", "messages", "batches", *rest]:
                body = self._batches.answer(request, rest, organization)
                kind = LINES_HEADERS if rest[1:] == ["results"] else JSON_HEADERS
                await exchange.respond(200, {**kind, **headers}, body)
            case _, ["v1", "files", *rest]:
                await self._json(exchange, headers, self._files.answer(request, rest, organization))
            case _:
                raise ApiError(404, f"Not found: {request.method} {request.path}")

    def _who(self, request: HttpRequest) -> str:
        try:
            return self._parts.organizations.of(request.headers)
        except ApiError:
            return NOBODY

    def _call(
        self, request: HttpRequest, recorded: RecordedRequest, organization: str, *, counting: bool = False
    ) -> Call:
        body = parsed(request.body) if recorded.body is None else recorded.body
        if b'"file_id"' in request.body:
            body = self._parts.files.filled_in(body, organization, self._now())
        return check(
            body,
            models=self._parts.models,
            version=request.headers["anthropic-version"],
            betas=request.headers.get("anthropic-beta", ""),
            counting=counting,
            organization=organization,
        )

    def _model(self, name: str) -> Model:
        model = self._parts.models.get(name)
        if model is None:
            raise ApiError(404, f"model: {name}")
        return model

    def _model_list(self, query: Query) -> dict[str, Any]:
        """One page: without `lifecycle` the retired ones are not listed."""
        wanted = query.many("lifecycle") or ["active", "deprecated"]
        models = [model.info() for model in self._parts.models.values() if model.lifecycle in wanted]
        return page_by_id(models, query)

    async def _json(self, exchange: Exchange, headers: Mapping[str, str], value: Any) -> None:
        await exchange.respond(200, {**JSON_HEADERS, **headers}, msgspec.json.encode(value))

    def _headers(self, recorded: RecordedRequest, organization: str) -> dict[str, str]:
        line = self._parts.limited_as(recorded.body)
        return {
            "request-id": _request_id(recorded),
            "anthropic-organization-id": organization,
            **self._parts.limiter.headers(organization, line, recorded.at),
        }


def _decoded(request: HttpRequest) -> tuple[HttpRequest, ApiError | None]:
    """The request with its body as it was before it was compressed, or what is wrong with that."""
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if not encoding or request.too_large:
        return request, None
    try:
        return request._replace(body=decompressed(request.body, encoding, max_body(request.path))), None
    except ApiError as error:
        return request._replace(body=b""), error


def _request_id(recorded: RecordedRequest) -> str:
    return f"req_sim_{recorded.number:06}"
