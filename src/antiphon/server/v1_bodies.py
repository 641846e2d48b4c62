"""What requests under `/v1` say, checked; nothing that is not listed here is taken."""

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from antiphon.domain.approvals import Allow, Decision, Deny, Edit
from antiphon.domain.events import HEAD
from antiphon.errors import InvalidRequest
from antiphon.server.v1_options import Body, Options
from antiphon.service import Ask

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

Text: TypeAlias = Annotated[str, Field(max_length=1_000_000)]
Id: TypeAlias = Annotated[
    str,
    Field(
        pattern=rf"^{UUID}$",
        description="A UUID in its usual form, in lower case.",
    ),
]
TurnId: TypeAlias = Annotated[
    str, Field(pattern=rf"^{UUID}\.{UUID}$", description="A turn's id: two UUIDs with a dot between them.")
]


class NewConversation(Body):
    title: Text = ""
    system: Text | None = Field(None, description="The system prompt; absent: a plain assistant's.")
    model: Text = Field("", description="A model of GET /v1/models; empty: the server's default.")
    options: Options = Options()


class ConversationChange(Body):
    """What is absent stays as it is."""

    title: Text | None = None
    system: Text | None = None
    model: Text | None = None
    options: Options | None = None


class TextBlock(Body):
    type: Literal["text"]
    text: Text


class MediaBlock(Body):
    """An image or document block as the Messages API has it; a source of type `file` names one of yours."""

    type: Literal["image", "document"]
    source: dict[str, Any]
    title: str | None = None
    context: str | None = None
    citations: dict[str, Any] | None = None


ContentBlock: TypeAlias = Annotated[TextBlock | MediaBlock, Field(discriminator="type")]


class NewTurn(Body):
    """A message, or, without content, another answer to `parent_id`."""

    content: Text | Annotated[list[ContentBlock], Field(max_length=1000)] | None = None
    message_id: Id | None = None
    parent_id: Id | None = Field(
        None,
        description="Absent: the conversation's head when the turn starts. null: a new root.",
    )
    after_turn: TurnId | None = Field(None, description="The turn behind which this one was queued.")
    when_busy: Literal["queue", "reject", "interrupt"] = "queue"
    options: Options = Options()

    def ask(self, key: str) -> Ask:
        content = self.content
        if isinstance(content, list):
            blocks = [block.model_dump(exclude_none=True) for block in content]
        return Ask(
            content=blocks if isinstance(content, list) else content,
            message_id=self.message_id,
            parent_id=self.parent_id if "parent_id" in self.model_fields_set else HEAD,
            after_turn=self.after_turn,
            when_busy=self.when_busy,
            options=self.options.given(),
            key=key,
        )


class HeadChange(Body):
    message_id: Id | None = Field(description="The message to show and go on from; null: before the first.")


class Cancel(Body):
    seen_seq: int | None = Field(
        None, ge=0, description="The last event you have seen; absent: all that is committed."
    )


class ApprovalDecision(Body):
    decision: Literal["allow", "deny", "edit"]
    input: dict[str, Any] | None = Field(
        None, description="Of edit, and only there: what the tool runs with instead."
    )
    reason: Annotated[str, Field(max_length=10_000)] = Field(
        "", description="For the record; Claude is told the reason of a denial."
    )

    def decided(self) -> Decision:
        """Raises InvalidRequest: the input is missing, or out of place."""
        if (self.decision == "edit") != (self.input is not None):
            raise InvalidRequest(
                "An input belongs to the decision edit, and to no other. Nothing was changed.",
                errors=[{"pointer": "#/input", "detail": "belongs to the decision edit, and to no other"}],
            )
        match self.decision:
            case "allow":
                return Allow(self.reason)
            case "deny":
                return Deny(self.reason)
            case "edit":
                return Edit(self.input or {}, self.reason)


class Document(BaseModel):
    """An exported conversation."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", strict=True, frozen=True)

    format: str
    id: str
    events: list[dict[str, Any]]
    files: list[dict[str, Any]] = Field(default_factory=list)
