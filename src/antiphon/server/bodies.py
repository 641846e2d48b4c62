"""What a request of the simple API says: its JSON, checked; nothing else is taken."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeAlias

from fastapi import Depends, Path, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from antiphon.domain.ids import SESSION_NAME
from antiphon.server.guard import Limit
from antiphon.server.reading import (
    checked,
    documented,
    key_documentation,
    read_json,
    read_key,
    refusal,
)

NAME_RULE = "must be 1 to 128 characters of A-Z a-z 0-9 . _ : -"


def _named(value: str) -> str:
    if SESSION_NAME.fullmatch(value) is None:
        raise PydanticCustomError("session_id", NAME_RULE)
    return value


def says_something(value: str) -> str:
    if not value.strip():
        raise PydanticCustomError("empty", "is empty")
    return value


NAME_SCHEMA: dict[str, Any] = {"pattern": f"^{SESSION_NAME.pattern}$"}

SessionName: TypeAlias = Annotated[
    str,
    AfterValidator(_named),
    Field(description="A name of your own for the conversation.", json_schema_extra=NAME_SCHEMA),
]


class ChatRequest(BaseModel):
    """A message to a conversation, which is started if there is none of this name."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, frozen=True)

    session_id: SessionName
    message: Annotated[
        str,
        AfterValidator(says_something),
        Field(
            description="What you say: at least one visible character.", json_schema_extra={"minLength": 1}
        ),
    ]
    system_prompt: str | None = Field(
        None, description="Applies from this message on. Absent: it stays as it was."
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of the simple API, ready to be sent."""

    chat: ChatRequest
    key: str | None


async def read_asked(request: Request) -> Asked:
    """Raises InvalidJson, InvalidRequest, TooLarge."""
    key = read_key(request)
    chat = checked(ChatRequest, await read_json(request))
    limit: Limit = request.app.state.limit
    if len(chat.message.encode()) > limit.size:
        raise limit.exceeded()
    return Asked(chat, key)


BODY_DOCUMENTATION: dict[str, Any] = {**documented(ChatRequest), **key_documentation(required=False)}


async def session_in_path(session_id: Annotated[str, Path(json_schema_extra=NAME_SCHEMA)]) -> str:
    """Raises InvalidRequest."""
    if SESSION_NAME.fullmatch(session_id) is None:
        raise refusal([{"parameter": "session_id", "detail": NAME_RULE}])
    return session_id


SessionInPath: TypeAlias = Annotated[str, Depends(session_in_path)]
