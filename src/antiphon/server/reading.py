"""Reading requests: their JSON, checked against a model; keys and ids. What does not fit changes nothing."""

import json
import re
from typing import Annotated, Any, Never, TypeAlias, TypeVar

from fastapi import Depends, Path, Query, Request
from pydantic import BaseModel, ValidationError

from antiphon.domain.ids import is_id
from antiphon.domain.messages import clean_json
from antiphon.errors import InputError, InvalidRequest, NotFound
from antiphon.server.problems import faults_of, sentence_of

M = TypeVar("M", bound=BaseModel)

KEY = re.compile(r"[\x21-\x7e]{1,255}")
"""An idempotency key: visible ASCII."""

KEY_HEADER = "Idempotency-Key"
CURSOR_HEADER = "Last-Event-ID"
SEQ_SCHEMA: dict[str, Any] = {"type": "integer", "minimum": 0}


SEQ = re.compile(r"[0-9]+")
BEYOND = 2**63
"""Stands for any cursor of more than 18 digits: no conversation comes that far."""


class InvalidJson(InputError):
    name = "invalid-json"
    title = "This is not JSON"


class KeyMissing(InputError):
    name = "idempotency-key-missing"
    title = "The request has no idempotency key"


def refusal(faults: list[dict[str, str]]) -> InvalidRequest:
    return InvalidRequest(sentence_of(faults), errors=faults)


async def read_json(request: Request) -> Any:
    """The body's value, as every store can hold it.

    A page of another site can send text without asking, but not JSON: so the type is required.

    Raises:
        InvalidJson, InvalidRequest.
    """
    check_content_type(request)
    return parse_json(await request.body())


def check_content_type(request: Request) -> None:
    """Raises InvalidRequest."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise refusal([{"header": "Content-Type", "detail": "must be application/json"}])


LEVELS = 200
"""How deep a body may be nested: below what any reader of JSON here can take, pydantic's 255 before all."""

EXPORTED_LEVELS = LEVELS + 16
"""Of an exported conversation: around what was sent are its message or turn, its event and the document."""


def parse_json(body: bytes, levels: int = LEVELS) -> Any:
    """Raises InvalidJson, InvalidRequest: it is nested deeper than so many levels."""
    try:
        value = _JSON.decode(body.decode())
        if _is_deeper(value, levels):
            raise refusal([{"pointer": "#", "detail": f"must not be nested more than {levels} levels deep"}])
        return clean_json(value)
    except (ValueError, RecursionError):
        raise InvalidJson(
            "The body cannot be read as JSON in UTF-8. Nothing was stored; correct it and send it again."
        ) from None


def _is_deeper(value: Any, levels: int) -> bool:
    """Level by level, for what is too deep for a function that calls itself."""
    level = [value]
    for _ in range(levels + 1):
        level = [outer for outer in level if isinstance(outer, dict | list)]
        if not level:
            return False
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
    return True


def _no_constant(name: str) -> Never:
    """NaN and Infinity, which Python reads, are not JSON."""
    raise ValueError(name)


_JSON = json.JSONDecoder(parse_constant=_no_constant)


def checked(model: type[M], value: Any) -> M:
    """Raises InvalidRequest, with what is wrong in `errors`."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise refusal(faults_of(found)) from None


def body_of(model: type[M], default: Any = None) -> Any:
    """A dependency that reads the body as `model`. With a `default`, an absent body stands for it."""

    async def read(request: Request) -> M:
        if default is not None and not await request.body():
            return checked(model, default)
        return checked(model, await read_json(request))

    return Depends(read)


def documented(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """A request body as OpenAPI has it: FastAPI cannot see it, because it is read here."""
    schema = _inlined(model.model_json_schema())
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its own definitions put where they are named: OpenAPI keeps definitions elsewhere."""
    definitions = schema.pop("$defs", {})

    def resolve(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return resolve(definitions[value["$ref"].rsplit("/", 1)[-1]])
            return {key: resolve(inner) for key, inner in value.items() if key != "discriminator"}
        return [resolve(inner) for inner in value] if isinstance(value, list) else value

    resolved: dict[str, Any] = resolve(schema)
    return resolved


def key_documentation(*, required: bool) -> dict[str, Any]:
    return {
        "parameters": [
            {
                "name": KEY_HEADER,
                "in": "header",
                "required": required,
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
                "description": "The same key and body again: the same turn, paid once. Kept for a day.",
            }
        ]
    }


def read_key(request: Request) -> str | None:
    """Raises InvalidRequest."""
    match request.headers.getlist(KEY_HEADER):
        case []:
            return None
        case [key] if KEY.fullmatch(key):
            return key
        case _:
            detail = "must be 1 to 255 visible ASCII characters, once"
            raise refusal([{"header": KEY_HEADER, "detail": detail}])


async def required_key(request: Request) -> str:
    """Raises InvalidRequest, KeyMissing."""
    key = read_key(request)
    if key is None:
        raise KeyMissing(
            f"A turn needs the header {KEY_HEADER}, so that it is not paid twice if you send it again. "
            "Nothing was stored."
        )
    return key


RequiredKey: TypeAlias = Annotated[str, Depends(required_key)]


async def cursor_of(
    request: Request,
    after: Annotated[str, Query(description="The last event you have.", json_schema_extra=SEQ_SCHEMA)] = "0",
) -> int:
    """The seq after which to follow: `Last-Event-ID`, which a browser sends by itself, wins over `after`.

    Raises InvalidRequest.
    """
    told = request.headers.get(CURSOR_HEADER)
    text = after if told is None else told
    if SEQ.fullmatch(text) is None:
        place = {"parameter": "after"} if told is None else {"header": CURSOR_HEADER}
        raise refusal([{**place, "detail": "must be the seq of an event: a whole number from 0 on"}])
    digits = text.lstrip("0")
    return int(digits or "0") if len(digits) <= 18 else BEYOND


CursorInRequest: TypeAlias = Annotated[int, Depends(cursor_of)]

CURSOR_DOCUMENTATION: dict[str, Any] = {
    "parameters": [
        {
            "name": CURSOR_HEADER,
            "in": "header",
            "required": False,
            "schema": SEQ_SCHEMA,
            "description": "The same as `after`; it wins over it.",
        }
    ]
}


async def conversation_in_path(conversation_id: Annotated[str, Path(description="A UUID.")]) -> str:
    """What is no id names no conversation. Raises NotFound."""
    if not is_id(conversation_id):
        raise NotFound("There is no such conversation.")
    return conversation_id


ConversationInPath: TypeAlias = Annotated[str, Depends(conversation_in_path)]
