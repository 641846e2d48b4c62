"""What an answer must look like: a type or a JSON schema, how Claude is held to it, and how it is read."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import isroutine
from typing import Any, Never

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from antiphon.context.schemas import instruction, strict_form
from antiphon.domain.messages import Block, text_block
from antiphon.errors import InvalidRequest

FAULTS_MAX = 5
"""Of an answer that does not fit, as many are told at once."""
FAULT_CHARACTERS = 300

REPAIR = (
    "Your last answer cannot be used: {}. Answer again with the whole JSON value, corrected, and with "
    "nothing else."
)


class Unfit(Exception):
    """The answer does not fit; the message says why, for Claude and for people."""


@dataclass(frozen=True, slots=True)
class Form:
    """`read` makes a value of JSON text, or raises Unfit."""

    schema: Mapping[str, Any]
    strict: Mapping[str, Any] | None
    """What Claude is held to; None where its structured outputs do not know such schemas."""
    read: Callable[[str], Any]

    @property
    def options(self) -> dict[str, Any]:
        """For the turn: the same bytes each time, so that a second question of this form finds the cache."""
        if self.strict is None:
            return {}
        return {"output_config": {"format": {"type": "json_schema", "schema": self.strict}}}

    def content(self, text: str) -> list[Block]:
        """The question; where nothing else holds Claude to the schema, with words that do."""
        in_words = self.strict is None and text.strip()  # an empty message stays one, and is refused
        return [text_block(text), *([text_block(instruction(self.schema))] if in_words else [])]

    def value(self, answer: str) -> Any:
        """Raises Unfit."""
        return self.read(json_in(answer))


def form_of(schema: Any) -> Form:
    """Raises InvalidRequest: this says nothing about JSON."""
    if isinstance(schema, Mapping):
        return Form(schema, strict_form(schema), _reader_of_schema(schema))
    adapter: TypeAdapter[Any]
    try:
        if isroutine(schema):
            raise TypeError("a function is no type")  # noqa: TRY301 - pydantic would call it
        adapter = TypeAdapter(schema)
        described = adapter.json_schema()
    except (PydanticUserError, NameError, TypeError) as error:
        raise InvalidRequest(f"The schema cannot be used: {_first_line(error)}. Nothing was sent.") from None
    return Form(described, strict_form(described), _reader_of_type(adapter))


def json_in(answer: str) -> str:
    """The JSON in an answer, also between other words or in a code fence; all of it where there is none."""
    text = answer.strip()
    decoder = json.JSONDecoder()
    for start, character in enumerate(text):
        if start == 0 or character in "{[":
            try:
                _, end = decoder.raw_decode(text, start)
            except (ValueError, RecursionError):
                continue
            if start or end == len(text):
                return text[start:end]
    return text


def _reader_of_type(adapter: TypeAdapter[Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return adapter.validate_json(text)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
            raise Unfit(_told([(fault["loc"], fault["msg"]) for fault in found])) from None

    return read


def _reader_of_schema(schema: Mapping[str, Any]) -> Callable[[str], Any]:
    # Loaded for who brings a schema of their own: it is large.
    from jsonschema_rs import validator_for  # noqa: PLC0415

    try:
        validator = validator_for(dict(schema), offline=True)
    except ValueError as error:
        raise InvalidRequest(
            f"The schema is no JSON schema that can be used: {_first_line(error)}. Nothing was sent."
        ) from None

    def read(text: str) -> Any:
        try:
            value = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise Unfit(f"it is no JSON ({error})") from None
        if found := [(fault.instance_path, fault.message) for fault in validator.iter_errors(value)]:
            raise Unfit(_told(found))
        return value

    return read


def _no_constant(name: str) -> Never:
    """NaN and Infinity, which Python reads, are not JSON."""
    raise ValueError(name)


def _told(faults: Sequence[tuple[Sequence[str | int], str]]) -> str:
    told = [f"{'.'.join(map(str, place)) or 'it'}: {words}"[:FAULT_CHARACTERS] for place, words in faults]
    more = f"; and {len(told) - FAULTS_MAX} more" if len(told) > FAULTS_MAX else ""
    return "; ".join(told[:FAULTS_MAX]) + more


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")
